"""HTTP/1.1 on one connection from a caller: httptools for the grammar, an `Exchange` for each request.

uvicorn runs the server and hands connections in; this stands where its own protocol would. It does the same with half
the work for a request, and with one more guard: a request's head must arrive in time, or a slow-loris caller would hold
a connection for ever. Bodies are timed by the doors, which can answer in their own shape.

All connections have one timer together, and a request that arrives whole does not touch it: what is due is noted as a
time, and when that has come it is looked at whether it still is.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from rowen.provider.transport.look import Looks
from rowen.serve.exchange import App, Exchange

HIGH_WATER = 65_536  # bytes of a body that were not taken yet at which the socket is no longer read


class Protocol(asyncio.Protocol):
    """Closes a connection whose request head takes longer than `head_timeout` seconds, or that lies idle too long."""

    head_timeout = 30.0
    linger = 0.25
    """Seconds for which a connection that lies idle is still listened to when the server stops."""

    __slots__ = (
        "_app",
        "_client",
        "_continues",
        "_current",
        "_due",
        "_head_since",
        "_headers",
        "_idle_since",
        "_keep_alive",
        "_last",
        "_leaving",
        "_looks",
        "_parser",
        "_paused",
        "_queue",
        "_scheme",
        "_server",
        "_state",
        "_transport",
        "_url",
        "loop",
        "writable",
        "write",
    )

    _transport: asyncio.Transport
    write: Callable[[bytes], None]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - uvicorn names its arguments
        _loop: asyncio.AbstractEventLoop | None = None,
        looks: Looks | None = None,
    ) -> None:
        self._app: App = config.loaded_app
        self._keep_alive = config.timeout_keep_alive
        self._state = server_state
        self.loop = _loop or asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        # What comes behind a request that closes the connection is nobody's; it must not spoil the answer to it.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._server: tuple[str, int] | None = None
        self._client: tuple[str, int] | None = None
        self._scheme = "http"
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._continues = False
        self._current: Exchange | None = None
        """The exchange that is being answered."""
        self._last: Exchange | None = None
        """The exchange whose request came last, which is another one when requests are sent ahead."""
        self._queue: list[Exchange] = []  # mostly empty, which a deque would take 700 bytes for
        self._paused = False
        self._leaving = False
        self._looks = looks or Looks()
        self._due = 0.0
        self._head_since = 0.0
        self._idle_since = 0.0
        self.writable: asyncio.Event | None = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's does not inherit from it
        self.write = self._transport.write
        self._server = _named(transport.get_extra_info("sockname"))
        self._client = _named(transport.get_extra_info("peername"))
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self._state.connections.add(self)  # type: ignore[arg-type]  # uvicorn knows its own kinds
        self._head_since = self.loop.time()
        self._arm(self._head_since + self.head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._state.connections.discard(self)
        self._looks.forget(self)
        self._queue.clear()
        if self._current is not None:
            self._current.leave()
        self.resume_writing()
        # Each of these refers back to the connection: nothing is to be left for the collector.
        self._current = self._last = None
        self._parser = None  # type: ignore[assignment]  # nothing comes after this

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nothing here speaks another protocol; the request is answered as it is
        except httptools.HttpParserError:
            self._malformed()
            return
        if self._head_since:
            self._arm(self._head_since + self.head_timeout)

    def pause_writing(self) -> None:
        self.writable = asyncio.Event()

    def resume_writing(self) -> None:
        writable, self.writable = self.writable, None
        if writable is not None:
            writable.set()

    # uvicorn's side

    def shutdown(self) -> None:
        """Let what is under way end. A page's stream has no end of its own, so it ends now; its browser comes again.

        A request may be on its way over a connection that looks idle, and its sender could not know whether it was heard:
        for a moment it is still answered, as the last one.
        """
        self._leaving = True
        current = self._current
        if current is None:
            self.loop.call_later(self.linger, self._leave)
        elif current.begun and current.page:
            self._transport.close()
        else:
            current.keep = False

    def _leave(self) -> None:
        if self._current is None and not self._transport.is_closing():
            self._transport.close()

    # the parser's side

    def on_message_begin(self) -> None:
        self._head_since = self.loop.time()
        self._url = b""
        self._headers = []
        self._continues = False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self._continues = True
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._head_since = 0.0
        parser = self._parser
        version = parser.get_http_version()
        path, query = _split(self._url)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version,
            "server": self._server,
            "client": self._client,
            "scheme": self._scheme,
            "method": parser.get_method().decode("ascii"),
            "root_path": "",
            "path": path.decode("ascii") if b"%" not in path else unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "headers": self._headers,
        }
        self._headers = []
        keep = version == "1.1" and parser.should_keep_alive() and not parser.should_upgrade() and not self._leaving
        exchange = self._last = Exchange(self, scope, keep=keep, continues=self._continues)
        if self._current is None:
            self._start(exchange)
        else:  # sent ahead: its turn comes, and until then nothing more is read
            self._queue.append(exchange)
            self._pause()

    def on_body(self, body: bytes) -> None:
        exchange = self._last
        if exchange is not None and not exchange.done:
            exchange.take(body)
            if exchange.held > HIGH_WATER:
                self._pause()

    def on_message_complete(self) -> None:
        exchange = self._last
        if exchange is not None and not exchange.done:
            exchange.whole()

    # the exchange's side

    def read_on(self) -> None:
        if self._paused:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def answered(self, exchange: Exchange) -> None:
        self._state.total_requests += 1
        self._current = None
        if not exchange.keep:
            self._transport.close()
        elif not self._transport.is_closing():
            self.read_on()
            self._idle_since = self.loop.time()
            if self._queue:
                self._start(self._queue.pop(0))
            elif not self._due:
                self._arm(self._idle_since + self._keep_alive)

    def ended(self, exchange: Exchange, *, broken: bool) -> None:
        if exchange.task is not None:
            self._state.tasks.discard(exchange.task)
        if broken and not self._transport.is_closing():
            self._transport.close()

    def _start(self, exchange: Exchange) -> None:
        self._current = exchange
        task = exchange.task = self.loop.create_task(exchange.run(self._app))
        self._state.tasks.add(task)

    def _pause(self) -> None:
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def _malformed(self) -> None:
        """What came is not HTTP. A request before it that is whole gets its answer still, as the last one."""
        self._head_since = 0.0
        current, last = self._current, self._last
        if current is not None and (current is not last or not current.more):
            (last or current).keep = current.keep = False
            self._queue.clear()
            self._pause()
            return
        said = b"Invalid HTTP request received."
        if current is None:
            self.write(
                b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
                b"content-length: %d\r\n\r\n%b" % (len(said), said)
            )
        self._transport.close()

    def _arm(self, due: float) -> None:
        """Look when it is due, unless that happens earlier anyway."""
        if not self._due or due < self._due:
            self._due = due
            self._looks.expect(self, due)

    def look(self, now: float) -> None:
        """Close the connection if a head takes too long or it lies idle for too long; else say when to look again."""
        self._due = 0.0
        self._looks.forget(self)
        if self._transport.is_closing():
            return
        if self._head_since:
            due = self._head_since + self.head_timeout
            if now >= due:
                self.write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                self._transport.close()
                return
        elif self._current is None:
            due = self._idle_since + self._keep_alive
            if now >= due:
                self._transport.close()
                return
        else:
            return  # an answer is under way: its end says what is due next
        self._arm(due)


def _split(url: bytes) -> tuple[bytes, bytes]:
    """Return path and query of a request's target, which may be a whole address."""
    if url[:1] == b"/" and b"?" not in url and b"#" not in url:
        return url, b""
    parts = httptools.parse_url(url)
    return parts.path or b"/", parts.query or b""


def _named(address: Any) -> tuple[str, int] | None:
    """Return host and port of a socket's address; a Unix socket has none."""
    return (str(address[0]), int(address[1])) if isinstance(address, tuple | list) else None
