"""The fault upstream does on the wire what its behaviours say."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from rowen.testing.upstream import (
    BadChunk,
    Behaviour,
    CloseKeepAlive,
    Cut,
    Delay,
    Drip,
    FaultUpstream,
    Garbage,
    Hang,
    Huge,
    HugeHead,
    Interim,
    Reply,
    ServerError,
    Stream,
    TooMany,
    WrongType,
    openai_chat,
    openai_stream,
)

REQUEST = b'POST /v1/x?a=b HTTP/1.1\r\nHost: here\r\nX-Name: value\r\nContent-Length: 7\r\n\r\n{"n":1}'


@asynccontextmanager
async def dialled(up: FaultUpstream) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    address = urlsplit(up.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def said(behaviour: Behaviour) -> bytes:
    """Everything that a client hears until the connection ends."""
    async with FaultUpstream() as up, dialled(up.on("*", behaviour)) as (reader, writer):
        writer.write(REQUEST)
        return await reader.read()


async def test_records_each_request_with_its_connection():
    async with FaultUpstream() as up:
        up.on("/v1/x", Reply(body=b"ok", close=True))
        async with dialled(up) as (reader, writer):
            writer.write(REQUEST)
            await reader.read()

        (request,) = up.requests

    assert (request.method, request.path, request.query) == ("POST", "/v1/x", "a=b")
    assert request.headers["x-name"] == "value"
    assert request.json() == {"n": 1}
    assert request.connection == up.connections == 1


async def test_uses_behaviours_in_order_and_the_last_for_ever():
    async with FaultUpstream() as up, dialled(up.on("/v1/x", ServerError(), Reply(body=b"ok"))) as (reader, writer):
        lines = []
        for body in (94, 2, 2):
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(body)
            lines.append(head.split(b"\r\n")[0])

    assert lines == [b"HTTP/1.1 500 Internal Server Error", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK"]


async def test_answers_404_where_nothing_is_scripted():
    async with FaultUpstream() as up, dialled(up) as (reader, writer):
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    ("behaviour", "line"),
    [
        (TooMany(retry_after=2.5), b"retry-after: 2.5"),
        (TooMany(retry_after=datetime(2026, 11, 23, 12, 0, tzinfo=UTC)), b"retry-after: Mon, 23 Nov 2026 12:00:00 GMT"),
        (TooMany(), b"HTTP/1.1 429 Too Many Requests"),
        (ServerError(status=503), b"HTTP/1.1 503 Service Unavailable"),
        (WrongType(), b"content-type: text/html; charset=utf-8"),
        (Reply(status=299, headers={"x-more": "1"}), b"x-more: 1"),
        (Interim(status=103), b"HTTP/1.1 103 Early Hints"),
        (Delay(seconds=0.01), b"HTTP/1.1 200 OK"),
        (HugeHead(size=5_000), b"x-filling: " + b"y" * 1000),
    ],
)
async def test_heads_say_what_was_asked_for(behaviour: Behaviour, line: bytes):
    async with FaultUpstream() as up, dialled(up.on("*", behaviour)) as (reader, writer):
        writer.write(REQUEST)

        head = await reader.readuntil(b"\r\n\r\n")

    assert line in head.split(b"\r\n")


@pytest.mark.parametrize(
    ("behaviour", "body"),
    [
        (Reply(body=b"whole", close=True), b"whole"),
        (Drip(then=Reply(body=b"whole", close=True), size=2), b"whole"),
        (Stream(chunks=(b"a", b"b"), gap=0.001, first_delay=0.001, until_close=True), b"ab"),
        (Cut(then=Stream(chunks=(b"a", b"b")), after_chunks=1, reset=False), b"1\r\na\r\n"),
        (Cut(then=Reply(body=b"whole"), after_bytes=2, reset=False), b"wh"),
        (Cut(then=Reply(body=b"whole"), after_bytes=0, reset=False), b""),
    ],
)
async def test_bodies_hold_what_was_asked_for(behaviour: Behaviour, body: bytes):
    everything = await said(behaviour)

    assert everything.partition(b"\r\n\r\n")[2] == body


async def test_garbage_is_no_http():
    assert not (await said(Garbage())).startswith(b"HTTP/")


async def test_a_cut_resets_the_connection():
    with pytest.raises(ConnectionResetError):
        await said(Cut())


async def test_a_bad_chunk_follows_good_ones():
    async with FaultUpstream() as up, dialled(up.on("*", BadChunk(chunks=(b"a",)))) as (reader, writer):
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")

        assert await reader.readexactly(10) == b"1\r\na\r\nzz\r\n"


async def test_a_huge_body_has_its_size():
    async with FaultUpstream() as up, dialled(up.on("*", Huge(size=200_001, piece=1_000))) as (reader, writer):
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")

        body = await reader.readexactly(200_001)

    assert b"content-length: 200001" in head
    assert set(body) == {ord("x")}


@pytest.mark.parametrize("behaviour", [Hang(), Hang(then=Stream(chunks=(b"a", b"b")), after_chunks=1)])
async def test_a_client_that_leaves_a_hanging_answer_is_counted(behaviour: Behaviour):
    async with FaultUpstream() as up:
        async with dialled(up.on("*", behaviour)) as (_, writer):
            writer.write(REQUEST)
            await up.until(lambda: len(up.requests) == 1)

        await up.until(lambda: up.disconnects == 1)

    assert up.open_connections == 0


async def test_a_client_that_leaves_after_the_answer_is_not_counted():
    async with FaultUpstream() as up:
        async with dialled(up.on("*", Reply())) as (reader, writer):
            writer.write(REQUEST)
            await reader.readuntil(b"{}")

        await up.until(lambda: up.open_connections == 0)

    assert up.disconnects == 0


async def test_drops_a_request_on_a_used_connection_and_answers_it_on_a_new_one():
    async with FaultUpstream() as up:
        up.on("*", Reply(), CloseKeepAlive(then=Reply(body=b"again", close=True)))
        async with dialled(up) as (reader, writer):
            writer.write(REQUEST)
            await reader.readuntil(b"{}")
            writer.write(REQUEST)
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
        async with dialled(up) as (reader, writer):
            writer.write(REQUEST)
            answer = await reader.read()

    assert answer.endswith(b"again")


async def test_closes_idle_connections_when_told():
    async with FaultUpstream() as up, dialled(up.on("*", Reply())) as (reader, writer):
        writer.write(REQUEST)
        await reader.readuntil(b"{}")

        up.close_idle()

        assert await reader.read() == b""


async def test_says_so_when_what_is_waited_for_does_not_come():
    async with FaultUpstream() as up:
        with pytest.raises(TimeoutError):
            await up.until(lambda: up.connections == 1, within=0.01)


def test_serves_from_a_thread():
    with FaultUpstream.in_thread() as up:
        up.on("/v1/chat/completions", openai_chat("hello"))
        address = urlsplit(up.url)
        client = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        client.request("POST", "/v1/chat/completions", body=b"{}")
        answer = json.loads(client.getresponse().read())
        client.close()
        up.wait(lambda: up.open_connections == 0)

    assert answer["choices"][0]["message"]["content"] == "hello"
    assert len(up.requests) == 1


async def test_a_streamed_completion_ends_with_its_usage_and_done():
    body = (await said(Cut(then=openai_stream(("a", "b")), after_bytes=1_000_000, reset=False))).decode()

    events = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]

    assert events.pop() == "[DONE]"
    chunks = [json.loads(event) for event in events]
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"]) == "ab"
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] == 10


async def test_a_streamed_completion_can_break_after_so_many_pieces():
    async with (
        FaultUpstream() as up,
        dialled(up.on("*", openai_stream(("a", "b", "c"), cut_after=2))) as (reader, writer),
    ):
        writer.write(REQUEST)
        heard = b""
        with pytest.raises(ConnectionResetError):
            while piece := await reader.read(65_536):
                heard += piece

    assert b'"content":"b"' in heard
    assert b'"content":"c"' not in heard
