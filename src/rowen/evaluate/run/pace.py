"""How fast and how dear a run may be: waits that a provider asked for, and money that must last."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

from rowen.values import Clock, Problem, Value

Sleep = Callable[[float], Awaitable[None]]


class Pace(Value, frozen=True, kw_only=True):
    """How a run is done. Times are seconds."""

    concurrency: int = 8
    """Cases that are tried at the same time."""
    timeout: float = 600.0
    """How long a case may take."""
    patience: float = 300.0
    """The longest wait that a provider or a limit may ask for; the run is paused where it asks for more."""
    tries: int = 20
    """How often a case is tried again after such a wait."""
    budget: Decimal | None = None
    """US dollars."""
    reuse: bool = True
    """Whether what an earlier run was answered need not be asked again."""
    again: bool = False
    """Whether what failed is tried once more when the run is resumed."""


class Halted(Exception):
    """The run ends here, before its cases do."""

    def __init__(self, state: str, why: str) -> None:
        super().__init__(why)
        self.state = state
        self.why = why


class Gate:
    """Lets nobody ask while a provider wants to be left alone."""

    def __init__(self, pace: Pace, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._open_at = 0.0

    async def passed(self) -> None:
        """Return when it may be asked."""
        while (wait := self._open_at - self._clock.monotonic()) > 0:
            await self._sleep(wait)

    def waits(self, problem: Problem, tries: int) -> bool:
        """Whether what went wrong only asks to wait; nobody asks until then.

        Raises:
            Halted: it asks to wait longer than the run will.

        """
        if problem.retry_after is None or tries >= self._pace.tries:
            return False
        if problem.retry_after > self._pace.patience:
            raise Halted("paused", f"{problem.message} It may go on in {problem.retry_after:.0f} seconds.")
        self._open_at = max(self._open_at, self._clock.monotonic() + problem.retry_after)
        return True


class Purse:
    """Keeps a run within its budget: what is under way counts with what a case has cost so far."""

    def __init__(self, budget: Decimal | None, spent: Decimal, times: int) -> None:
        self._budget = budget
        self.spent = spent
        self._times = times
        self._open = 0

    @property
    def knows(self) -> bool:
        """Whether it is known what a case costs, or does not matter."""
        return self._budget is None or self._times > 0

    def take(self) -> None:
        """Set aside what a case will cost.

        Raises:
            Halted: it would cost more than is left.

        """
        if self._budget is not None:
            each = self.spent / self._times if self._times else Decimal(0)
            if self.spent + each * (self._open + 1) > self._budget or self.spent >= self._budget:
                raise Halted("stopped", f"the budget of {self._budget:f} US dollars is used up")
        self._open += 1

    def pay(self, cost: Decimal | None) -> None:
        """Book what a case cost.

        Raises:
            Halted: there is a budget, and the price is not known.

        """
        self._open -= 1
        if cost is None:
            if self._budget is not None:
                raise Halted("stopped", "the budget cannot be kept: the price of an answer is not known")
            return
        self.spent += cost
        self._times += cost > 0  # what was free says nothing of what the next one costs

    def give_back(self) -> None:
        """Take back what was set aside for a case that was not asked."""
        self._open -= 1
