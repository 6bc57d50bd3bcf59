"""uvicorn's HTTP protocol with one more guard: a request's head must arrive in time.

uvicorn bounds idle keep-alive connections but lets a connection dribble its head for ever (slow loris). The timer starts
with the connection, or with the first byte of a further request, and ends when the head is whole. Bodies are timed by
the doors, which can answer in their own shape.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Protocol(HttpToolsProtocol):
    """Closes a connection whose request head takes longer than `head_timeout` seconds."""

    head_timeout = 30.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_timer is None:
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        self._head_arrived()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Let what is under way end. A page's stream has no end of its own, so it ends now; its browser comes again."""
        cycle = self.cycle
        if cycle is not None and cycle.response_started and not cycle.response_complete and _endless(cycle.scope):
            self.transport.close()
        else:
            super().shutdown()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_timeout, self._too_slow)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()


def _endless(scope: Any) -> bool:
    return scope["method"] == "GET" and not scope["path"].startswith("/v1/")
