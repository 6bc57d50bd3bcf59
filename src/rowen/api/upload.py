"""Reads a form with one file in it as it arrives, so that a large file is never held whole."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from rowen.api.base import DoorSettings, Receive
from rowen.api.body import Gone
from rowen.api.envelope import Envelope
from rowen.values import Mistaken, Refused

_FIELD = 4_096
"""Bytes of a plain field, and of the head of a part, at most."""
_PARTS = 20
"""Parts of a form at most."""


class Form:
    """A form that is being read: `fields` are those that came before the file, and after `file()` has ended all.

    Args:
        envelope: of the request.
        receive: gives its body.
        settings: how long a piece may take.

    """

    def __init__(self, envelope: Envelope, receive: Receive, settings: DoorSettings) -> None:
        kind, options = parse_options_header(envelope.content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise Mistaken(
                "content_type", "a file is sent as multipart/form-data with a boundary", place="content-type"
            )
        self._receive, self._settings = receive, settings
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headed,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._whole,
            },
        )
        self.fields: dict[str, str] = {}
        self.filename = ""
        self._name = self._head_name = self._head_value = ""
        self._disposition = ""
        self._field = b""
        self._in_file = False
        self._seen_file = False
        self._ended = self._over = False
        self._chunks: deque[bytes] = deque()
        self._parts = 0

    async def begun(self) -> None:
        """Read up to the file.

        Raises:
            Mistaken: `field_invalid`: there is none, or it is no form.

        """
        while not self._seen_file and await self._more():
            pass
        if not self._seen_file:
            raise Mistaken("field_invalid", "file is missing", place="file")

    async def file(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes as they come, then read what comes behind it.

        Raises:
            Mistaken: `field_invalid`: the form ends in the middle.
            Refused: `body_too_slow`.
            Gone: the caller left.

        """
        while True:
            while self._chunks:
                yield self._chunks.popleft()
            if not await self._more():
                break
        if not self._ended:
            raise Mistaken("field_invalid", "the form ends in the middle", place="body")

    async def _more(self) -> bool:
        """Read one piece of the body; return whether there was one."""
        if self._over:
            return False
        try:
            async with asyncio.timeout(self._settings.body_timeout):
                message = await self._receive()
        except TimeoutError:
            waited = f"nothing came for {self._settings.body_timeout:g} seconds"
            raise Refused("body_too_slow", waited) from None
        if message["type"] == "http.disconnect":
            raise Gone
        self._over = not message.get("more_body", False)
        try:
            self._parser.write(message.get("body", b""))
        except FormParserError as error:
            raise Mistaken("field_invalid", f"the form cannot be read: {error}", place="body") from None
        return True

    # the parser's side

    def _begin(self) -> None:
        self._head_name = self._head_value = self._disposition = ""
        self._field = b""
        self._parts += 1
        if self._parts > _PARTS:
            raise Mistaken("field_invalid", f"a form has {_PARTS} parts at most", place="body")

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._head_name += data[start:end].decode("latin-1")
        self._bounded()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._head_value += data[start:end].decode("utf-8", "replace")
        self._bounded()

    def _bounded(self) -> None:
        if len(self._head_name) + len(self._head_value) > _FIELD:
            raise Mistaken("field_invalid", "the head of a part is too long", place="body")

    def _header_end(self) -> None:
        if self._head_name.lower() == "content-disposition":
            self._disposition = self._head_value
        self._head_name = self._head_value = ""

    def _headed(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._in_file = self._name == "file"
        if self._in_file:
            if self._seen_file:
                raise Mistaken("field_invalid", "a form holds one file", place="file")
            self._seen_file = True
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._chunks.append(data[start:end])
            return
        self._field += data[start:end]
        if len(self._field) > _FIELD:
            raise Mistaken("field_invalid", f"{self._name[:60]} is too long", place=self._name[:60])

    def _end(self) -> None:
        if not self._in_file:
            self.fields[self._name] = self._field.decode("utf-8", "replace")
        self._in_file = False

    def _whole(self) -> None:
        self._ended = True
