"""Tells those who follow what happened of traces, or of spans, once they are written: away from the calls and the writing."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class Follow(Generic[T]):
    """A bounded line of written batches, told to every follower in turn, in one task.

    What a follower raises is logged, and the next batch comes all the same.

    Args:
        size: records that may wait; the oldest batches beyond that are not told, and counted.

    """

    def __init__(self, *, size: int = 20_000) -> None:
        self._followers: list[Callable[[Sequence[T]], Awaitable[None]]] = []
        self._size = size
        self._waiting: deque[Sequence[T]] = deque()
        self._count = 0
        self._come = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self.missed = 0
        """Records that were not told."""

    def add(self, follower: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        """Tell one more of what is written from now on."""
        self._followers.append(follower)

    def after(self, write: Callable[[Sequence[T]], Awaitable[None]]) -> Callable[[Sequence[T]], Awaitable[None]]:
        """Return a way of writing after which the followers are told."""

        async def written(batch: Sequence[T]) -> None:
            await write(batch)
            self.tell(batch)

        return written

    def tell(self, batch: Sequence[T]) -> None:
        """Take a batch that has been written. Never waits."""
        self._waiting.append(batch)
        self._count += len(batch)
        while self._count > self._size and len(self._waiting) > 1:
            dropped = len(self._waiting.popleft())
            self._count -= dropped
            self.missed += dropped
        self._idle.clear()
        self._come.set()

    def start(self) -> None:
        """Begin to tell in the background."""
        self._task = asyncio.create_task(self._run(), name="followers")

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
                batch = self._waiting.popleft()
                self._count -= len(batch)
                for follower in self._followers:
                    try:
                        await follower(batch)
                    except Exception:  # one follower that breaks keeps no other from being told
                        log.exception("%d records could not be followed", len(batch))
            self._come.clear()
            self._idle.set()
