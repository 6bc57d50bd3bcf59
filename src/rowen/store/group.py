"""One commit for many: what comes while a batch is being written goes into the next."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from rowen.values import Observed


class Group:
    """Writes batches of several callers together; each waits until its own is on the disk.

    A caller that is alone does not wait for others. One that leaves is written all the same. When a joint write fails,
    each of its batches is tried alone, so that nobody loses spans by another's.

    Args:
        write: writes spans in one transaction.
        most: spans that go into one transaction with others at most.

    """

    def __init__(self, write: Callable[[Sequence[Observed]], Awaitable[None]], *, most: int = 3_000) -> None:
        self._write = write
        self._most = most
        self._waiting: deque[tuple[Sequence[Observed], asyncio.Future[None]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def put(self, spans: Sequence[Observed]) -> None:
        """Write a batch."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((spans, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="spans to the disk")
        await done

    async def _run(self) -> None:
        while self._waiting:
            taken = [self._waiting.popleft()]
            count = len(taken[0][0])
            while self._waiting and count + len(self._waiting[0][0]) <= self._most:
                taken.append(self._waiting.popleft())
                count += len(taken[-1][0])
            if len(taken) == 1 or not await self._together(taken):
                for spans, done in taken:
                    await self._alone(spans, done)

    async def _together(self, taken: list[tuple[Sequence[Observed], "asyncio.Future[None]"]]) -> bool:
        try:
            await self._write([span for spans, _ in taken for span in spans])
        except Exception:  # noqa: BLE001 - each is told its own when it is tried alone
            return False
        for _, done in taken:
            if not done.done():
                done.set_result(None)
        return True

    async def _alone(self, spans: Sequence[Observed], done: "asyncio.Future[None]") -> None:
        try:
            await self._write(spans)
        except BaseException as error:  # noqa: BLE001 - it belongs to the one who waits
            if not done.done():
                done.set_exception(error)
        else:
            if not done.done():
                done.set_result(None)
