"""What one caller's limits are held against, looked up once: a call is reserved under all of them in one short loop."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from rowen.limits.lease import Lease, Share, Spendable
from rowen.limits.rules import NANO, Rule, shown
from rowen.store.base import Counters
from rowen.values import Checked, Problem, Refused, at

_CONCURRENCY, _REQUESTS, _TOKENS, _MONEY = range(4)
"""Where the amount of a measure stands among all that a call takes; each further currency stands after the first."""
_AT = {"concurrency": _CONCURRENCY, "requests": _REQUESTS, "tokens": _TOKENS}

_CODES = {
    "requests": "limit_requests",
    "tokens": "limit_tokens",
    "money": "limit_budget",
    "concurrency": "limit_concurrency",
}


class Parts:
    """The parts of shared counters that this process holds, by the stems of their rules."""

    __slots__ = ("_counters", "_owner", "kept", "turn")

    def __init__(self, counters: Counters, owner: str) -> None:
        self._counters = counters
        self._owner = owner
        self.kept: dict[str, Spendable] = {}
        self.turn = 0
        """Changes whenever a part comes, goes, or begins a new window."""

    def now(self, rule: Rule, now_ns: int) -> Spendable:
        """Return the part for a rule, in its present window."""
        part = self.kept.get(rule.stem)
        if part is None:
            concurrent = rule.measure == "concurrency"
            part = Share(rule, self._counters, self._owner) if concurrent else Lease(rule, self._counters, now_ns)
            self.kept[rule.stem] = part
            self.turn += 1
        if now_ns >= part.ends_ns:
            part.roll(now_ns)
            self.turn += 1
        return part

    def drop(self, part: Spendable) -> None:
        """Forget a part. What is settled late finds that its window is over."""
        del self.kept[part.stem]
        part.name = ""
        self.turn += 1


class Held:
    """What was set aside for one call: of each counter an amount. It is settled once, or given back."""

    __slots__ = ("_names", "_parts", "_seats", "amounts")

    def __init__(
        self, seats: "Seats", parts: Sequence[Spendable], names: Sequence[str], amounts: Sequence[int]
    ) -> None:
        self._seats = seats
        self._parts = parts
        self._names = names
        self.amounts = amounts
        """By rule, in the counter's own unit."""

    def give_back(self) -> None:
        """Undo the reservation of a call that was not made."""
        for part, name, amount in zip(self._parts, self._names, self.amounts, strict=True):
            if part.name == name:
                part.free += amount
                part.open -= 1

    async def settle(self, *, tokens: int | None, money: Callable[[str], int | None]) -> None:
        """Book what a call really used.

        Args:
            tokens: the tokens of all attempts; None books what was reserved.
            money: gives the cost in 1e-9 of a currency; None books what was reserved.

        Raises:
            Unavailable: the store cannot be written; what is owed is booked later.

        """
        failed: Problem | None = None
        used = self._seats.picked(0, tokens, [money(currency) for currency in self._seats.currencies])
        for part, name, amount, taken in zip(self._parts, self._names, self.amounts, used, strict=True):
            if part.name != name:
                continue  # its window is over, so it no longer matters
            part.touched = True
            part.open -= 1
            if taken is None or taken == amount:
                continue
            if taken < amount:
                part.free += amount - taken
                continue
            assert isinstance(part, Lease)
            try:
                await part.owe(taken - amount)
            except Problem as problem:
                failed = problem
        if failed is not None:
            raise failed


class Seats:
    """Where the calls of one caller are counted.

    Args:
        parts: of all callers of this process.
        rules: that hold for this one.

    """

    __slots__ = ("_ends_ns", "_names", "_parts", "_pick", "_said", "_seats", "_turn", "currencies", "rules", "weighs")

    def __init__(self, parts: Parts, rules: Sequence[Rule]) -> None:
        self.rules = rules
        self.currencies = tuple(dict.fromkeys(rule.currency for rule in rules if rule.measure == "money"))
        self.weighs = any(rule.measure in {"tokens", "money"} for rule in rules)
        """Whether any of the rules asks how long a call is."""
        at = [_AT.get(rule.measure, _MONEY + self._currency(rule)) for rule in rules]
        # Of one place alone an item getter gives the item, so one more is asked for and left over.
        self._pick = itemgetter(*at, _CONCURRENCY, _CONCURRENCY)
        self._said = [(rule.label, rule.of, rule.measure == "money") for rule in rules]
        self._parts = parts
        self._seats: tuple[Spendable, ...] = ()
        self._names: tuple[str, ...] = ()
        self._ends_ns = 0
        self._turn = -1

    def picked(self, at_once: int, tokens: int | None, money: Sequence[int | None]) -> tuple[Any, ...]:
        """Return amounts by rule: a request, so many at once and so many tokens, and money by `currencies`."""
        picked: tuple[Any, ...] = self._pick((at_once, 1, tokens, *money))
        return picked[:-2]

    async def reserve(self, amounts: Sequence[int], now_ns: int) -> Held:
        """Take an amount under each rule, all or nothing.

        Raises:
            Refused: `limit_requests`, `limit_tokens`, `limit_budget` or `limit_concurrency`.
            Unavailable: the store cannot be asked, so no limit can be kept.

        """
        return self.at_hand(amounts, now_ns) or await self.asked(amounts, now_ns)

    def at_hand(self, amounts: Sequence[int], now_ns: int) -> Held | None:
        """Take an amount under each rule of what this process holds, as is nearly always possible; None where it is not."""
        if now_ns >= self._ends_ns or self._turn != self._parts.turn:
            return None
        seats = self._seats
        for part, amount in zip(seats, amounts, strict=True):
            free = part.free
            if free < amount:
                at = seats.index(part)
                Held(self, seats[:at], self._names[:at], amounts[:at]).give_back()
                return None
            part.free = free - amount
            part.open += 1
            part.touched = True
        return Held(self, seats, self._names, amounts)

    def used(self) -> tuple[Checked, ...]:
        """Return how much of each limit is used as far as this process knows without asking, since the last reservation.

        A limit whose window ended just now, while the call waited for another one, is left out.
        """
        return tuple(
            [
                (label, (part.sum + part.taken - part.free) / NANO if money else part.sum + part.taken - part.free, of)
                for part, (label, of, money) in zip(self._seats, self._said, strict=False)
                if part.name
            ]
        )

    async def asked(self, amounts: Sequence[int], now_ns: int) -> Held:
        """Take an amount under one rule after the other, asking the store where too little is at hand; raises as `reserve`."""
        parts: list[Spendable] = []
        names: list[str] = []
        try:
            for rule, amount in zip(self.rules, amounts, strict=True):
                part = self._parts.now(rule, now_ns)
                part.touched = True
                if part.free >= amount:
                    part.free -= amount
                    part.open += 1
                else:
                    await _get(part, rule, amount, now_ns)
                parts.append(part)
                names.append(part.name)
        except BaseException:
            # Also when the caller leaves meanwhile: nothing of what was taken so far may stay taken.
            Held(self, parts, names, amounts[: len(parts)]).give_back()
            raise
        self._seats, self._names = tuple(parts), tuple(names)
        self._ends_ns = min([part.ends_ns for part in parts], default=0)
        # While the store was asked, a window may have ended, or a part have gone.
        here = [part.name for part in parts] == names
        self._turn = self._parts.turn if here else -1
        return Held(self, self._seats, self._names, amounts)

    def _currency(self, rule: Rule) -> int:
        return self.currencies.index(rule.currency) if rule.measure == "money" else 0


async def _get(part: Spendable, rule: Rule, amount: int, now_ns: int) -> None:
    part.limit = rule.amount
    if not await part.get(amount, now_ns):
        raise _refused(rule, part, amount, now_ns)


def _refused(rule: Rule, part: Spendable, amount: int, now_ns: int) -> Refused:
    never = amount > rule.amount
    retry_after: float | None
    if rule.measure == "concurrency":
        retry_after = 1.0
        said = f"The limit of {rule.label} is reached."
    elif never:
        retry_after = None
        asked = f"{shown(amount, rule.measure).normalize():f}"
        said = f"The call may need {asked} {rule.currency or rule.measure}, more than all of {rule.label}."
    else:
        retry_after = max(0.001, (part.ends_ns - now_ns) / 1e9)
        said = f"The limit of {rule.label} is used up; the next {rule.window} begins at {at(part.ends_ns):%Y-%m-%d %H:%M} UTC."
    return Refused(
        _CODES[rule.measure],
        said,
        retry_after=retry_after,
        details={
            "limit": f"{rule.limit.amount.normalize():f}",
            "measure": rule.measure,
            "per": rule.limit.per,
            "window": rule.window,
            "used": f"{shown(part.used, rule.measure).normalize():f}",
        },
    )
