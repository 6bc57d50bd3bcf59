"""Notices a caller who leaves while his call is answered, so that nothing goes on that nobody waits for."""

import asyncio
from collections import deque
from collections.abc import Callable

from rowen.api.base import Receive, Scope

GONE = "rowen.gone"
"""The extension of ASGI by which Rowen's own server calls back when a caller has left."""

WhenGone = Callable[[Callable[[], None]], asyncio.Task[None] | None]
"""Calls something back when the caller has left; gives the task that waits for that, if it takes one."""


class Watches:
    """Calls that may have to be watched: a timer for the eldest of them, where one for each would cost more."""

    def __init__(self, after: float) -> None:
        self._after = after
        self._young: deque[tuple[float, Watch]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watch: "Watch") -> None:
        """Let a call's watch begin after a while, unless it was stopped by then."""
        loop = asyncio.get_running_loop()
        self._young.append((loop.time() + self._after, watch))
        if self._timer is None:
            self._timer = loop.call_later(self._after, self._look)

    def _look(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._young and (self._young[0][0] <= now or self._young[0][1].stopped):
            _, watch = self._young.popleft()
            watch.begin()
        if self._young:
            self._timer = loop.call_at(self._young[0][0], self._look)


class Watch:
    """Cancels the task that answers a call when its caller leaves. Only a call that lasts is watched."""

    __slots__ = ("_answering", "_asking", "_when_gone", "gone", "stopped")

    def __init__(self, watches: Watches, when_gone: WhenGone) -> None:
        self._when_gone = when_gone
        self._answering = asyncio.current_task()
        self._asking: asyncio.Task[None] | None = None
        self.gone = False
        self.stopped = False
        watches.add(self)

    def begin(self) -> None:
        """Watch from now on."""
        if not self.stopped:
            self._asking = self._when_gone(self._leave)

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


def gone_of(scope: Scope, receive: Receive) -> WhenGone:
    """Return what tells when a caller has left: Rowen's own server calls back, any other one is asked, by a task."""
    own: WhenGone | None = scope.get("extensions", {}).get(GONE)
    if own is not None:
        return own

    async def look(leave: Callable[[], None]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        leave()

    return lambda leave: asyncio.get_running_loop().create_task(look(leave))
