"""A thread of one's own for a database connection, so that the event loop never waits for a disk."""

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from rowen.values import Unavailable

T = TypeVar("T")

_Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class Line:
    """Does pieces of work one after the other in one thread. It costs half of what an executor of one thread does.

    A caller that is cancelled stops waiting; the work it handed in is done all the same, whole, in its turn.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._thread = Thread(target=_serve, args=(self._jobs,), name=f"rowen-{name}", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[], T]) -> T:
        """Return what the work returns; raise what it raises.

        Raises:
            Unavailable: `store_unavailable` after `close`.

        """
        if self._closed:
            raise Unavailable("store_unavailable", "the store is closed", who="store")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((work, loop, future))
        return await future

    async def close(self) -> None:
        """Wait until all that was handed in is done, and end the thread. Closing again changes nothing."""
        if self._closed:
            return
        await self.run(lambda: None)
        self._closed = True
        self._jobs.put(None)
        self._thread.join()


def _serve(jobs: "SimpleQueue[_Job | None]") -> None:
    while (job := jobs.get()) is not None:
        work, loop, future = job
        outcome: tuple[Any, BaseException | None]
        try:
            outcome = (work(), None)
        except BaseException as error:  # noqa: BLE001 - it belongs to the one who waits
            outcome = (None, error)
        try:
            loop.call_soon_threadsafe(_settle, future, *outcome)
        except RuntimeError:
            continue  # the loop was closed: nobody waits any more
        finally:
            del job, work, loop, future, outcome  # else the last result would be kept until the next work comes


def _settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():
        return  # its caller left
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
