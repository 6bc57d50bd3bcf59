"""Reads a body within its limits, and the JSON in it."""

import asyncio
from typing import Any

import msgspec

from rowen.api.base import DoorSettings, Receive
from rowen.api.burst import before_waiting
from rowen.api.envelope import Envelope
from rowen.api.parse.fields import wrong
from rowen.values import Mistaken, Refused

_decode = msgspec.json.Decoder().decode


class Gone(Exception):
    """The caller left before the body was whole. Nobody is there to answer."""


def check_head(envelope: Envelope, settings: DoorSettings) -> None:
    """Refuse by the headers alone what would be refused after reading.

    Raises:
        Mistaken: `content_type`.
        Refused: `body_too_large`.

    """
    kind = envelope.content_type
    if kind != "application/json" and kind.partition(";")[0].strip().lower() != "application/json":
        raise Mistaken("content_type", f"the body is of type {kind[:60] or 'none'}", place="content-type")
    if envelope.encoding not in {"", "identity"}:
        raise Mistaken("content_type", "a compressed body is not read", place="content-encoding")
    if envelope.length is not None and envelope.length > settings.body_limit:
        raise _too_large(settings)


async def read(receive: Receive, settings: DoorSettings) -> bytes:
    """Return the whole body.

    Raises:
        Refused: `body_too_large` as soon as it is, `body_too_slow` when it is not whole in time.
        Gone: the caller left.

    """
    parts: list[bytes] = []
    size = 0
    limit = _TimeLimit(settings.body_timeout)
    try:
        while True:
            message = await before_waiting(receive(), limit.begin)
            if message["type"] == "http.disconnect":
                raise Gone
            part = message.get("body", b"")
            size += len(part)
            if size > settings.body_limit:
                raise _too_large(settings)
            if not message.get("more_body", False):
                break
            parts.append(part)
    except asyncio.CancelledError:
        if not limit.over:
            raise
        raise Refused("body_too_slow", f"the body was not whole after {settings.body_timeout:g} seconds") from None
    finally:
        limit.end()
    if not parts:
        return bytes(part)
    parts.append(part)
    return b"".join(parts)


class _TimeLimit:
    """One timer over all pieces. A third of the cost of `asyncio.timeout`, and every call pays it."""

    __slots__ = ("_reading", "_seconds", "_timer", "over")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._reading: asyncio.Task[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.over = False

    def begin(self) -> None:
        """Start the timer, the first time: a body that is there already needs none."""
        if self._timer is None:
            self._reading = asyncio.current_task()
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._expire)

    def end(self) -> None:
        """Stop the timer, and take its cancellation back if it went off."""
        if self._timer is not None:
            self._timer.cancel()
        if self.over and self._reading is not None:
            self._reading.uncancel()

    def _expire(self) -> None:
        self.over = True
        if self._reading is not None:
            self._reading.cancel()


def table_of(body: bytes, depth: int) -> dict[str, Any]:
    """Return the JSON object in a body.

    Raises:
        Mistaken: `json_malformed` with line and column, `utf8_invalid`, `json_too_deep`, `field_invalid`.

    """
    try:
        found = _decode(body)
    except UnicodeDecodeError:
        raise Mistaken("utf8_invalid", place=f"byte {_bad_byte(body)}") from None
    except RecursionError:
        raise _too_deep(depth) from None
    except msgspec.DecodeError as error:
        raise _malformed(body, str(error)) from None
    # So few openings cannot nest too deeply; the walk is for those that could.
    if body.count(b"{") + body.count(b"[") > depth and _deeper(found, depth):
        raise _too_deep(depth)
    if type(found) is not dict:
        raise wrong("body", "an object", found)
    return found


def _deeper(found: object, depth: int) -> bool:
    """Whether the value nests deeper than that. Level by level, so that no depth of its own is needed."""
    level: list[Any] = [found]
    for _ in range(depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer if type(outer) is list else ())
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


def _malformed(body: bytes, sentence: str) -> Mistaken:
    if not body.strip():
        return Mistaken("json_malformed", "the body is empty", place="body")
    text = sentence.removeprefix("JSON is malformed: ").partition(" - at `")[0]
    head, found, tail = text.partition(" (byte ")
    at = int(tail.rstrip(")")) if found and tail.rstrip(")").isdigit() else len(body)
    before = body[:at]
    line = before.count(b"\n") + 1
    column = at - (before.rfind(b"\n") + 1) + 1
    return Mistaken(
        "json_malformed", f"the body is not valid JSON: {head.lower()}", place=f"line {line} column {column}"
    )


def _bad_byte(body: bytes) -> int:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _too_deep(depth: int) -> Mistaken:
    return Mistaken("json_too_deep", f"the JSON is nested deeper than {depth} levels", place="body")


def _too_large(settings: DoorSettings) -> Refused:
    return Refused("body_too_large", f"the body is larger than {settings.body_limit:,} bytes")
