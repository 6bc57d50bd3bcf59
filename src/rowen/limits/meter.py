"""Counts what is used against limits: reserves before a call, settles after it.

Exact over processes and crashes, because every unit spent here was first taken from the shared counter under its
limit; quick, because it was taken ahead in blocks (`limits.lease`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from rowen.limits.lease import Lease, Share, Spendable
from rowen.limits.rules import NANO, Rule, shown
from rowen.limits.window import SECOND, window_at
from rowen.store.base import Counters
from rowen.values import Checked, Clock, Grant, Limit, Problem, Refused, Value, at, new_id

log = logging.getLogger(__name__)

_FLUSH_EVERY = 0.25
_PRUNE_EVERY = 60 * SECOND
_READ_AT_ONCE = 256
_CODES = {
    "requests": "limit_requests",
    "tokens": "limit_tokens",
    "money": "limit_budget",
    "concurrency": "limit_concurrency",
}


class Standing(Value, frozen=True, kw_only=True):
    """How much of one limit is used now. Money in the limit's currency.

    For `concurrency`, `used` is what this process has under way, and there is no reset.
    """

    limit: Limit
    whose: str
    used: Decimal
    left: Decimal
    resets_at: datetime | None


class Meter:
    """Reserves and settles amounts under limits. One for each process, shared by its apps.

    Args:
        counters: the shared counters.
        clock: what time it is.
        owner: this process's name among those that share the counters; made up when empty.

    """

    def __init__(self, counters: Counters, clock: Clock, *, owner: str = "") -> None:
        self._counters = counters
        self._clock = clock
        self._owner = owner or new_id(clock.now_ns())
        self._parts: dict[str, Spendable] = {}
        self._granted: dict[str, Spendable] = {}
        """The parts by the counter that their last grant was of; a part whose window is over has another by now."""
        self._task: asyncio.Task[None] | None = None
        self._pruned_ns = 0

    async def reserve(self, rules: Sequence[Rule], amounts: Sequence[int], now_ns: int) -> tuple[Grant, ...]:
        """Take an amount under each rule, all or nothing.

        Raises:
            Refused: `limit_requests`, `limit_tokens`, `limit_budget` or `limit_concurrency`.
            Unavailable: the store cannot be asked, so no limit can be kept.

        """
        parts = self._parts
        grants: list[Grant] = []
        try:
            for rule, amount in zip(rules, amounts, strict=True):
                part = parts.get(rule.stem) or self._open(rule, now_ns)
                if now_ns >= part.ends_ns:
                    part.roll(now_ns)
                part.touched = True
                if part.free >= amount:
                    part.free -= amount
                    part.open += 1
                else:
                    await _get(part, rule, amount, now_ns)
                grant = part.grant
                if grant is None or grant.amount != amount or grant.counter != part.name:
                    grant = self._grant(part, rule, amount)
                grants.append(grant)
        except BaseException:
            # Also when the caller leaves meanwhile: nothing of what was taken so far may stay taken.
            self.give_back(grants)
            raise
        return tuple(grants)

    @property
    def watched(self) -> int:
        """How many counters this process keeps in memory."""
        return len(self._parts)

    def give_back(self, grants: Sequence[Grant]) -> None:
        """Undo a reservation whose call was not made."""
        for grant in grants:
            part = self._granted.get(grant.counter)
            if part is not None and part.name == grant.counter:
                part.free += grant.amount
                part.open -= 1

    async def settle(self, grants: Sequence[Grant], *, tokens: int | None, money: Callable[[str], int | None]) -> None:
        """Book what a call really used.

        Args:
            grants: what was reserved for it.
            tokens: the tokens of all attempts; None books what was reserved.
            money: gives the cost in 1e-9 of a currency; None books what was reserved.

        Raises:
            Unavailable: the store cannot be written; what is owed is booked later.

        """
        failed: Problem | None = None
        granted = self._granted
        for grant in grants:
            part = granted.get(grant.counter)
            if part is None or part.name != grant.counter:
                continue  # its window is over, so it no longer matters
            amount, measure = grant.amount, grant.measure
            used: int | None = amount
            if measure == "tokens":
                used = tokens
            elif measure == "money":
                used = money(part.currency)
            elif measure == "concurrency":
                used = 0
            rest = 0 if used is None else amount - used
            part.touched = True
            part.open -= 1
            if rest >= 0:
                part.free += rest
                continue
            assert isinstance(part, Lease)
            try:
                await part.owe(-rest)
            except Problem as problem:
                failed = problem
        if failed is not None:
            raise failed

    def used(self, rules: Sequence[Rule]) -> tuple[Checked, ...]:
        """Return how much of each limit is used as far as this process knows without asking.

        A limit whose window ended just now, while the call waited for another one, is left out.
        """
        parts = self._parts
        found: list[Checked] = []
        for rule in rules:
            part = parts.get(rule.stem)
            if part is None:
                continue
            used = part.sum + part.taken - part.free
            found.append((rule.label, used / NANO if rule.measure == "money" else used, rule.of))
        return tuple(found)

    async def state(self, rules: Sequence[Rule]) -> list[Standing]:
        """Return how much of each limit is used in its window now, over all processes.

        What other processes have leased ahead counts as used.
        """
        now_ns = self._clock.now_ns()
        spans = [window_at(rule.window, now_ns) for rule in rules]
        names = [f"{rule.stem}@{span.label}" for rule, span in zip(rules, spans, strict=True)]
        sums = dict(zip(names, await self._counters.sums(names), strict=True)) if names else {}
        found: list[Standing] = []
        for rule, span, name in zip(rules, spans, names, strict=True):
            part = self._parts.get(rule.stem)
            if rule.measure == "concurrency":
                used = part.open if part else 0
            else:
                used = max(0, sums[name] - (part.free if part and part.name == name else 0))
            found.append(
                Standing(
                    limit=rule.limit,
                    whose=rule.whose,
                    used=shown(used, rule.measure),
                    left=shown(max(0, rule.amount - used), rule.measure),
                    resets_at=at(span.ends_ns) if span.ends_ns else None,
                )
            )
        return found

    async def start(self) -> None:
        """Begin to give back idle leases and keep shares alive in the background."""
        self._task = asyncio.create_task(self._run(), name="limits")

    async def close(self) -> None:
        """Stop, and give everything back that is not in use.

        Raises:
            Unavailable: the store cannot be written; the remainders count as used until their windows end.

        """
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        for part in self._parts.values():
            part.touched = False
        await self.flush()

    async def flush(self) -> None:
        """Give back what lay idle since the last flush, keep shares alive, and read the sums of what is in use.

        Raises:
            Unavailable: the store cannot be written.

        """
        now_ns = self._clock.now_ns()
        busy: list[Lease] = []
        for stem, part in list(self._parts.items()):
            touched = part.touched
            await part.flush(now_ns)
            if touched and isinstance(part, Lease) and now_ns < part.ends_ns and len(busy) < _READ_AT_ONCE:
                busy.append(part)
            elif not part.waiting and (_over(part, now_ns) or not (part.touched or part.open or part.free)):
                del self._parts[stem]
                if part.grant is not None:
                    self._granted.pop(part.grant.counter, None)
        if busy:
            names = [part.name for part in busy]
            for part, name, total in zip(busy, names, await self._counters.sums(names), strict=True):
                if part.name == name:
                    part.read(total)
        if now_ns - self._pruned_ns > _PRUNE_EVERY:
            self._pruned_ns = now_ns
            await self._counters.prune(now_ns)

    def _grant(self, part: Spendable, rule: Rule, amount: int) -> Grant:
        if part.grant is not None:
            self._granted.pop(part.grant.counter, None)
        part.grant = Grant(counter=part.name, measure=rule.measure, amount=amount)
        self._granted[part.name] = part
        return part.grant

    def _open(self, rule: Rule, now_ns: int) -> Spendable:
        part: Spendable
        if rule.measure == "concurrency":
            part = Share(rule, self._counters, self._owner)
        else:
            part = Lease(rule, self._counters, now_ns)
        self._parts[rule.stem] = part
        return part

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_EVERY)
            try:
                await self.flush()
            except Problem as problem:
                log.warning("limits could not be written to the store: %s", problem)


def _over(part: Spendable, now_ns: int) -> bool:
    return isinstance(part, Lease) and now_ns >= part.ends_ns


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
