"""Server-sent events come out the same however their bytes were split."""

from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.provider.transport import Sse, sse
from rowen.values.errors import Unavailable


def events(pieces: Iterable[bytes]) -> list[tuple[str, bytes]]:
    parser = Sse()
    return [event for piece in pieces for event in parser.feed(piece)] + parser.end()


async def arriving(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a"), ("", b"b")]),
        (b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")]),
        (b"data:a\n\ndata:  b\n\n", [("", b"a"), ("", b" b")]),
        (b"data: a\ndata: b\n\n", [("", b"a\nb")]),
        (b"event: ping\ndata: a\n\ndata: b\n\n", [("ping", b"a"), ("", b"b")]),
        (b"event: lost\n\ndata: b\n\n", [("", b"b")]),
        (b": comment\n\n: another\ndata: a\n: third\n\n", [("", b"a")]),
        (b"id: 7\nretry: 10\nother: x\nnothing\ndata: a\n\n", [("", b"a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
        (b"\n\n\ndata: a\n\n\n\n", [("", b"a")]),
        (b"data\n\ndata:\n\ndata: a\n\n", [("", b"a")]),
        (b"data\ndata: a\n\n", [("", b"\na")]),
        (b"data: a\n\ndata: [DONE]", [("", b"a"), ("", b"[DONE]")]),
        (b"data: a\n\ndata: [DONE]\n", [("", b"a"), ("", b"[DONE]")]),
        (b"data: [DONE]\r", [("", b"[DONE]")]),
        (b"database: x\n\nevents: y\ndata: a\n\n", [("", b"a")]),
        (b"data: \xff\xfe\n\n", [("", b"\xff\xfe")]),
        (b"", []),
        (b"\xef", []),
    ],
)
def test_reads_the_grammar(body: bytes, expected: list[tuple[str, bytes]]):
    assert events([body]) == expected
    assert events(body[at : at + 1] for at in range(len(body))) == expected


LINES = st.lists(
    st.sampled_from(
        [b"data: a", b"data:b", b"data", b"data: ", b"event: x", b"event:", b": c", b"id: 1", b"", b"", b"x"]
    )
)
ENDINGS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(lines=LINES, ending=ENDINGS, bom=st.booleans(), tail=st.sampled_from([b"", b"data: t"]), data=st.data())
def test_any_split_gives_the_same_events(
    lines: list[bytes], ending: bytes, bom: bool, tail: bytes, data: st.DataObject
):
    body = b"\xef\xbb\xbf" * bom + b"".join(line + ending for line in lines) + tail
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)))))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    assert events(pieces) == events([body])


@given(payloads=st.lists(st.text(min_size=1).map(str.encode).filter(lambda p: b"\n" not in p and b"\r" not in p)))
def test_what_was_written_is_what_is_read(payloads: list[bytes]):
    written = [b"data: %b\n\n" % payload for payload in payloads]

    assert events(written) == [("", payload) for payload in payloads]
    assert events([b"".join(written)]) == [("", payload) for payload in payloads]


async def test_a_body_gives_the_data_of_its_events():
    found = [data async for data in sse(arriving(b"data: a\n\nevent: x\nda", b"ta: b\n\n", b"data: [DONE]\n\n"))]

    assert found == [b"a", b"b", b"[DONE]"]


@pytest.mark.parametrize(
    "pieces",
    [
        [b"data: " + b"x" * 101 + b"\n\n"],
        [b"data: a\n\n", b"data: " + b"x" * 101 + b"\n\n"],
        [b"data: ", *[b"x"] * 101],
        [b"data: xxxxxxxxx\n"] * 11,
        [b"data\n"] * 101,
        [b":" + b"x" * 101],
    ],
)
def test_an_event_over_the_limit_is_refused(pieces: list[bytes]):
    parser = Sse(max_event=100)

    with pytest.raises(Unavailable, match="longer than 100 bytes") as caught:
        for piece in pieces:
            parser.feed(piece)

    assert caught.value.code == "upstream_garbage"


def test_the_limit_is_for_one_event_not_for_the_stream():
    parser = Sse(max_event=100)

    found = [
        event for _ in range(50) for event in parser.feed(b"data: " + b"x" * 40 + b"\ndata: " + b"y" * 40 + b"\n\n")
    ]

    assert len(found) == 50
