"""Counts what is used against limits: reserves before a call, settles after it.

Exact over processes and crashes, because every unit spent here was first taken from the shared counter under its
limit; quick, because it was taken ahead in blocks (`limits.lease`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from rowen.limits.lease import Lease, Spendable
from rowen.limits.rules import Rule, shown
from rowen.limits.seats import Parts, Seats
from rowen.limits.window import SECOND, window_at
from rowen.store.base import Counters
from rowen.values import Clock, Limit, Problem, Value, at, new_id

log = logging.getLogger(__name__)

_FLUSH_EVERY = 0.25
_PRUNE_EVERY = 60 * SECOND
_READ_AT_ONCE = 256


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
        self._parts = Parts(counters, owner or new_id(clock.now_ns()))
        self._task: asyncio.Task[None] | None = None
        self._pruned_ns = 0

    def seats(self, rules: Sequence[Rule]) -> Seats:
        """Return what the calls of a caller for whom these rules hold are counted by."""
        return Seats(self._parts, rules)

    @property
    def watched(self) -> int:
        """How many counters this process keeps in memory."""
        return len(self._parts.kept)

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
            part = self._parts.kept.get(rule.stem)
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
        for part in self._parts.kept.values():
            part.touched = False
        await self.flush()

    async def flush(self) -> None:
        """Give back what lay idle since the last flush, keep shares alive, and read the sums of what is in use.

        Raises:
            Unavailable: the store cannot be written.

        """
        now_ns = self._clock.now_ns()
        busy: list[Lease] = []
        for part in list(self._parts.kept.values()):
            touched = part.touched
            await part.flush(now_ns)
            if touched and isinstance(part, Lease) and now_ns < part.ends_ns and len(busy) < _READ_AT_ONCE:
                busy.append(part)
            elif not part.waiting and (_over(part, now_ns) or not (part.touched or part.open or part.free)):
                self._parts.drop(part)
        if busy:
            names = [part.name for part in busy]
            for part, name, total in zip(busy, names, await self._counters.sums(names), strict=True):
                if part.name == name:
                    part.read(total)
        if now_ns - self._pruned_ns > _PRUNE_EVERY:
            self._pruned_ns = now_ns
            await self._counters.prune(now_ns)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_EVERY)
            try:
                await self.flush()
            except Problem as problem:
                log.warning("limits could not be written to the store: %s", problem)


def _over(part: Spendable, now_ns: int) -> bool:
    return isinstance(part, Lease) and now_ns >= part.ends_ns
