"""A thread of one's own for a database connection, so that the event loop never waits for a disk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Line:
    """Does pieces of work one after the other in one thread.

    A caller that is cancelled stops waiting; the work it handed in is done all the same, whole, in its turn.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"rowen-{name}")

    async def run(self, work: Callable[[], T]) -> T:
        """Return what the work returns; raise what it raises."""
        return await asyncio.shield(asyncio.wrap_future(self._executor.submit(work)))

    async def close(self) -> None:
        """Wait until all that was handed in is done, and end the thread."""
        await self.run(lambda: None)
        self._executor.shutdown(wait=True)
