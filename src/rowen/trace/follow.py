"""Tells those who follow what happened of traces once they are written, away from the calls and from the writing."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from rowen.trace.buffer import Write
from rowen.values import Trace

log = logging.getLogger(__name__)

Follower = Callable[[Sequence[Trace]], Awaitable[None]]
"""Is told of a batch that has been written. What it raises is logged, and the next batch comes all the same."""


class Follow:
    """A bounded line of written batches, told to every follower in turn, in one task.

    Args:
        size: traces that may wait; the oldest batches beyond that are not told, and counted.

    """

    def __init__(self, *, size: int = 20_000) -> None:
        self._followers: list[Follower] = []
        self._size = size
        self._waiting: deque[Sequence[Trace]] = deque()
        self._count = 0
        self._come = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self.missed = 0
        """Traces that were not told."""

    def add(self, follower: Follower) -> None:
        """Tell one more of what is written from now on."""
        self._followers.append(follower)

    def after(self, write: Write) -> Write:
        """Return a way of writing after which the followers are told."""

        async def written(traces: Sequence[Trace]) -> None:
            await write(traces)
            self.tell(traces)

        return written

    def tell(self, traces: Sequence[Trace]) -> None:
        """Take a batch that has been written. Never waits."""
        self._waiting.append(traces)
        self._count += len(traces)
        while self._count > self._size and len(self._waiting) > 1:
            dropped = len(self._waiting.popleft())
            self._count -= dropped
            self.missed += dropped
        self._idle.clear()
        self._come.set()

    def start(self) -> None:
        """Begin to tell in the background."""
        self._task = asyncio.create_task(self._run(), name="trace followers")

    async def told(self) -> None:
        """Wait until the followers have been told of everything so far."""
        await self._idle.wait()

    async def close(self) -> None:
        """Tell what waits and stop."""
        if self._task is not None:
            await self.told()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._come.wait()
            while self._waiting:
                traces = self._waiting.popleft()
                self._count -= len(traces)
                for follower in self._followers:
                    try:
                        await follower(traces)
                    except Exception:
                        log.exception("%d traces could not be followed", len(traces))
            self._come.clear()
            self._idle.set()
