"""One question and its answer over the transport: the part that every provider's client has in common."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import NamedTuple, Protocol

from rowen.provider.faults import MAX_ERROR_BODY, refusal
from rowen.provider.transport import Frame, Reply, Sse, Transport
from rowen.provider.transport.eventstream import EventStream
from rowen.values import Deployment, Event, Events, Problem, Started, Unavailable

MAX_BODY = 134_217_728  # bytes; a batch of 2,048 embeddings of 3,072 numbers is 80 MB of JSON
_LINGER = 0.25  # seconds to wait for the end of a body whose last event is here, so that its connection can be reused


class Reader(Protocol):
    """Turns one vendor's answer into events. One for each answer."""

    @property
    def done(self) -> bool:
        """Whether the vendor's own end mark has come."""
        ...

    @property
    def finished(self) -> bool:
        """Whether every choice that began has ended."""
        ...

    def feed(self, name: str, data: bytes, /) -> Sequence[Event]:
        """Return the events of one piece of a stream: a server-sent event, or an AWS frame (`!` before an exception)."""
        ...

    def whole(self, body: bytes) -> Sequence[Event]:
        """Return the events of an answer that came as one JSON body."""
        ...

    def end(self) -> Sequence[Event]:
        """Return what is left when the stream has ended; `upstream_cut` where it ended too early."""
        ...


class Exchange(NamedTuple):
    """What to send, and who reads the answer."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    reader: Reader


async def converse(
    transport: Transport,
    deployment: Deployment,
    prepare: Callable[[], Exchange],
    *,
    streamed: bool = True,
    parent: str = "",
) -> Events:
    """Yield the events of one answer, all of one read together; closing it aborts the upstream request.

    An answer that is not `streamed` may be silent until it is whole. `parent` is the `traceparent` that is handed on.

    Raises:
        Problem: what `prepare`, the transport, the upstream's status or its reader say; `who` is the deployment.

    """
    patience = deployment.patience
    try:
        url, headers, body, reader = prepare()
        if parent:
            headers = {**headers, "traceparent": parent}
        reply = await transport.open(
            "POST",
            url,
            headers,
            body,
            connect_timeout=patience.connect,
            silence_timeout=max(patience.first, patience.gap) if streamed else patience.whole,
        )
        del body, prepare  # a stream need not hold them for as long as it lasts
        try:
            if not 200 <= reply.status < 300:
                raise refusal(reply.status, reply.headers, await _error_body(reply))
            kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind not in _FRAMINGS:
                if kind != "application/json":
                    message = f"The provider answered with {kind[:60] or 'no content type'}, not with a stream or JSON."
                    raise Unavailable("upstream_garbage", message)
                whole = reader.whole(await reply.read(MAX_BODY))
                yield _begun(whole, reply.connecting) if reply.connecting else whole
                return
            framing = _FRAMINGS[kind]()
            reply.let_go()
            chunks = reply.chunks()
            batch: list[Event] = []
            connecting = reply.connecting
            try:
                async for piece in chunks:
                    _read(piece, framing, reader, batch)
                    del piece
                    if batch:
                        ready, batch = batch, []
                        if connecting:  # only of the first batch over a new connection
                            ready, connecting = _begun(ready, connecting), 0.0
                        yield ready
                    if reader.done:
                        break
                else:
                    for name, data in framing.end():
                        batch += reader.feed(name, data)
            except Problem as problem:
                if batch:  # what was said before it went wrong was said
                    yield batch
                # The answer is whole; only the vendor's end mark was lost.
                if problem.code != "upstream_cut" or not reader.finished:
                    raise
                batch = []
            if reader.done:
                await _drain(reply, chunks)
            batch += reader.end()
            if batch:
                yield batch
        finally:
            await reply.close()
    except Problem as problem:
        problem.who = deployment.name
        raise


def _read(piece: bytes, framing: "_Framing", reader: Reader, batch: list[Event]) -> None:
    """Add the events of a read to a batch. A function of its own, so that a stream that waits holds nothing of it."""
    for name, data in framing.feed(piece):
        batch += reader.feed(name, data)


def _begun(batch: Sequence[Event], connecting: float) -> list[Event]:
    """Return the first batch with how long it took to be connected."""
    return [each.but(connecting=connecting) if type(each) is Started else each for each in batch]


async def _error_body(reply: Reply) -> bytes:
    """The body of an error, or nothing where it is too long or breaks off: the status says enough."""
    with suppress(Unavailable):
        return await reply.read(MAX_ERROR_BODY)
    return b""


async def _drain(reply: Reply, chunks: AsyncIterator[bytes]) -> None:
    with suppress(TimeoutError, Unavailable):
        async with nullcontext() if reply.ended else asyncio.timeout(_LINGER):
            async for _ in chunks:
                pass


class _Framing(Protocol):
    def feed(self, piece: bytes) -> list[tuple[str, bytes]]: ...

    def end(self) -> list[tuple[str, bytes]]: ...


class _Frames:
    """AWS frames as (name, data); an exception's name begins with `!`."""

    def __init__(self) -> None:
        self._stream = EventStream()

    def feed(self, piece: bytes) -> list[tuple[str, bytes]]:
        return [(_name(frame), frame.payload) for frame in self._stream.feed(piece)]

    def end(self) -> list[tuple[str, bytes]]:
        self._stream.end()
        return []


def _name(frame: Frame) -> str:
    headers = frame.headers
    if headers.get(":message-type", "event") == "event":
        return headers.get(":event-type", "")
    return "!" + (headers.get(":exception-type") or headers.get(":error-code") or "")


_FRAMINGS: dict[str, Callable[[], _Framing]] = {
    "text/event-stream": Sse,
    "application/vnd.amazon.eventstream": _Frames,
}
