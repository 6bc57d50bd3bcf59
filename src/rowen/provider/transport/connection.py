"""One HTTP/1.1 connection to an upstream: bytes in, one exchange at a time, httptools for the grammar."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Self, cast

import httptools

from rowen.provider.transport.look import Looks
from rowen.values.errors import Unavailable

MAX_HEAD = 65_536  # bytes of status line and headers; vendors send 1 to 4 KiB
HIGH_WATER = 262_144  # unread bytes at which the socket is no longer read
_LONG_HEAD = f"The head of the answer is longer than {MAX_HEAD} bytes."


class Exchange:
    """One request's answer, filled by its connection and read by one consumer. This is the transport's `Reply`."""

    __slots__ = (
        "_connection",
        "_error",
        "_waiter",
        "connecting",
        "ended",
        "has_head",
        "headers",
        "heard",
        "held",
        "parts",
        "silence",
        "status",
        "who",
    )

    def __init__(self, connection: "Connection", who: str, silence: float | None) -> None:
        self._connection = connection
        self._error: Unavailable | None = None
        self.parts: list[bytes] = []
        self.held = 0
        self._waiter: asyncio.Future[None] | None = None
        self.who = who
        self.silence = silence
        self.connecting = 0.0
        self.status = 0
        self.headers: dict[str, str] = {}
        self.has_head = False
        self.ended = False
        self.heard = connection.loop.time()

    async def head(self) -> None:
        """Return once the head is there; raise what went wrong before that."""
        while not self.has_head:
            if self._error is not None:
                raise self._error
            await self._news()

    async def read(self, limit: int) -> bytes:
        if self.ended and self.held <= limit:  # a short answer comes with its head
            return self._take() if self.parts else b""
        taken: list[bytes] = []
        said = self.headers.get("content-length", "")
        declared = int(said) if said.isdecimal() and len(said) < 20 else 0
        size = 0
        try:
            while True:
                size += self.held
                if size > limit or declared > limit:
                    raise Unavailable("upstream_garbage", f"The answer is longer than {limit} bytes.", who=self.who)
                if self.parts:
                    taken.extend(self.parts)
                    self._taken()
                elif self.ended:
                    return taken[0] if len(taken) == 1 else b"".join(taken)
                elif self._error is not None:
                    raise self._error
                else:
                    await self._news()
        finally:
            self.abort()

    async def chunks(self) -> AsyncIterator[bytes]:
        parts = self.parts
        new_waiter = self._connection.loop.create_future
        try:
            while True:
                if parts:
                    yield self._take()  # what is yielded has no name here, so that a stream that waits does not hold it
                elif self.ended:
                    return
                elif self._error is not None:
                    raise self._error
                else:
                    # As in `_news`, without a coroutine for every read; `finally` does what it does when cancelled.
                    waiter = self._waiter = new_waiter()
                    await waiter
        finally:
            self.abort()

    def let_go(self) -> None:
        self.headers = {}

    async def close(self) -> None:
        self.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.abort()

    def abort(self) -> None:
        """Give the answer up: break its connection, unless the body has ended."""
        if not self.ended and self._error is None:
            self.fail(Unavailable("upstream_cut", "The answer was closed before its end.", who=self.who))
            self._connection.abort()

    def finish(self) -> None:
        """The body is complete."""
        self.ended = True
        self.wake()

    def fail(self, error: Unavailable) -> None:
        """The answer will not be complete. What had come is still given out before the error."""
        if not self.ended and self._error is None:
            self._error = error
            self.wake()

    def wake(self) -> None:
        """Let the consumer look again."""
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    async def _news(self) -> None:
        waiter = self._waiter = self._connection.loop.create_future()
        try:
            await waiter
        except asyncio.CancelledError:
            self.abort()
            raise

    def _take(self) -> bytes:
        parts = self.parts
        piece = parts[0] if len(parts) == 1 else b"".join(parts)
        self._taken()
        return piece

    def _taken(self) -> None:
        """What was there has been taken: more may be read."""
        self.parts.clear()
        if self.held >= HIGH_WATER:
            self._connection.resume(self)
        self.held = 0

    def silent(self, now: float) -> float | None:
        """Return when the upstream will have been silent for too long, None when it has; it fails then."""
        assert self.silence is not None
        waits_for_us = bool(self.parts)  # silence is the upstream's only while we wait for it
        due = (now if waits_for_us else self.heard) + self.silence
        if due > now:
            return due
        message = f"Nothing came for {self.silence:g} seconds."
        self.fail(Unavailable("upstream_timeout", message, who=self.who))
        return None


class Connection(asyncio.Protocol):
    """The protocol on one socket. `release` gets it back when it may carry the next request, `gone` when it is lost."""

    __slots__ = (
        "_exchange",
        "_gone",
        "_head_size",
        "_interim",
        "_looks",
        "_parser",
        "_paused",
        "_release",
        "_sized",
        "_transport",
        "_usable",
        "idle_since",
        "loop",
        "used",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        release: Callable[["Connection"], None],
        gone: Callable[["Connection"], None],
        looks: Looks,
    ) -> None:
        self.loop = loop
        self._looks = looks
        self.used = False
        self.idle_since = 0.0
        self._release = release
        self._gone = gone
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._usable = True
        self._paused = False
        self._reset()

    def _reset(self) -> None:
        self._head_size = 0
        self._interim = False
        self._sized = False

    @property
    def unheard(self) -> bool:
        """Whether it served before, and has not had a byte of the answer that is under way."""
        return self.used and self._head_size == 0

    @property
    def open(self) -> bool:
        """Whether the connection may carry a request."""
        return self._usable and not self._transport.is_closing()

    def send(self, request: bytes, body: bytes, who: str, silence: float | None) -> Exchange:
        """Send a request and return its exchange, the head of which has still to come."""
        exchange = self._exchange = Exchange(self, who, silence)
        if silence is not None:
            self._looks.expect(self, exchange.heard + silence)
        if len(body) <= 65_536:
            self._transport.write(request + body)
        else:
            self._transport.writelines((request, body))
        return exchange

    def abort(self) -> None:
        """Break the connection at once, without a word."""
        self._usable = False
        self._transport.abort()

    def pause(self) -> None:
        """Stop reading: the consumer is slower than the upstream."""
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume(self, exchange: Exchange) -> None:
        """Read on, if it is still this exchange's connection."""
        if self._paused and exchange is self._exchange:
            self._paused = False
            exchange.heard = self.loop.time()
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def look(self, now: float) -> None:
        """Break off if the upstream is silent for too long; else say when to look again."""
        exchange = self._exchange
        due = None if exchange is None else exchange.silent(now)
        if due is not None:
            self._looks.expect(self, due)
            return
        self._looks.forget(self)
        if exchange is not None:
            self.abort()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop does not inherit from it

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:  # bytes nobody asked for: the next answer could be mistaken for another's
            self.abort()
            return
        exchange.heard = self.loop.time()
        if not exchange.has_head:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            too_long = self._head_size > MAX_HEAD and not exchange.has_head
            self._fail(_LONG_HEAD if too_long else "The answer is not valid HTTP.")
            return
        if self._head_size > MAX_HEAD and not exchange.has_head:
            self._fail(_LONG_HEAD)
        elif exchange.ended:
            self._done()
        else:
            exchange.wake()

    def eof_received(self) -> None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._usable = False
        self._looks.forget(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            if exchange.has_head and not self._sized and exc is None:
                exchange.finish()  # a body without a length ends where the connection does
            elif isinstance(exc, TimeoutError):
                exchange.fail(Unavailable("upstream_timeout", "The network gave the connection up.", who=exchange.who))
            else:
                when = "in the middle of the answer" if exchange.has_head else "before it answered"
                exchange.fail(
                    Unavailable("upstream_cut", f"The provider closed the connection {when}.", who=exchange.who)
                )
        self._gone(self)

    # the parser's side

    def on_message_begin(self) -> None:
        exchange = self._exchange
        if exchange is None or exchange.ended:
            self._usable = False  # more than one answer to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        exchange = self._exchange
        if exchange is None or exchange.ended:
            return
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers = exchange.headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        exchange = self._exchange
        if exchange is None or exchange.ended:
            return
        status = self._parser.get_status_code()
        self._interim = status < 200
        if self._interim:
            exchange.headers.clear()
            return
        headers = exchange.headers
        # The bytes read so far may hold much of the body too, so the head is measured only where they are many.
        if self._head_size > MAX_HEAD and sum(map(len, headers)) + sum(map(len, headers.values())) > MAX_HEAD:
            raise ValueError(_LONG_HEAD)
        exchange.status = status
        coding = headers.get("transfer-encoding", "")
        self._sized = coding.lower().endswith("chunked") if coding else "content-length" in headers
        exchange.has_head = True

    def on_body(self, body: bytes) -> None:
        exchange = self._exchange
        if exchange is not None and not exchange.ended:
            exchange.parts.append(body)
            exchange.held += len(body)
            if exchange.held >= HIGH_WATER:
                self.pause()

    def on_message_complete(self) -> None:
        exchange = self._exchange
        if exchange is None or exchange.ended or self._interim:
            return
        if not self._parser.should_keep_alive():
            self._usable = False
        exchange.finish()

    def _done(self) -> None:
        self._exchange = None
        self._looks.forget(self)
        self._reset()
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        self.used = True
        # An upstream that answers before it has read the whole request will not be in step for the next one.
        if self.open and self._transport.get_write_buffer_size() == 0:
            self.idle_since = self.loop.time()
            self._release(self)
        else:
            self.abort()

    def _fail(self, message: str) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.fail(Unavailable("upstream_garbage", message, who=exchange.who))
        self.abort()
