"""A real HTTP/1.1 server on loopback that answers well or badly, as told: the fault upstream.

    async with FaultUpstream() as up:
        up.on("/v1/chat/completions", TooMany(retry_after=1), openai_chat("hello"))
        ...                       # call up.url with any client
        assert up.requests[0].json()["model"] == "small"

Behaviours are used in order, the last one for ever. Tests that are not async use `FaultUpstream.in_thread()`.
"""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import urlsplit

import httptools

from rowen.testing.faults import (
    Act,
    BadChunk,
    Behaviour,
    CloseKeepAlive,
    Cut,
    Delay,
    Drip,
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
from rowen.testing.shapes import openai_chat, openai_stream

__all__ = [
    "ANY",
    "BadChunk",
    "Behaviour",
    "CloseKeepAlive",
    "Cut",
    "Delay",
    "Drip",
    "FaultUpstream",
    "Garbage",
    "Hang",
    "Huge",
    "HugeHead",
    "Interim",
    "Received",
    "Reply",
    "ServerError",
    "Stream",
    "TooMany",
    "WrongType",
    "openai_chat",
    "openai_stream",
]

ANY = "*"
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on with no time: close sends RST and drops what was not sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it arrived. Header names are in lower case; `connection` counts from 1."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    connection: int

    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


class FaultUpstream:
    """The server. Made by `async with`, or by `in_thread` where there is no event loop."""

    def __init__(self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._host = host
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scripts: dict[str, list[Behaviour]] = {}
        self._used: defaultdict[str, int] = defaultdict(int)
        self.links: set[Link] = set()
        self._watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self.url = ""
        self.requests: list[Received] = []
        self.connections = 0
        self.disconnects = 0

    def on(self, path: str, *behaviours: Behaviour) -> Self:
        """Say how requests to `path` (without its query; `"*"` for any) are treated, replacing what was said before."""
        self._scripts[path] = list(behaviours)
        self._used[path] = 0
        return self

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self.links)

    def close_idle(self) -> None:
        """Close every connection that has no request under way, as a server does that tidies up."""
        for link in list(self.links):
            if not link.busy:
                link.transport.close()

    async def until(self, claim: Callable[[], bool], *, within: float = 10.0) -> None:
        """Return once `claim` holds; it is asked again whenever something happens here.

        Raises:
            TimeoutError: it did not come to hold within that many seconds.
        """
        if claim():
            return
        holds = asyncio.get_running_loop().create_future()
        self._watchers.append((claim, holds))
        async with asyncio.timeout(within):
            await holds

    def wait(self, claim: Callable[[], bool], *, within: float = 10.0) -> None:
        """`until`, for tests without an event loop."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self.until(claim, within=within), self._loop).result()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._server = await self._loop.create_server(lambda: Link(self), self._host, 0, ssl=self._tls)
        port = self._server.sockets[0].getsockname()[1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"{'https' if self._tls else 'http'}://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for link in list(self.links):
            link.stop()
        await self.until(lambda: not self.links)
        await self._server.wait_closed()

    @classmethod
    @contextlib.contextmanager
    def in_thread(cls) -> Iterator[Self]:
        """Run the server on an event loop in a thread of its own."""
        upstream = cls()
        started = threading.Event()
        stop: asyncio.Future[None] | None = None

        async def serve() -> None:
            nonlocal stop
            stop = asyncio.get_running_loop().create_future()
            async with upstream:
                started.set()
                await stop

        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="fault-upstream", daemon=True)
        thread.start()
        started.wait()
        try:
            yield upstream
        finally:
            assert stop is not None
            assert upstream._loop is not None
            upstream._loop.call_soon_threadsafe(stop.set_result, None)
            thread.join()

    def choose(self, path: str, *, reused: bool) -> Behaviour | None:
        """What to do with a request to `path`; None where its connection is to be dropped unanswered."""
        key = path if path in self._scripts else ANY
        script = self._scripts.get(key)
        if not script:
            body = json.dumps({"error": {"message": f"nothing is scripted for {path}", "type": "not_found"}})
            return Reply(status=404, body=body.encode())
        found = script[min(self._used[key], len(script) - 1)]
        if reused and isinstance(found, CloseKeepAlive):
            return None
        self._used[key] += 1
        return found

    def changed(self) -> None:
        """Look whether something that is waited for has come to hold."""
        for watcher in list(self._watchers):
            claim, holds = watcher
            if holds.done() or claim():
                self._watchers.remove(watcher)
                if not holds.done():
                    holds.set_result(None)


class Link(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, upstream: FaultUpstream) -> None:
        self.busy = False
        self.transport: asyncio.Transport
        self._upstream = upstream
        self._parser = httptools.HttpRequestParser(self)
        self._number = 0
        self._served = 0
        self._writable = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ended_here = False
        self._forget()

    def _forget(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop does not inherit from it
        # A step is over when the kernel has its bytes, so that a cut loses none. TLS transports take 0 for "always full".
        self.transport.set_write_buffer_limits(1 if transport.get_extra_info("sslcontext") else 0)
        self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._writable.set()
        self._upstream.connections += 1
        self._number = self._upstream.connections
        self._upstream.links.add(self)
        self._upstream.changed()

    def connection_lost(self, _: Exception | None) -> None:
        self._upstream.links.discard(self)
        if self.busy and not self._ended_here:
            self._upstream.disconnects += 1
        if self._task is not None:
            self._task.cancel()
        self._upstream.changed()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.stop()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        address = urlsplit(self._url.decode("latin-1"))
        request = Received(
            method=self._parser.get_method().decode(),
            path=address.path,
            query=address.query,
            headers=self._headers,
            body=b"".join(self._body),
            connection=self._number,
        )
        self._forget()
        self._served += 1
        self._upstream.requests.append(request)
        behaviour = self._upstream.choose(request.path, reused=self._served > 1)
        self._upstream.changed()
        if behaviour is None:
            self.stop()
            return
        self.busy = True
        self._task = asyncio.get_running_loop().create_task(self._play(behaviour))

    def stop(self) -> None:
        """End the connection at once, by a reset."""
        self._ended_here = True
        with contextlib.suppress(OSError):  # the client may have gone first
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    async def _play(self, behaviour: Behaviour) -> None:
        for step in behaviour.steps():
            match step:
                case bytes():
                    self.transport.write(step)
                    if self.transport.is_closing():
                        return  # the client left; the loop will say so, and what is written now goes nowhere
                    await self._writable.wait()
                case Act.RESET:
                    self.stop()
                    return
                case Act.CLOSE:
                    self._ended_here = True
                    self.transport.close()
                    return
                case Act.HOLD:
                    await asyncio.get_running_loop().create_future()
                case _:
                    await asyncio.sleep(step)
        self.busy = False
        self._upstream.changed()
