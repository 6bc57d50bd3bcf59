"""One request and its answer on a connection: what the application receives, and how what it sends becomes HTTP/1.1.

The messages are those of ASGI: https://asgi.readthedocs.io/en/stable/specs/www.html. The head of an answer of known length
waits for its body, and that of a stream whose first piece is there for this piece, so that both leave in one write; all
else leaves as it is sent.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Protocol

from rowen.api.reply import FOLLOWED

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
App = Callable[[Any, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

_ONE_WRITE = 65_536  # bytes up to which a body is copied behind its head
_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}".encode() for status in HTTPStatus}
_FRAMING = frozenset({b"connection", b"transfer-encoding"})
"""Headers by which a body is cut or a connection kept: what becomes of these is ours to say."""
_line = b": ".join
_WITHOUT_BODY = frozenset({204, 304})


class Wire(Protocol):
    """What an exchange needs of its connection."""

    write: Callable[[bytes], None]
    writable: asyncio.Event | None
    """Set while the socket takes no more."""

    def read_on(self) -> None:
        """Read the socket again: what had come of the body has been taken."""

    def answered(self, exchange: "Exchange") -> None:
        """The answer is whole."""

    def ended(self, exchange: "Exchange", *, broken: bool) -> None:
        """The application has come back; `broken` when the connection cannot go on."""


class Exchange:
    """Made when the head of a request is there. `run` is the task that answers it."""

    __slots__ = (
        "_called_back",
        "_chunked",
        "_continues",
        "_head",
        "_left",
        "_news",
        "_old",
        "_parts",
        "_scope",
        "_silent",
        "_waiter",
        "_wire",
        "done",
        "gone",
        "held",
        "keep",
        "more",
        "page",
        "task",
    )

    def __init__(self, wire: Wire, scope: dict[str, Any], *, keep: bool, continues: bool) -> None:
        """Make one.

        Args:
            wire: the connection.
            scope: what the application is told of the request.
            keep: whether the connection may go on after the answer.
            continues: whether the caller waits for a word before it sends the body.

        """
        self._wire = wire
        self._continues = continues
        self.keep = keep
        self.task: asyncio.Task[None] | None = None
        self.more = True
        """Whether more of the body may come."""
        self.held = 0
        """Bytes of the body that were not taken yet."""
        self.done = False
        """Whether the answer is whole."""
        self.gone = False
        """Whether the caller left."""
        self._parts: list[bytes] = []
        self._news = False
        self._waiter: asyncio.Future[None] | None = None
        self._head: bytes | None = None  # the head of the answer while it waits; empty when it has left
        self._silent = scope["method"] == "HEAD"
        self._old = scope["http_version"] == "1.0"
        self._called_back: Callable[[], None] | None = None
        self.page = scope["method"] == "GET" and not scope["path"].startswith("/v1/")
        """Whether a page is asked for, whose stream has no end of its own."""
        scope["extensions"] = {"rowen.gone": self.when_gone}
        self._scope: dict[str, Any] | None = scope
        self._chunked = False
        self._left = -1  # bytes of the body that are still to be sent, where the head says how many

    @property
    def begun(self) -> bool:
        """Whether something of the answer has left."""
        return self._head == b""

    async def run(self, app: App) -> None:
        """Let the application answer; where it does not, say so or break off."""
        try:
            answering = app(self._scope, self.receive, self.send)
            self._scope = None  # the application lets go of it when it has read it
            await answering
        except Exception:  # the connection, and the others beside it, outlive an application that breaks
            log.exception("the application broke")
        finally:
            if not (self.done or self.gone or self.begun):
                await self._sorry()
            self._wire.ended(self, broken=not (self.done or self.gone))

    def take(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._parts.append(body)
        self.held += len(body)
        self._news = True
        self.wake()

    def whole(self) -> None:
        """The body has ended."""
        self.more = False
        self._news = True
        self.wake()

    def leave(self) -> None:
        """The caller left."""
        self.gone = True
        self.wake()
        if self._called_back is not None:
            self._called_back()

    def when_gone(self, back: Callable[[], None]) -> None:
        """Call back when the caller leaves before he has his answer, at once if he has."""
        if self.gone:
            back()
        else:
            self._called_back = back

    def wake(self) -> None:
        """Let `receive` look again."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def receive(self) -> Message:
        """Return what came of the body, or that the caller left or has its answer."""
        if self._continues:
            self._continues = False
            if self._head is None and not self.gone:
                self._wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self.gone or self.done):
            if self._news:
                self._news = False
                parts = self._parts
                body = parts[0] if len(parts) == 1 else b"".join(parts)
                parts.clear()
                self.held = 0
                self._wire.read_on()
                return {"type": "http.request", "body": body, "more_body": self.more}
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            await waiter
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send the head or a piece of the answer; waits while the socket takes no more.

        Raises:
            RuntimeError: the application breaks the order of messages, promises another length, or has a line break in
                a header.

        """
        if self._wire.writable is not None and not self.gone:
            await self._wire.writable.wait()
        if self.gone:
            return
        if message["type"] == "http.response.body" and self._head is not None and not self.done:
            self._piece(message.get("body", b""), more=message.get("more_body", False))
        elif message["type"] == "http.response.start" and self._head is None:
            head = self._headed(message["status"], message.get("headers", ()))
            self._head = head if self._left >= 0 or message.get(FOLLOWED) else b""
            if not self._head:
                self._wire.write(head)
        else:
            raise RuntimeError(f"an ASGI message out of order: {message['type']}")

    def _headed(self, status: int, headers: Any) -> bytes:
        found = dict(headers)  # by names in lower case, as ASGI has them
        if b"content-length" in found:
            self._left = int(found[b"content-length"])
        if not _FRAMING.isdisjoint(found):
            self.keep = self.keep and b"close" not in found.get(b"connection", b"").lower()
            headers = [each for each in headers if each[0] not in _FRAMING]
        lines = [_STATUS.get(status) or b"HTTP/1.1 %d " % status, *map(_line, headers)]
        if status in _WITHOUT_BODY:
            self._silent = True
        elif self._left >= 0:
            pass
        elif not self._old:
            self._chunked = True
            lines.append(b"transfer-encoding: chunked")
        else:
            self.keep = False  # the end of the connection is the end of the body
        if not self.keep:
            lines.append(b"connection: close")
        head = b"\r\n".join(lines)
        # A line break in a value would start a header of its own, or a body.
        breaks = len(lines) - 1
        if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
            raise RuntimeError("a header has a line break in it")
        return head + b"\r\n\r\n"

    def _piece(self, body: bytes, *, more: bool) -> None:
        head, self._head = self._head or b"", b""
        if self._silent:
            body = b""
        elif self._chunked:
            if body:
                body = b"%x\r\n%b\r\n" % (len(body), body)
            if not more:
                body += b"0\r\n\r\n"
        elif self._left >= 0:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more):
                raise RuntimeError("a body of another length than its head says")
        if len(body) > _ONE_WRITE:
            self._wire.write(head)
            head = b""
        if head or body:
            self._wire.write(head + body)
        if not more:
            self.done = True
            self.wake()
            self._wire.answered(self)

    async def _sorry(self) -> None:
        """Answer for an application that did not."""
        log.error("the application gave no answer")
        said = b"Internal Server Error"
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(said)),
            (b"connection", b"close"),
        ]
        self._head = None
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": said})
