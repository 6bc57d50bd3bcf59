"""Notices a caller who leaves while his call is answered, so that nothing goes on that nobody waits for."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from rowen.api.base import Receive, Scope

GONE = "rowen.gone"
"""The extension of ASGI by which Rowen's own server calls back when a caller has left."""


class Cancels(Protocol):
    """What can be told that the answer is no longer wanted."""

    def cancel(self) -> object:
        """Ask no longer."""
        ...


WhenGone = Callable[[Callable[[], None]], Cancels | None]
"""Calls something back when the caller has left; gives what asks for that, where somebody must be asked."""


class Watch:
    """Cancels the task that answers a call when its caller leaves."""

    __slots__ = ("_answering", "_asking", "gone", "stopped")

    def __init__(self, when_gone: WhenGone) -> None:
        self._answering = asyncio.current_task()
        self.gone = False
        self.stopped = False
        self._asking = when_gone(self._leave)

    def stop(self) -> None:
        """Watch no longer."""
        self.stopped = True
        if self._asking is not None:
            self._asking.cancel()

    def left(self) -> bool:
        """Return whether the cancellation that just came was ours; it is taken back then."""
        if self.gone and self._answering is not None:
            self._answering.uncancel()
        return self.gone

    def _leave(self) -> None:
        if not self.stopped and self._answering is not None:
            self.gone = True
            self._answering.cancel()


class Watches:
    """Tells when callers leave: Rowen's own server calls back at once, any other one is asked, once a call lasts.

    To ask takes a task. One timer begins them for all calls, where one for each would cost more.
    """

    def __init__(self, after: float) -> None:
        self._after = after
        self._young: deque[tuple[float, _Asking]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def told_by(self, scope: Scope, receive: Receive) -> WhenGone:
        """Return what tells when the caller of a request has left."""
        own: WhenGone | None = scope.get("extensions", {}).get(GONE)
        return partial(self._ask, receive) if own is None else own

    def _ask(self, receive: Receive, leave: Callable[[], None]) -> "_Asking":
        loop, asking = asyncio.get_running_loop(), _Asking(receive, leave)
        self._young.append((loop.time() + self._after, asking))
        if self._timer is None:
            self._timer = loop.call_later(self._after, self._look)
        return asking

    def _look(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._young and (self._young[0][0] <= now or self._young[0][1].cancelled):
            _, asking = self._young.popleft()
            asking.begin(loop)
        if self._young:
            self._timer = loop.call_at(self._young[0][0], self._look)


class _Asking:
    """Asks a server whether a caller has left, from when it is begun until it is cancelled."""

    __slots__ = ("_leave", "_receive", "_task", "cancelled")

    def __init__(self, receive: Receive, leave: Callable[[], None]) -> None:
        self._receive = receive
        self._leave = leave
        self._task: asyncio.Task[None] | None = None
        self.cancelled = False

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self.cancelled:
            self._task = loop.create_task(self._look())

    def cancel(self) -> None:
        self.cancelled = True
        if self._task is not None:
            self._task.cancel()

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()
