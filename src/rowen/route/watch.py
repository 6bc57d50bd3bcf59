"""Watches the wait for an upstream with one timer for all attempts: an event costs no timer, no task and no lock.

Only waiting for the upstream counts: while the caller is slow to take what came, nobody is late. Each attempt is looked
at every quarter of its shortest patience, so a silence is noticed up to a quarter later than it is due.
"""

import asyncio
from typing import Any

from rowen.values import Events, Patience, Unavailable

_LOOKS = 4  # within the shortest patience


class Watches:
    """The attempts under way, and a timer for the one that is due first. One attempt after the other moves no timer."""

    __slots__ = ("_due", "_loop", "_timer", "_under_way")

    def __init__(self) -> None:
        self._under_way: set[Watch] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def add(self, watch: "Watch", loop: asyncio.AbstractEventLoop) -> None:
        """Look at an attempt from when it is due."""
        if loop is not self._loop:  # what another loop had is over
            self._loop, self._timer = loop, None
            self._under_way.clear()
        self._under_way.add(watch)
        if self._timer is None or watch.due < self._due:
            self._arm(watch.due)

    def drop(self, watch: "Watch") -> None:
        """Look at an attempt no more."""
        self._under_way.discard(watch)

    def _arm(self, due: float) -> None:
        assert self._loop is not None
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        assert self._loop is not None
        self._timer = None
        now = self._loop.time()
        for watch in [watch for watch in self._under_way if watch.due <= now]:
            watch.look(now)
        if self._under_way:
            self._arm(min(watch.due for watch in self._under_way))


class Watch:
    """Cancels the task that waits too long. Made inside a running loop.

    Whoever waits sets `task` to the current task before each wait, and adds to `pieces` or `others` with each event.
    """

    __slots__ = (
        "_begins",
        "_cancelling",
        "_events",
        "_every",
        "_fired",
        "_gap",
        "_seen",
        "_silent",
        "_total",
        "_watches",
        "_why",
        "due",
        "others",
        "pieces",
        "speaks",
        "task",
    )

    def __init__(
        self,
        watches: Watches,
        patience: Patience,
        left: float,
        events: Events,
        loop: asyncio.AbstractEventLoop,
        *,
        streamed: bool,
    ) -> None:
        """Start watching.

        Args:
            watches: all that are watched here.
            patience: of the deployment; the connection's is part of the first event's here.
            left: seconds that the call as a whole has left.
            events: the stream that is waited for.
            loop: the running one.
            streamed: whether the answer was asked for in pieces.

        """
        self.task: asyncio.Task[Any] | None = None
        self.pieces: list[str] = []
        """The texts that came."""
        self.others = 0
        """How many events of another kind came."""
        self.speaks = False
        """Whether the first content is here, so that from now on the gaps count."""
        self._watches = watches
        self._events = events
        first, self._gap = patience.waits(streamed=streamed)
        self._every = min(first, self._gap) / _LOOKS
        self._seen = -1
        self._silent = 0.0
        self._cancelling = 0
        self._fired: asyncio.Task[Any] | None = None
        self._why = ""
        now = loop.time()
        self._total = now + min(left, patience.total)
        self._begins = now + first
        self.due = min(now + self._every, self._total)
        """When to look next."""
        watches.add(self, loop)

    def stop(self) -> None:
        """Watch no more. A cancellation that nobody took for a timeout is taken back."""
        self._watches.drop(self)
        if self._fired is not None:
            self._fired.uncancel()
            self._fired = None

    def timed_out(self) -> Unavailable | None:
        """Return the problem when the cancellation that just arrived is this watch's own."""
        task, self._fired = self._fired, None
        if task is None or task.uncancel() > self._cancelling:
            return None
        return Unavailable("upstream_timeout", self._why)

    def look(self, now: float) -> None:
        """Cancel the task if it has waited too long; else say when to look again."""
        # Only an async generator that is being waited for is running; a caller who pauses has it suspended.
        waiting = self.task is not None and getattr(self._events, "ag_running", True)
        came = len(self.pieces) + self.others
        if not waiting or came != self._seen:
            self._seen, self._silent = (came if waiting else -1), now
        why = ""
        if now >= self._total:
            why = "The answer took longer than the total time allowed."
        elif not self.speaks and now >= self._begins:
            why = "The provider did not begin to answer in time."
        elif self.speaks and now - self._silent >= self._gap:
            why = f"The provider was silent for {self._gap:g} seconds within its answer."
        if why and waiting and self.task is not None:
            self._watches.drop(self)
            self._why = why
            self._fired = self.task
            self._cancelling = self.task.cancelling()
            self.task.cancel()
            return
        self.due = now + self._every
        for due in (self._total, self._begins):
            if now < due < self.due:
                self.due = due
