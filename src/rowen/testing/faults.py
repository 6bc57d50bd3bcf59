"""What the fault upstream can do with a request: each behaviour is a small frozen value.

A behaviour gives *steps*: bytes to write, seconds to wait, or an `Act` that ends or holds the connection. Behaviours
that spoil another one (`Cut`, `Hang`, `Delay`) take it as `then` and walk its steps.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from enum import Enum, auto
from http import HTTPStatus
from typing import Protocol


class Act(Enum):
    """What can happen to a connection besides bytes and time."""

    RESET = auto()
    CLOSE = auto()
    HOLD = auto()


Step = bytes | float | Act


class Behaviour(Protocol):
    """One way to treat one request."""

    def steps(self) -> Iterator[Step]:
        """What happens, in order. The head of an answer is the first step that holds bytes."""
        ...


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The status line and headers of an HTTP/1.1 answer, blank line included."""
    reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One piece of a body in chunked transfer encoding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer at once. `close` ends the connection after it and says so in the head."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    content_type: str = "application/json"
    close: bool = False

    def steps(self) -> Iterator[Step]:
        headers = {"content-type": self.content_type, "content-length": str(len(self.body)), **self.headers}
        if self.close:
            headers["connection"] = "close"
        yield head(self.status, headers)
        if self.body:
            yield self.body
        if self.close:
            yield Act.CLOSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A body in pieces, one write each, `gap` seconds between them and `first_delay` before the first.

    `until_close` leaves chunked encoding out: the body ends where the connection does.
    """

    chunks: Iterable[bytes]
    gap: float = 0.0
    first_delay: float = 0.0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"
    until_close: bool = False

    def steps(self) -> Iterator[Step]:
        framing = {"connection": "close"} if self.until_close else {"transfer-encoding": "chunked"}
        yield head(self.status, {"content-type": self.content_type, **framing, **self.headers})
        if self.first_delay:
            yield self.first_delay
        for number, piece in enumerate(self.chunks):
            if number and self.gap:
                yield self.gap
            yield piece if self.until_close else chunk(piece)
        yield Act.CLOSE if self.until_close else b"0\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Nothing for `seconds`, then another behaviour."""

    seconds: float
    then: Behaviour = field(default_factory=Reply)

    def steps(self) -> Iterator[Step]:
        yield self.seconds
        yield from self.then.steps()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drip:
    """Another behaviour's bytes, head included, `size` at a time with `gap` seconds between."""

    then: Behaviour = field(default_factory=Reply)
    size: int = 1
    gap: float = 0.0

    def steps(self) -> Iterator[Step]:
        for step in self.then.steps():
            if not isinstance(step, bytes):
                yield step
                continue
            for start in range(0, len(step), self.size):
                yield step[start : start + self.size]
                yield self.gap


def _part(then: Behaviour, after_bytes: int | None, after_chunks: int | None) -> Iterator[Step]:
    """The steps of `then` up to a point: after so many bytes or writes of its body; none of it where neither is said."""
    if after_bytes is None and after_chunks is None:
        return
    left_bytes = after_bytes
    left_chunks = after_chunks
    head_sent = False
    for step in then.steps():
        if not isinstance(step, bytes) or not head_sent:
            head_sent = head_sent or isinstance(step, bytes)
            yield step
            continue
        if left_chunks is not None:
            if left_chunks == 0:
                return
            left_chunks -= 1
        if left_bytes is not None:
            if len(step) >= left_bytes:
                yield step[:left_bytes]
                return
            left_bytes -= len(step)
        yield step


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The connection breaks: before anything was said, or after so many bytes or writes of the body of `then`.

    It breaks by a reset, or by an ordinary close where `reset` is false.
    """

    then: Behaviour = field(default_factory=Reply)
    after_bytes: int | None = None
    after_chunks: int | None = None
    reset: bool = True

    def steps(self) -> Iterator[Step]:
        yield from _part(self.then, self.after_bytes, self.after_chunks)
        yield Act.RESET if self.reset else Act.CLOSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """Silence with the connection open: from the start, or after so many bytes or writes of the body of `then`."""

    then: Behaviour = field(default_factory=Reply)
    after_bytes: int | None = None
    after_chunks: int | None = None

    def steps(self) -> Iterator[Step]:
        yield from _part(self.then, self.after_bytes, self.after_chunks)
        yield Act.HOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class TooMany:
    """429, with Retry-After as seconds or as an HTTP date (an aware time), or without it."""

    retry_after: float | datetime | None = None

    def steps(self) -> Iterator[Step]:
        headers: dict[str, str] = {}
        if isinstance(self.retry_after, datetime):
            headers["retry-after"] = format_datetime(self.retry_after, usegmt=True)
        elif self.retry_after is not None:
            headers["retry-after"] = f"{self.retry_after:g}"
        body = b'{"error":{"message":"Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"}}'
        yield from Reply(status=429, headers=headers, body=body).steps()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerError:
    """A 5xx with an error body of the common shape."""

    status: int = 500

    def steps(self) -> Iterator[Step]:
        body = b'{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}'
        yield from Reply(status=self.status, body=body).steps()


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """Bytes that are not HTTP, then a close."""

    data: bytes = b"\x15\x03\x01\x00\x02\x02\x46 this is not HTTP\r\n\r\n"

    def steps(self) -> Iterator[Step]:
        yield self.data
        yield Act.CLOSE


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongType:
    """A 200 that holds a web page, as captive portals and mistaken base addresses give."""

    body: bytes = b"<!doctype html><title>Welcome</title><p>Please sign in."
    content_type: str = "text/html; charset=utf-8"

    def steps(self) -> Iterator[Step]:
        yield from Reply(body=self.body, content_type=self.content_type).steps()


@dataclass(frozen=True, slots=True, kw_only=True)
class Huge:
    """A body of `size` bytes, written piece by piece as fast as the client takes it."""

    size: int
    piece: int = 65_536
    content_type: str = "application/json"

    def steps(self) -> Iterator[Step]:
        yield head(200, {"content-type": self.content_type, "content-length": str(self.size)})
        whole, rest = divmod(self.size, self.piece)
        filling = b"x" * self.piece
        for _ in range(whole):
            yield filling
        if rest:
            yield filling[:rest]


@dataclass(frozen=True, slots=True, kw_only=True)
class HugeHead:
    """A head that goes on for `size` bytes before its end."""

    size: int

    def steps(self) -> Iterator[Step]:
        yield b"HTTP/1.1 200 OK\r\n"
        line = b"x-filling: " + b"y" * 1000 + b"\r\n"
        for _ in range(self.size // len(line) + 1):
            yield line
        yield b"content-length: 2\r\n\r\n{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadChunk:
    """Good pieces of a chunked body, then a chunk length that is none."""

    chunks: Iterable[bytes] = (b'data: {"n":1}\n\n',)
    content_type: str = "text/event-stream"

    def steps(self) -> Iterator[Step]:
        yield head(200, {"content-type": self.content_type, "transfer-encoding": "chunked"})
        for piece in self.chunks:
            yield chunk(piece)
        yield b"zz\r\nnot a length\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interim:
    """A 1xx answer (100 or 103), then the real one."""

    status: int = 103
    then: Behaviour = field(default_factory=Reply)

    def steps(self) -> Iterator[Step]:
        yield head(self.status, {})
        yield from self.then.steps()


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseKeepAlive:
    """A connection that was used before is closed when the next request arrives on it; a new one gets `then`.

    This is the race every keep-alive server has: it closes an idle connection while a request is on its way. The
    behaviour is used up by the request that it answers, not by the ones that it drops.
    """

    then: Behaviour = field(default_factory=Reply)

    def steps(self) -> Iterator[Step]:
        yield from self.then.steps()
