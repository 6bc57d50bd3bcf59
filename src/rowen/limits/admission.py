"""Admission: how many calls a process works on at once, and who waits, who goes first and who is sent away.

High priority goes before normal, normal before low. Low priority may use four fifths of the places and normal nineteen
twentieths, so that a high call mostly finds one free. Who has waited longer than its priority allows is shed: a queue
that is always full of old calls helps nobody.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from rowen.limits.base import AdmissionSettings
from rowen.values import Clock, Priority, Refused

_ORDER: tuple[Priority, ...] = ("high", "normal", "low")
_PLACES: dict[Priority, float] = {"high": 1.0, "normal": 0.95, "low": 0.8}

Later = Callable[[float, Callable[[], None]], object]
"""Calls something back after so many seconds."""


class _Waiter:
    """One call in the queue."""

    __slots__ = ("deadline", "priority", "turn")

    def __init__(self, priority: Priority, deadline: float, turn: "asyncio.Future[None]") -> None:
        self.priority = priority
        self.deadline = deadline
        self.turn = turn


class Admission:
    """The places of one process and the queue before them. Shared by its apps.

    Args:
        settings: how many places, how long a queue.
        clock: a stopwatch.
        later: how to be called when a wait is over; the event loop's `call_later` unless given.

    """

    def __init__(self, settings: AdmissionSettings, clock: Clock, *, later: Later | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._later = later
        self._places = {name: max(1, int(settings.in_flight * part)) for name, part in _PLACES.items()}
        self._patience: dict[Priority, float] = {
            "high": settings.wait,
            "normal": settings.wait,
            "low": min(settings.target, settings.wait),
        }
        self._queues: dict[Priority, deque[_Waiter]] = {name: deque() for name in _ORDER}
        self._sweeping = False
        self.running = 0
        """Calls under way."""
        self.waiting = 0
        """Calls in the queue."""
        self.shed: dict[Priority, int] = dict.fromkeys(_ORDER, 0)
        """Calls sent away since the start."""

    def check(self, priority: Priority) -> None:
        """Send a call away at once, before any work is done for it, if there is surely no place.

        Raises:
            Refused: `overloaded`.

        """
        if self.waiting >= self._settings.queue and not self._free(priority) and not self._lower(priority):
            raise self._shed(priority)

    async def enter(self, priority: Priority) -> float:
        """Take a place, waiting for it if need be; return the seconds waited. Each needs one `leave()`.

        Raises:
            Refused: `overloaded`: the queue is full of calls that go first, or the wait was too long.

        """
        if not self.waiting and self.running < self._places[priority]:
            self.running += 1
            return 0.0
        if self._free(priority):
            self.running += 1
            return 0.0
        self.check(priority)
        if self.waiting >= self._settings.queue:
            self._evict(priority)
        began = self._clock.monotonic()
        turn = asyncio.get_running_loop().create_future()
        waiter = _Waiter(priority, began + self._patience[priority], turn)
        self._queues[priority].append(waiter)
        self.waiting += 1
        self._plan_sweep()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()  # the place came in the moment the caller left
            elif waiter in self._queues[priority]:
                self._queues[priority].remove(waiter)
                self.waiting -= 1
            raise
        return self._clock.monotonic() - began

    def leave(self) -> None:
        """Give a place up; the next in order gets it."""
        self.running -= 1
        if self.waiting:
            self._expire()
            self._fill()

    def sweep(self) -> None:
        """Send those away whose wait is over. Runs by itself while anybody waits."""
        self._sweeping = False
        self._expire()
        self._fill()
        self._plan_sweep()

    def _free(self, priority: Priority) -> bool:
        """Whether there is a place, and nobody waits who goes before."""
        if self.running >= self._places[priority]:
            return False
        return not any(self._queues[name] for name in _ORDER[: _ORDER.index(priority) + 1])

    def _lower(self, priority: Priority) -> bool:
        return any(self._queues[name] for name in _ORDER[_ORDER.index(priority) + 1 :])

    def _evict(self, priority: Priority) -> None:
        """Shed the youngest waiter of the lowest priority, to let a higher one wait."""
        for name in reversed(_ORDER[_ORDER.index(priority) + 1 :]):
            if self._queues[name]:
                self._end(self._queues[name].pop())
                return

    def _expire(self) -> None:
        now = self._clock.monotonic()
        for queue in self._queues.values():
            while queue and queue[0].deadline <= now:
                self._end(queue.popleft())

    def _fill(self) -> None:
        for name in _ORDER:
            queue = self._queues[name]
            while queue and self.running < self._places[name]:
                waiter = queue.popleft()
                self.waiting -= 1
                if not waiter.turn.done():
                    self.running += 1
                    waiter.turn.set_result(None)
            if queue:
                return  # nobody overtakes who goes first

    def _end(self, waiter: _Waiter) -> None:
        self.waiting -= 1
        if not waiter.turn.done():
            waiter.turn.set_exception(self._shed(waiter.priority))

    def _shed(self, priority: Priority) -> Refused:
        self.shed[priority] += 1
        return Refused(
            "overloaded",
            f"The server has more calls than it can work on, and sheds those of {priority} priority first.",
            retry_after=max(1.0, self._patience[priority]),
            details={"priority": priority},
        )

    def _plan_sweep(self) -> None:
        """One timer for the whole queue, at the earliest end of a wait."""
        if self._sweeping or not self.waiting:
            return
        first = min(queue[0].deadline for queue in self._queues.values() if queue)
        later = self._later or asyncio.get_running_loop().call_later
        later(max(0.001, first - self._clock.monotonic()), self.sweep)
        self._sweeping = True
