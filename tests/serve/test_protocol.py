"""HTTP/1.1 from callers: framing, order, timing, and what an application or a caller does wrong."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from rowen.api.reply import FOLLOWED
from rowen.api.watch import Watches
from rowen.serve.protocol import HIGH_WATER, Protocol

ASK = b"POST /v1/x?a=1 HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nhi"
GET = b"GET /a%20b HTTP/1.1\r\nhost: h\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"

App = Callable[..., Awaitable[None]]


async def echo(scope, receive, send) -> None:
    """Answers with the method, the path and the body."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    said = f"{scope['method']} {scope['path']} ".encode() + body
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


async def stream(_, __, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for piece in (b"one", b"two"):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class Socket:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False
        self.reading = True

    def get_extra_info(self, name: str):
        return ("10.0.0.9", 5) if name == "peername" else None

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Patient(Protocol):
    """With limits that a test can wait for."""

    head_timeout = 0.05
    linger = 0.0


class Talk:
    """One connection to an application."""

    def __init__(self, app: App, kind: type[Protocol] = Protocol) -> None:
        config = uvicorn.Config(app, interface="asgi3", proxy_headers=False, log_config=None)
        config.load()
        self.state = ServerState()
        self.socket = Socket()
        self.protocol = kind(config, self.state, {})
        self.protocol.connection_made(self.socket)  # type: ignore[arg-type]

    async def say(self, *pieces: bytes) -> bytes:
        """Send pieces, and return what was answered as far as that goes without waiting for anything."""
        for piece in pieces:
            self.protocol.data_received(piece)
            await self.settled()
        await self.settled()
        return b"".join(self.socket.written)

    async def settled(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@asynccontextmanager
async def served(app: App) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = uvicorn.Config(app, interface="asgi3", proxy_headers=False, timeout_keep_alive=0, log_config=None)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Patient(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


async def test_head_and_body_leave_in_one_write():
    talk = Talk(echo)

    await talk.say(ASK)

    assert talk.socket.written == [b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\nPOST /v1/x hi"]


async def test_a_stream_is_chunked_and_each_piece_leaves_at_once():
    talk = Talk(stream)

    await talk.say(GET)

    assert talk.socket.written == [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        b"3\r\none\r\n",
        b"3\r\ntwo\r\n",
        b"0\r\n\r\n",
    ]


async def test_the_application_is_told_what_was_asked_and_by_whom():
    seen = {}

    async def look(scope, receive, send) -> None:
        seen.update(scope)
        await echo(scope, receive, send)

    await Talk(look).say(b"POST /a%20b?q=1 HTTP/1.1\r\nX-Some: v\r\ncontent-length: 0\r\n\r\n")

    assert (seen["path"], seen["raw_path"], seen["query_string"]) == ("/a b", b"/a%20b", b"q=1")
    assert seen["client"] == ("10.0.0.9", 5)
    assert seen["headers"] == [(b"x-some", b"v"), (b"content-length", b"0")]


@given(st.lists(st.integers(1, len(ASK + GET + LAST)), max_size=6))
@settings(max_examples=40)
def test_requests_sent_ahead_are_answered_in_order_however_the_bytes_are_cut(cuts):
    async def play() -> None:
        talk = Talk(echo)
        data, at = ASK + GET + LAST, 0
        for cut in [*sorted(cuts), len(data)]:
            await talk.say(data[at:cut])
            at = cut

        said = await talk.say()

        bodies = [answer.partition(b"\r\n\r\n")[2] for answer in said.split(b"HTTP/1.1 200 OK")[1:]]
        assert bodies == [b"POST /v1/x hi", b"GET /a b ", b"GET /last "]
        assert talk.socket.closed
        assert talk.socket.reading

    asyncio.run(play())


async def test_a_caller_that_waits_for_a_word_is_told_to_go_on():
    talk = Talk(echo)

    said = await talk.say(b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n", b"hi")

    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


async def test_an_answer_to_head_has_no_body():
    said = await Talk(echo).say(b"HEAD / HTTP/1.1\r\n\r\n")

    assert said == b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n"


async def test_an_old_caller_gets_no_chunks_and_a_closed_connection():
    talk = Talk(stream)

    said = await talk.say(b"GET / HTTP/1.0\r\n\r\n")

    assert said == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwo"
    assert talk.socket.closed


async def test_a_line_break_in_a_header_never_leaves():
    async def split(_, __, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"a\r\nset-cookie: b")]})

    said = await Talk(split).say(GET)

    assert said.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in said


@pytest.mark.parametrize("length", [b"2", b"9"])
async def test_a_body_of_another_length_than_promised_ends_the_connection(length):
    async def lie(_, __, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": b"four"})

    talk = Talk(lie)
    await talk.say(GET)

    assert talk.socket.closed


async def test_an_application_that_breaks_is_answered_for():
    async def broken(_, __, ___) -> None:
        raise KeyError("secret")

    talk = Talk(broken)
    said = await talk.say(GET)

    assert said.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"secret" not in said
    assert talk.socket.closed


async def test_an_answer_that_breaks_off_ends_the_connection():
    async def half(_, __, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})

    talk = Talk(half)
    said = await talk.say(GET)

    assert said.endswith(b"3\r\none\r\n")
    assert talk.socket.closed


async def test_the_head_of_a_stream_leaves_with_its_first_piece_where_that_is_there():
    async def tell(_, __, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [], FOLLOWED: True})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    talk = Talk(tell)
    await talk.say(GET)

    first, last = talk.socket.written
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert first.endswith(b"\r\n\r\n3\r\none\r\n")
    assert last == b"3\r\ntwo\r\n0\r\n\r\n"


async def test_the_head_of_any_other_stream_waits_for_nothing():
    async def tell(_, __, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()

    said = await Talk(tell).say(GET)

    assert said.startswith(b"HTTP/1.1 200 OK")


async def test_an_application_that_breaks_before_the_piece_that_was_to_follow_is_answered_for():
    async def tell(_, __, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [], FOLLOWED: True})
        raise ValueError("secret")

    said = await Talk(tell).say(GET)

    assert said.startswith(b"HTTP/1.1 500 ")
    assert b"200 OK" not in said


async def test_what_is_not_http_is_refused():
    talk = Talk(echo)

    said = await talk.say(b"\x16\x03\x01\x02\x00 not http\r\n\r\n")

    assert said.startswith(b"HTTP/1.1 400 ")
    assert talk.socket.closed


async def test_garbage_behind_a_whole_request_does_not_spoil_its_answer():
    talk = Talk(echo)

    said = await talk.say(ASK + b"\x00\x01garbage\r\n\r\n")

    assert said.endswith(b"POST /v1/x hi")
    assert b"400" not in said
    assert talk.socket.closed


async def test_a_long_body_that_nobody_reads_stops_the_reading_of_the_socket():
    taken = asyncio.Event()

    async def later(scope, receive, send) -> None:
        await taken.wait()
        await echo(scope, receive, send)

    talk = Talk(later)
    size = HIGH_WATER + 1
    await talk.say(b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size)

    assert not talk.socket.reading

    taken.set()
    said = await talk.say()

    assert talk.socket.reading
    assert said.endswith(b"x" * size)


async def test_nothing_is_sent_while_the_socket_takes_no_more():
    talk = Talk(stream)
    talk.protocol.pause_writing()

    assert await talk.say(GET) == b""

    talk.protocol.resume_writing()

    assert (await talk.say()).endswith(b"0\r\n\r\n")


async def test_a_caller_that_left_is_told_to_the_application():
    told = []

    async def wait(_, receive, __) -> None:
        await receive()
        told.append((await receive())["type"])

    talk = Talk(wait)
    await talk.say(GET)
    talk.protocol.connection_lost(None)
    await talk.settled()

    assert told == ["http.disconnect"]
    assert talk.socket.written == []


async def test_an_application_is_called_back_when_its_caller_leaves_before_or_after_it_asked_for_that():
    told, left = [], asyncio.Event()

    async def wait(scope, receive, __) -> None:
        await receive()
        when_gone = Watches(0).told_by(scope, receive)
        assert when_gone(lambda: told.append("left")) is None
        while (await receive())["type"] != "http.disconnect":
            pass
        when_gone(lambda: told.append("had left"))
        left.set()

    talk = Talk(wait)
    await talk.say(GET)
    assert told == []
    talk.protocol.connection_lost(None)
    await left.wait()

    assert told == ["left", "had left"]


async def test_what_is_told_of_a_request_is_gone_when_the_application_lets_go_of_it():
    held = []

    class Thing:
        """Can be referred to weakly."""

    async def hold(scope, _, __) -> None:
        scope["thing"] = Thing()
        held.append(weakref.ref(scope["thing"]))
        del scope
        await asyncio.Event().wait()

    talk = Talk(hold)
    await talk.say(GET)

    assert [each() for each in held] == [None]
    talk.protocol.connection_lost(None)


async def test_a_stop_lets_what_is_under_way_finish():
    go = asyncio.Event()

    async def slow(scope, receive, send) -> None:
        await go.wait()
        await echo(scope, receive, send)

    busy = Talk(slow)
    await busy.say(GET)
    busy.protocol.shutdown()

    assert not busy.socket.closed

    go.set()
    said = await busy.say()

    assert b"connection: close" in said
    assert busy.socket.closed


@pytest.mark.parametrize("asked_before", [True, False])
async def test_a_stop_answers_what_is_on_its_way_over_an_idle_connection_and_then_closes_it(asked_before):
    idle = Talk(echo)
    if asked_before:
        await idle.say(GET)
    idle.protocol.shutdown()

    assert not idle.socket.closed

    said = await idle.say(GET)

    assert said.endswith(b"GET /a b ")
    assert b"connection: close" in said
    assert idle.socket.closed


async def test_a_stop_closes_what_stays_idle():
    idle = Talk(echo, Patient)
    await idle.say(GET)

    idle.protocol.shutdown()
    await idle.settled()

    assert idle.socket.closed


async def test_a_stop_ends_a_page_that_streams_without_end():
    async def tail(_, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()
        await receive()

    page = Talk(tail)
    await page.say(b"GET /traces/tail HTTP/1.1\r\n\r\n")
    page.protocol.shutdown()

    assert page.socket.closed


async def test_a_head_that_does_not_come_whole_in_time_is_timed_out():
    async with served(echo) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost:")

        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


async def test_a_connection_that_lies_idle_is_closed():
    async with served(echo) as (reader, writer):
        writer.write(ASK)

        assert (await reader.read()).endswith(b"POST /v1/x hi")
