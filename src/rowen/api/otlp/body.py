"""Reads a body, and unpacks it within the same limit: a bomb is refused before it is open."""

import asyncio
import zlib

from rowen.api import body as bodies
from rowen.api.base import DoorSettings, Message, Receive
from rowen.api.envelope import Envelope
from rowen.api.otlp.base import Place
from rowen.values import Mistaken, Refused

_THREAD = 262_144
"""Bytes from which on unpacking leaves the loop: zlib works without the interpreter's lock."""
_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
PACKINGS = {"", "identity", *_WINDOW}


async def read(envelope: Envelope, receive: Receive, settings: DoorSettings, place: Place) -> bytes:
    """Return the whole body, unpacked.

    Raises:
        Mistaken: `content_type` for a packing that is not read, `encoding_broken` for one that is cut short or wrong.
        Refused: `body_too_large` or `body_too_slow`.
        Unavailable: `spans_overloaded`.
        Gone: the sender left.

    """
    if envelope.encoding not in PACKINGS:
        raise Mistaken("content_type", f"the packing {envelope.encoding[:40]!r} is not read", place="content-encoding")
    raw = await bodies.read(_counted(receive, place), settings)
    if envelope.encoding in {"", "identity"}:
        return raw
    unpack = _unpacked if len(raw) < _THREAD else _away
    found = unpack(raw, _WINDOW[envelope.encoding], settings.body_limit)
    body = found if isinstance(found, bytes) else await found
    place.grow(len(body))
    return body


def check_size(envelope: Envelope, settings: DoorSettings) -> None:
    """Refuse by its head alone a body that is too large.

    Raises:
        Refused: `body_too_large`.

    """
    if envelope.length is not None and envelope.length > settings.body_limit:
        raise Refused("body_too_large", f"the body is larger than {settings.body_limit:,} bytes")


def _counted(receive: Receive, place: Place) -> Receive:
    """Take room for a body as it comes."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        place.grow(size)
        return message

    return counted


def _away(raw: bytes, window: int, limit: int) -> "asyncio.Future[bytes]":
    return asyncio.get_running_loop().run_in_executor(None, _unpacked, raw, window, limit)


def _unpacked(raw: bytes, window: int, limit: int) -> bytes:
    """Return what is packed, of one or several members."""
    parts: list[bytes] = []
    left = limit
    while raw:
        one = zlib.decompressobj(window)
        try:
            parts.append(one.decompress(raw, left + 1))
        except zlib.error as error:
            raise Mistaken("encoding_broken", place="body") from error
        left -= len(parts[-1])
        if left < 0 or one.unconsumed_tail:
            raise Refused("body_too_large", f"the body is larger than {limit:,} bytes when unpacked")
        if not one.eof:
            raise Mistaken("encoding_broken", "the packed body ends too soon", place="body")
        raw = one.unused_data.lstrip(b"\0")
    return b"".join(parts)
