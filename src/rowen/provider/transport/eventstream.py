"""The binary framing of AWS streams (`application/vnd.amazon.eventstream`): bytes in any pieces → frames.

A frame is: total length, length of the headers, CRC-32 of these two, headers, payload, CRC-32 of all before it; numbers
are big-endian. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
"""

import struct
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from rowen.values.errors import Unavailable

MAX_FRAME = 16_777_216  # bytes; AWS sends at most 16 MiB
_PRELUDE = struct.Struct(">III")
_NUMBER = struct.Struct(">I")
_SIZES = {2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # bytes of a header value, by its type; 0 and 1 are true and false


class Frame(NamedTuple):
    """One message: its headers of type string (such as `:event-type`), and its payload."""

    headers: dict[str, str]
    payload: bytes


class EventStream:
    """The parser."""

    __slots__ = ("_held", "_max")

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._held = bytearray()
        self._max = max_frame

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """Yield the frames that end in this piece.

        Raises:
            Unavailable: `upstream_garbage` where a length or a checksum does not hold.

        """
        held = self._held
        held += piece
        while len(held) >= 12:
            total, heads, check = _PRELUDE.unpack_from(held)
            if zlib.crc32(held[:8]) != check or not 16 + heads <= total <= self._max:
                raise Unavailable("upstream_garbage", "A frame of the stream has a wrong length or checksum.")
            if len(held) < total:
                return
            frame = bytes(held[:total])
            del held[:total]
            if zlib.crc32(frame[:-4]) != _NUMBER.unpack_from(frame, total - 4)[0]:
                raise Unavailable("upstream_garbage", "A frame of the stream has a wrong checksum.")
            yield Frame(_headers(frame[12 : 12 + heads]), frame[12 + heads : -4])

    def end(self) -> None:
        """Say that the body has ended.

        Raises:
            Unavailable: `upstream_cut` where it ended within a frame.

        """
        if self._held:
            raise Unavailable("upstream_cut", "The stream ended within a frame.")


async def frames(chunks: AsyncIterator[bytes], *, max_frame: int = MAX_FRAME) -> AsyncIterator[Frame]:
    """Yield the frames of a body.

    Raises:
        Unavailable: `upstream_garbage` or `upstream_cut`, and what `chunks` raises.

    """
    parser = EventStream(max_frame)
    async for piece in chunks:
        for frame in parser.feed(piece):
            yield frame
    parser.end()


def _headers(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    at = 0
    try:
        while at < len(block):
            name_end = at + 1 + block[at]
            name = block[at + 1 : name_end].decode()
            kind = block[name_end]
            at = name_end + 1
            if kind in (6, 7):
                size = int.from_bytes(block[at : at + 2], "big")
                if kind == 7:
                    headers[name] = block[at + 2 : at + 2 + size].decode()
                at += 2 + size
            elif kind > 1:
                at += _SIZES[kind]
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise Unavailable("upstream_garbage", "A frame of the stream has headers that cannot be read.") from error
    return headers
