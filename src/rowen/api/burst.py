"""Sends events that come together together: one write for all that was there, none that waits for more.

A read from a provider often holds several events. Each write to a socket costs ten times what making its bytes does.
"""

from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any

from rowen.api.reply import Headers, Reply

_ENOUGH = 16_384
"""Bytes that are sent even while more is there: a model in this process may never make us wait."""


@coroutine
def before_waiting(step: Any, idle: Callable[[], Coroutine[Any, Any, None]]) -> Generator[Any, Any, Any]:
    """Await a step; call `idle` just before it would have to wait, and not at all when it need not.

    This is what `await` does, with one look in between.
    """
    try:
        wanted = step.send(None)
    except StopIteration as stop:
        return stop.value
    thrown: BaseException | None = None
    given: Any = None
    try:
        yield from idle().__await__()
    except BaseException as error:  # noqa: BLE001  # as with every error here: the step is told, and raises it again
        thrown = error
    while True:
        if thrown is None:
            try:
                given = yield wanted
            except BaseException as error:  # noqa: BLE001
                thrown = error
        try:
            wanted = step.send(given) if thrown is None else step.throw(thrown)
        except StopIteration as stop:
            return stop.value
        thrown = None


class Burst:
    """The pieces of a stream that wait to be sent. The first news is never kept waiting."""

    __slots__ = ("_news", "_pieces", "_reply", "_size", "head")

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._pieces: list[bytes] = []
        self._size = 0
        self._news = False
        self.head: Headers = []

    def hold(self, piece: bytes) -> None:
        """Keep a piece that is no news alone, to go out with the next one."""
        self._pieces.append(piece)

    async def put(self, piece: bytes) -> None:
        """Take a piece to be sent soon."""
        self._pieces.append(piece)
        self._size += len(piece)
        self._news = True
        if not self._reply.begun or self._size >= _ENOUGH:
            await self._send()

    async def last(self, piece: bytes) -> None:
        """Send everything, and end the stream."""
        if not self._reply.begun:
            await self._reply.begin(self.head)
        self._pieces.append(piece)
        await self._reply.last(b"".join(self._pieces))

    async def idle(self) -> None:
        """Send the news that is here: nothing more is there at once."""
        if self._news:
            await self._send()

    async def _send(self) -> None:
        if not self._reply.begun:
            await self._reply.begin(self.head)
        chunk = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._news = False
        await self._reply.more(chunk)
