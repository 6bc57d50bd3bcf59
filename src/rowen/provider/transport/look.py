"""Looks at connections when they are due: one timer for all, where one for each took half a kilobyte of a stream."""

import asyncio
from typing import Protocol

_APART = 0.1  # seconds between two looks at least, or thousands of streams would each cause one


class Watched(Protocol):
    """A connection on which something is waited for."""

    loop: asyncio.AbstractEventLoop

    def look(self, now: float) -> None:
        """Break off if what is waited for is too late; else say when to look again."""


class Looks:
    """The connections that are to be looked at, each up to a tenth of a second later than it is due."""

    __slots__ = ("_due", "_timer", "_when")

    def __init__(self) -> None:
        self._due: dict[Watched, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._when = 0.0

    def expect(self, connection: Watched, due: float) -> None:
        """Look at a connection from then on, by its loop's clock, unless it is forgotten before."""
        self._due[connection] = due
        if self._timer is None or due < self._when:
            self._arm(connection.loop, due)

    def forget(self, connection: Watched) -> None:
        """Look at a connection no more."""
        self._due.pop(connection, None)

    def stop(self) -> None:
        """Look at nothing any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._when = when
        self._timer = loop.call_at(when, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for connection in [connection for connection, due in self._due.items() if due <= now]:
            connection.look(now)
        if self._due:
            self._arm(loop, max(min(self._due.values()), now + _APART))
