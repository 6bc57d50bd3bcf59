"""A circuit breaker: leaves a deployment alone when too many attempts fail, and lets one call at a time probe it."""

from typing import Literal

from rowen.route.base import Breaking

_SLOTS = 10


class Breaker:
    """Counts attempts over a sliding window. `now` is always seconds on the same stopwatch."""

    __slots__ = ("_bad", "_good", "_rest", "_rule", "_slot", "_span", "_until", "state")

    def __init__(self, rule: Breaking) -> None:
        self.state: Literal["closed", "open", "half_open"] = "closed"
        self._rule = rule
        self._span = rule.window / _SLOTS
        self._good = [0] * _SLOTS
        self._bad = [0] * _SLOTS
        self._slot = 0
        self._rest = rule.rest
        self._until = 0.0

    def allows(self, now: float) -> bool:
        """Whether a call may go there now. Claims nothing."""
        return self.state == "closed" or (self.state == "open" and now >= self._until)

    def enter(self, now: float) -> bool:
        """Claim a call; while it is being probed there is no second one."""
        if self.state == "closed":
            return True
        if self.state == "half_open" or now < self._until:
            return False
        self.state = "half_open"
        return True

    def good(self, now: float) -> None:
        """An attempt went well."""
        if self.state != "closed":
            self.state = "closed"
            self._rest = self._rule.rest
            self._good, self._bad = [0] * _SLOTS, [0] * _SLOTS
        self._good[self._turn(now)] += 1

    def bad(self, now: float) -> None:
        """An attempt failed through the deployment's own fault."""
        if self.state == "half_open":
            self._rest = min(self._rest * 2, self._rule.longest_rest)
            self._open(now)
            return
        self._bad[self._turn(now)] += 1
        bad = sum(self._bad)
        every = bad + sum(self._good)
        if self.state == "closed" and every >= self._rule.least and bad >= every * self._rule.rate:
            self._open(now)

    def nothing(self) -> None:
        """An attempt ended without saying anything about the deployment; a probe is free again."""
        if self.state == "half_open":
            self.state = "open"

    def opens_in(self, now: float) -> float:
        """Seconds until a probe may go there."""
        return max(0.0, self._until - now) if self.state == "open" else 0.0

    def _open(self, now: float) -> None:
        self.state = "open"
        self._until = now + self._rest

    def _turn(self, now: float) -> int:
        """The slot of this moment; slots that the window has left behind are emptied."""
        slot = int(now / self._span)
        if slot == self._slot:
            return slot % _SLOTS
        for stale in range(max(self._slot + 1, slot - _SLOTS + 1), slot + 1):
            self._good[stale % _SLOTS] = self._bad[stale % _SLOTS] = 0
        self._slot = max(self._slot, slot)
        return slot % _SLOTS
