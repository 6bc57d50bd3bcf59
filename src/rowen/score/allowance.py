"""The budget of a rule's day: set aside before a judgement and settled after it, counted for all processes together."""

from decimal import Decimal
from typing import NamedTuple

from rowen.score.rule import Rule
from rowen.store.base import Counters
from rowen.values import Clock

_DAY_NS = 86_400 * 1_000_000_000
_NANO = 10**9
_FIRST_GUESS = 1_000_000  # 0.001 US dollars, in 1e-9: set aside for a judgement while none has been paid


class Capped(Exception):
    """The day's budget of a rule is used up."""


class Aside(NamedTuple):
    """What is set aside for one judgement: in which day's counter, and how much, in 1e-9 US dollars."""

    counter: str
    ends_ns: int
    amount: int


class Allowance:
    """What rules may still spend today.

    Args:
        counters: hold what is spent, over all processes.
        clock: what day it is.

    """

    def __init__(self, counters: Counters, clock: Clock) -> None:
        self._counters = counters
        self._clock = clock
        self._paid: dict[str, tuple[int, int]] = {}
        """By rule, how many judgements this process has paid, and how much for all, in 1e-9 US dollars."""

    async def spent_today(self, rule: Rule) -> Decimal:
        """Return the US dollars of the day's budget that are used up or set aside; 0 where there is none."""
        if rule.cap is None:
            return Decimal(0)
        (spent,) = await self._counters.sums([self._today(rule)[0]])
        return Decimal(spent) / _NANO

    async def set_aside(self, rule: Rule) -> Aside | None:
        """Set aside what one judgement costs on average; None where the rule has no budget.

        Raises:
            Capped: the day's budget is used up.

        """
        if rule.cap is None:
            return None
        times, paid = self._paid.get(rule.key, (0, 0))
        amount = max(1, paid // times) if times else _FIRST_GUESS
        counter, ends_ns = self._today(rule)
        limit = int(rule.cap * _NANO)
        if not (taken := await self._counters.take(counter, min(amount, limit), limit, ends_ns)):
            raise Capped
        return Aside(counter, ends_ns, taken)

    async def settle(self, rule: Rule, aside: Aside | None, cost: Decimal | None) -> None:
        """Book what a judgement cost, on the day for which it was set aside; unknown, what was set aside stays spent."""
        if aside is None or cost is None:
            return
        amount = int(cost * _NANO)
        times, paid = self._paid.get(rule.key, (0, 0))
        self._paid[rule.key] = (times + 1, paid + amount)
        if amount > aside.amount:
            await self._counters.add(aside.counter, amount - aside.amount, aside.ends_ns)
        elif amount < aside.amount:
            await self._counters.give_back(aside.counter, aside.amount - amount)

    def _today(self, rule: Rule) -> tuple[str, int]:
        """Return the counter of a rule's day, and when it may be forgotten."""
        day = self._clock.now_ns() // _DAY_NS
        return f"{rule.key}:{day}", (day + 2) * _DAY_NS
