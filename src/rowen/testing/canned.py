"""A transport that plays recorded answers, in pieces as small as wanted, and keeps what was asked. No sockets."""

import json
import struct
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from rowen.values import Unavailable

_TYPES = {
    ".sse": "text/event-stream; charset=utf-8",
    ".json": "application/json",
    ".frames": "application/vnd.amazon.eventstream",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Canned:
    """A recorded answer. `cut` breaks the connection after the body, `size` gives it out so many bytes at a time."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it would have gone out."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class CannedTransport:
    """Plays its answers in order, the last one for ever."""

    def __init__(self, *answers: Canned) -> None:
        self._answers = list(answers)
        self.asked: list[Asked] = []
        self.closed = 0

    async def open(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        connect_timeout: float,  # noqa: ARG002  the transport's signature
        silence_timeout: float | None = None,  # noqa: ARG002  likewise
    ) -> "CannedReply":
        self.asked.append(Asked(method=method, url=url, headers=dict(headers), body=body))
        answer = self._answers[min(len(self.asked), len(self._answers)) - 1]
        return CannedReply(answer, self)

    async def close(self) -> None:
        pass


class CannedReply:
    ended = True
    connecting = 0.0

    def __init__(self, answer: Canned, transport: CannedTransport) -> None:
        self._answer = answer
        self._transport = transport
        self.status = answer.status
        self.headers = {"content-type": answer.content_type, **answer.headers}

    async def read(self, limit: int) -> bytes:
        body = b"".join([piece async for piece in self.chunks()])
        if len(body) > limit:
            raise Unavailable("upstream_garbage", "The answer is too long.")
        return body

    async def chunks(self) -> AsyncIterator[bytes]:
        body, size = self._answer.body, self._answer.size or len(self._answer.body) or 1
        for start in range(0, len(body), size):
            yield body[start : start + size]
        if self._answer.cut:
            raise Unavailable("upstream_cut", "The provider closed the connection in the middle of the answer.")

    def let_go(self) -> None:
        self.headers = {}

    async def close(self) -> None:
        self._transport.closed += 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def recorded(path: Path) -> Canned:
    """An answer from a file: `.sse` and `.json` as they are, `.frames` with one `{name, payload}` a line.

    A name such as `error-429-quota.json` holds the status.
    """
    status = int(path.stem.split("-")[1]) if path.stem.startswith("error-") else 200
    body = path.read_bytes()
    if path.suffix == ".frames":
        body = b"".join(frame(line["name"], line["payload"]) for line in map(json.loads, body.splitlines()))
    return Canned(body=body, status=status, content_type=_TYPES[path.suffix])


def frame(name: str, payload: object) -> bytes:
    """One frame of an AWS event stream; a name that begins with `!` makes an exception."""
    headers = {":content-type": "application/json", ":message-type": "event", ":event-type": name}
    if name.startswith("!"):
        headers = {":content-type": "application/json", ":message-type": "exception", ":exception-type": name[1:]}
    block = b"".join(_header(*item) for item in headers.items())
    data = json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(block) + len(data), len(block))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + data
    return whole + struct.pack(">I", zlib.crc32(whole))


def found(folders: Iterable[Path], case: str) -> Path | None:
    """The recording of a case in the first folder that has one."""
    for folder in folders:
        for suffix in _TYPES:
            if (path := folder / f"{case}{suffix}").exists():
                return path
    return None


def _header(name: str, value: str) -> bytes:
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value)) + value.encode()
