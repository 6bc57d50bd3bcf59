"""How often a sign-in may fail: from one address, and from all together."""

from rowen.access.network import neighbourhood
from rowen.store.base import Counters
from rowen.values import Clock, Refused

_MINUTE = 60_000_000_000


class Throttle:
    """Counts failed sign-ins per minute in the shared counters, so that all workers count as one."""

    def __init__(self, counters: Counters, clock: Clock, *, per_address: int = 10, in_all: int = 300) -> None:
        self._counters = counters
        self._clock = clock
        self._limits = (per_address, in_all)

    async def enter(self, address: str) -> tuple[str, ...]:
        """Count an attempt before it is looked at; return what to give back if it succeeds.

        Raises:
            Refused: `sign_in_throttled` with the seconds to wait.

        """
        now = self._clock.now_ns()
        minute = now // _MINUTE
        ends = (minute + 1) * _MINUTE
        counted: list[str] = []
        for who, limit in zip((neighbourhood(address), "all"), self._limits, strict=True):
            counter = f"sign_in:{who}:{minute}"
            if not await self._counters.take(counter, 1, limit, ends):
                await self.leave(tuple(counted))
                raise Refused("sign_in_throttled", retry_after=max(1.0, -(-(ends - now) // 1_000_000_000)))
            counted.append(counter)
        return tuple(counted)

    async def leave(self, counted: tuple[str, ...]) -> None:
        """Give an attempt back: it was no failure."""
        for counter in counted:
            await self._counters.give_back(counter, 1)
