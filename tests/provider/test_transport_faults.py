"""Every fault of the fault upstream becomes the right bytes or the named error, on both event loops."""

import asyncio
import re
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
import uvloop

from rowen.provider.transport import HttpTransport
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
)
from rowen.values.errors import Unavailable

SECRET = "sk-do-not-tell"
AB = Stream(chunks=(b"a", b"b"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a caller sees: the status (0 where no head came), the bytes before the end, and how it ended."""

    status: int = 200
    body: bytes = b""
    error: str = ""


WHOLE: dict[str, tuple[Behaviour, Outcome]] = {
    "a reply": (Reply(body=b"whole"), Outcome(body=b"whole")),
    "an empty reply": (Reply(body=b""), Outcome()),
    "a reply without content": (Stream(chunks=(), status=204, until_close=True), Outcome(status=204)),
    "a stream": (AB, Outcome(body=b"ab")),
    "a stream with gaps": (Stream(chunks=(b"a", b"b"), gap=0.01, first_delay=0.01), Outcome(body=b"ab")),
    "a body that ends with the connection": (Stream(chunks=(b"a", b"b"), until_close=True), Outcome(body=b"ab")),
    "a reply that closes": (Reply(body=b"whole", close=True), Outcome(body=b"whole")),
    "a delayed reply": (Delay(seconds=0.01, then=Reply(body=b"late")), Outcome(body=b"late")),
    "a dripping reply": (Drip(then=Reply(body=b"whole")), Outcome(body=b"whole")),
    "a dripping stream": (Drip(then=AB), Outcome(body=b"ab")),
    "an interim answer": (Interim(status=103, then=Reply(body=b"real")), Outcome(body=b"real")),
    "a continue": (Interim(status=100, then=Reply(body=b"real")), Outcome(body=b"real")),
    "a redirect": (Reply(status=302, headers={"location": "/other"}, body=b""), Outcome(status=302)),
    "a huge body": (Huge(size=1_000_001), Outcome(body=b"x" * 1_000_001)),
    "a server error": (ServerError(status=503), Outcome(status=503, body=b"<any>")),
    "too many": (TooMany(retry_after=2), Outcome(status=429, body=b"<any>")),
    "a web page": (WrongType(body=b"<p>"), Outcome(body=b"<p>")),
    "a cut at once": (Cut(), Outcome(status=0, error="upstream_cut")),
    "a close at once": (Cut(reset=False), Outcome(status=0, error="upstream_cut")),
    "a cut after the head": (Cut(after_bytes=0), Outcome(error="upstream_cut")),
    "a cut in mid-stream": (Cut(then=AB, after_chunks=1), Outcome(body=b"a", error="upstream_cut")),
    "a close in mid-stream": (Cut(then=AB, after_chunks=1, reset=False), Outcome(body=b"a", error="upstream_cut")),
    "a cut before the end mark": (Cut(then=AB, after_chunks=2), Outcome(body=b"ab", error="upstream_cut")),
    "a short body": (
        Cut(then=Reply(body=b"whole"), after_bytes=2, reset=False),
        Outcome(body=b"wh", error="upstream_cut"),
    ),
    "a reset where a close would end the body": (
        Cut(then=Stream(chunks=(b"a", b"b"), until_close=True), after_chunks=1),
        Outcome(body=b"a", error="upstream_cut"),
    ),
    "garbage": (Garbage(), Outcome(status=0, error="upstream_garbage")),
    "garbage that looks like a status line": (
        Garbage(data=b"HTTP/1.1 two hundred\r\n\r\n"),
        Outcome(status=0, error="upstream_garbage"),
    ),
    "two lengths": (
        Garbage(data=b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
        Outcome(status=0, error="upstream_garbage"),
    ),
    "an endless head": (HugeHead(size=2_000_000), Outcome(status=0, error="upstream_garbage")),
    "a long head in few reads": (HugeHead(size=100_000), Outcome(status=0, error="upstream_garbage")),
    "a bad chunk": (BadChunk(chunks=(b"a",)), Outcome(body=b"a", error="upstream_garbage")),
    "an encoded body": (
        Reply(body=b"\x1f\x8b", headers={"content-encoding": "gzip"}),
        Outcome(status=0, error="upstream_garbage"),
    ),
    "a switch of protocols": (
        Garbage(data=b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
        Outcome(status=0, error="upstream_garbage"),
    ),
    "silence": (Hang(), Outcome(status=0, error="upstream_timeout")),
    "silence after the head": (Hang(after_bytes=0), Outcome(error="upstream_timeout")),
    "silence in mid-stream": (Hang(then=AB, after_chunks=1), Outcome(body=b"a", error="upstream_timeout")),
    "a stale connection": (CloseKeepAlive(then=Reply(body=b"again")), Outcome(body=b"again")),
}

LOOPS: dict[str, Callable[[Coroutine[Any, Any, None]], None]] = {"asyncio": asyncio.run, "uvloop": uvloop.run}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("case", WHOLE)
def test_gives_the_right_bytes_or_the_named_error(case: str, loop: str):
    behaviour, expected = WHOLE[case]
    silence = 0.1 if isinstance(behaviour, Hang) else 30.0

    async def call() -> None:
        async with FaultUpstream() as up:
            up.on("/first", Reply())
            up.on("/v1/x", behaviour)
            transport = HttpTransport()
            async with await transport.open("POST", f"{up.url}/first", {}, b"{}", connect_timeout=5) as first:
                await first.read(100)

            seen = await outcome(transport, f"{up.url}/v1/x?key={SECRET}", silence)

            await transport.close()
            await up.until(lambda: up.open_connections == 0)
        if expected.body == b"<any>":
            seen = Outcome(status=seen.status, body=b"<any>", error=seen.error)
        assert seen == expected
        assert transport.connections == 0

    LOOPS[loop](call())


async def outcome(transport: HttpTransport, url: str, silence: float) -> Outcome:
    status, body = 0, b""
    try:
        reply = await transport.open(
            "POST",
            url,
            {"authorization": f"Bearer {SECRET}"},
            b"{}",
            connect_timeout=5,
            silence_timeout=silence,
        )
        async with reply:
            status = reply.status
            async for piece in reply.chunks():
                body += piece
    except Unavailable as error:
        assert error.who == "127.0.0.1"
        assert SECRET not in "".join(traceback.format_exception(error))
        return Outcome(status=status, body=body, error=error.code)
    return Outcome(status=status, body=body)


async def test_a_whole_read_of_a_cut_body_is_an_error_not_a_short_answer():
    async with FaultUpstream() as up:
        up.on("*", Cut(then=Stream(chunks=(b"a", b"b")), after_chunks=1))
        transport = HttpTransport()
        async with await transport.open("POST", up.url, {}, b"", connect_timeout=5) as reply:
            with pytest.raises(Unavailable) as caught:
                await reply.read(1_000)
        await transport.close()

    assert caught.value.code == "upstream_cut"


@pytest.mark.parametrize(
    "body",
    [Huge(size=10_000_000), Stream(chunks=[b"x" * 4_000] * 10_000)],
    ids=["said in the head", "found by reading"],
)
async def test_a_body_over_the_limit_is_refused_and_its_connection_dropped(body):
    async with FaultUpstream() as up:
        up.on("*", body)
        transport = HttpTransport()
        async with await transport.open("POST", up.url, {}, b"", connect_timeout=5) as reply:
            with pytest.raises(Unavailable, match=re.escape("longer than 1000 bytes")) as caught:
                await reply.read(1_000)

        await up.until(lambda: up.disconnects == 1)
        await transport.close()

    assert caught.value.code == "upstream_garbage"


async def test_a_stream_that_keeps_talking_may_take_longer_than_the_silence_allowed():
    async with FaultUpstream() as up:
        up.on("*", Stream(chunks=[b"x"] * 10, gap=0.1))
        transport = HttpTransport()
        reply = await transport.open("POST", up.url, {}, b"", connect_timeout=5, silence_timeout=0.7)

        body = await reply.read(100)

        await transport.close()

    assert body == b"x" * 10
