"""AWS event-stream frames come out the same however their bytes were split, and damage is noticed."""

import struct
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.provider.transport import Frame, frames
from rowen.provider.transport.eventstream import EventStream
from rowen.values.errors import Unavailable


def framed(payload: bytes, heads: bytes) -> bytes:
    prelude = struct.pack(">II", 16 + len(heads) + len(payload), len(heads))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + heads + payload
    return body + struct.pack(">I", zlib.crc32(body))


def text(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()


HEADS = (
    text(":event-type", "contentBlockDelta")
    + b"\x01t\x00"
    + b"\x01b\x02\x07"
    + b"\x01s\x03\x00\x07"
    + b"\x01i\x04"
    + bytes(4)
    + b"\x01l\x05"
    + bytes(8)
    + b"\x01y\x06\x00\x02ab"
    + b"\x01d\x08"
    + bytes(8)
    + b"\x01u\x09"
    + bytes(16)
    + text(":message-type", "event")
)
EXPECTED = {":event-type": "contentBlockDelta", ":message-type": "event"}


async def arriving(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def test_reads_the_bytes_of_the_smallest_frame():
    # An empty message, spelled out: total 16, no headers, and the two checksums.
    wire = bytes.fromhex("000000100000000005c248eb7d98c8ff")

    assert list(EventStream().feed(wire)) == [Frame({}, b"")]


@given(payloads=st.lists(st.binary(max_size=50), max_size=5), data=st.data())
def test_any_split_gives_the_same_frames(payloads: list[bytes], data: st.DataObject):
    wire = b"".join(framed(payload, HEADS) for payload in payloads)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)))))
    parser = EventStream()

    found = [
        frame
        for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)
        for frame in parser.feed(wire[start:end])
    ]
    parser.end()

    assert found == [Frame(EXPECTED, payload) for payload in payloads]


@given(at=st.integers(0, len(framed(b"payload", HEADS)) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed(at: int, bit: int):
    wire = bytearray(framed(b"payload", HEADS))
    wire[at] ^= 1 << bit

    with pytest.raises(Unavailable) as caught:
        list(EventStream().feed(bytes(wire)))

    assert caught.value.code == "upstream_garbage"


@pytest.mark.parametrize("heads", [b"\x05ab", b"\x01a\x0a", b"\x01a", b"\x01\xff\x00"])
def test_headers_that_cannot_be_read_are_garbage(heads: bytes):
    with pytest.raises(Unavailable, match="headers") as caught:
        list(EventStream().feed(framed(b"", heads)))

    assert caught.value.code == "upstream_garbage"


def test_a_frame_over_the_limit_is_refused_at_its_start():
    with pytest.raises(Unavailable):
        list(EventStream(max_frame=100).feed(framed(b"x" * 200, b"")[:12]))


async def test_a_body_gives_its_frames():
    wire = framed(b"one", HEADS) + framed(b"two", HEADS)

    found = [frame.payload async for frame in frames(arriving(wire[:20], wire[20:]))]

    assert found == [b"one", b"two"]


async def test_a_body_that_ends_within_a_frame_was_cut():
    with pytest.raises(Unavailable) as caught:
        [frame async for frame in frames(arriving(framed(b"one", HEADS)[:-1]))]

    assert caught.value.code == "upstream_cut"
