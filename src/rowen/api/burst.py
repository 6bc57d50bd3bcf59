"""Sends events that come together together: one write for all that was there, none that waits for more.

A read from a provider often holds several events. Each write to a socket costs ten times what making its bytes does.
"""

from collections.abc import Awaitable, Callable, Generator
from types import coroutine
from typing import Any

from rowen.api.reply import Headers, Reply

_ENOUGH = 16_384
"""Bytes that are sent even while more is there: a model in this process may never make us wait."""


@coroutine
def before_waiting(step: Any, idle: Callable[[], Awaitable[None] | None]) -> Generator[Any, Any, Any]:
    """Await a step; call `idle` just before each time that it has to wait, until `idle` fails.

    `idle` gives something to await first, or nothing. This is what `await` does, with one look in between. Around a whole loop it costs nothing for what is there already.
    """
    thrown: BaseException | None = None
    given: Any = None
    sends = True
    while True:
        try:
            wanted = step.send(given) if thrown is None else step.throw(thrown)
        except StopIteration as stop:
            return stop.value
        thrown = None
        try:
            if sends:
                sends = False
                if (first := idle()) is not None:
                    yield from first.__await__()
                sends = True
            given = yield wanted
        except BaseException as error:  # noqa: BLE001  # the step is told, and raises it again
            thrown = error


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

    def put(self, piece: bytes) -> bool:
        """Take a piece to be sent soon; return whether `send` is due now."""
        self._pieces.append(piece)
        self._size += len(piece)
        self._news = True
        return self._size >= _ENOUGH or not self._reply.begun

    async def last(self, piece: bytes) -> None:
        """Send everything, and end the stream."""
        self._pieces.append(piece)
        chunk = self._all()
        if not self._reply.begun:
            await self._reply.begin(self.head)
        await self._reply.last(chunk)

    def idle(self) -> Awaitable[None] | None:
        """Send the news that is here: nothing more is there at once."""
        return self.send() if self._news else None

    def send(self) -> Awaitable[None]:
        """Send everything that is here."""
        chunk = self._all()
        return self._reply.more(chunk) if self._reply.begun else self._first(chunk)

    async def _first(self, chunk: bytes) -> None:
        await self._reply.begin(self.head)
        await self._reply.more(chunk)

    def _all(self) -> bytes:
        """What is to be sent. It is taken first: a slow connection makes `send` wait, and then there is no news."""
        chunk = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._news = False
        return chunk
