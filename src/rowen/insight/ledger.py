"""What was spent: exact sums over time, by whom and for what. Read from sums that are kept, never from all traces.

Whole days come from the costs of days, which outlive the traces, by whatever is asked; hours, and the parts of days at
the ends of a window, from the sums beside the traces, which are not told apart by purpose and definition.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import cast

from rowen.insight.calendar import DAY_NS, HOUR_NS, Every, stretch_of
from rowen.store.base import COST_BYS, Bucket, CostBy, DayCost, GroupBy, TraceFilter, Traces
from rowen.values import Value

Dimension = CostBy
DIMENSIONS = COST_BYS

BY_DAY = frozenset({"purpose", "definition"})
"""What hours are not told apart by: a window is widened to whole days, and hours are days."""

_NOTHING = Decimal(0)
_LOOKED_AT = 1_000


class Entry(Value, frozen=True, kw_only=True):
    """What was spent in one stretch of time by one of a group, in US dollars."""

    start_ns: int = 0
    """0 when the whole window is one stretch."""
    group: str = ""
    cost: Decimal = _NOTHING
    waste: Decimal = _NOTHING
    """Of the cost, what was paid for attempts whose answers were not used."""
    calls: int = 0
    failed: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    unpriced: int = 0
    """Calls whose cost is unknown; they are not in `cost`, and not nothing."""

    @property
    def said(self) -> str:
        """The cost for a person; never as nothing where it is unknown."""
        if self.unpriced and self.unpriced == self.calls and not self.cost:
            return "unknown"
        text = f"{self.cost:f}"
        return f"{text} + {self.unpriced} calls of unknown price" if self.unpriced else text


class Asked(Value, frozen=True, kw_only=True):
    """Which costs: of a window, of one tenant or all, over stretches, by something."""

    since_ns: int
    until_ns: int
    tenant: str | None = None
    app: str = ""
    by: Dimension = ""
    every: Every = "day"
    names: tuple[str, ...] | None = None
    """Which of the groups; all unless they are named."""


class Ledger:
    """Answers what was spent."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    async def entries(self, asked: Asked, tenants: Sequence[str] = ()) -> list[Entry]:
        """Return the entries, oldest first, of one stretch the dearest first.

        Args:
            asked: which.
            tenants: all there are; needed when they are asked for one by one.

        """
        if asked.by in BY_DAY:
            found = await self._of_days(asked, asked.since_ns, asked.until_ns)
        elif asked.every == "hour":
            found = await self._of_hours(asked, asked.since_ns, asked.until_ns, tenants)
        else:
            first, last = -(-asked.since_ns // DAY_NS) * DAY_NS, asked.until_ns // DAY_NS * DAY_NS
            if first >= last:
                found = await self._of_hours(asked, asked.since_ns, asked.until_ns, tenants)
            else:
                found = _summed(
                    (one.start_ns, one.group, one)
                    for part in (
                        await self._of_hours(asked, asked.since_ns, first, tenants),
                        await self._of_days(asked, first, last),
                        await self._of_hours(asked, last, asked.until_ns, tenants),
                    )
                    for one in part
                )
        return sorted(found, key=lambda one: (one.start_ns, -one.cost, one.group))

    async def spent(self, asked: Asked, group: str) -> Entry:
        """Return what one of a group spent in the whole window."""
        tenants = (group,) if asked.by == "tenant" else ()
        entries = await self.entries(asked.but(every="all", names=(group,)), tenants)
        return next((one for one in entries if one.group == group), Entry(group=group))

    async def dearest(self, asked: Asked, by: Dimension = "", group: str = "", *, most: int = 5) -> tuple[str, ...]:
        """Return the ids of the dearest calls of a window, of one of a group where it is named.

        Those that cost less than half the mean are passed over, and of the others the newest thousand are looked at.
        """
        whole = await self.spent(asked.but(by=by), group)
        filter_ = TraceFilter(
            tenant=asked.tenant, since_ns=asked.since_ns, until_ns=asked.until_ns, limit=_LOOKED_AT, app=asked.app
        )
        if by:
            filter_ = filter_.but(**{by: group})
        mean = whole.cost / max(1, whole.calls - whole.unpriced)
        rows = await self._traces.find(filter_.but(dearer=mean / 2))
        rows.sort(key=lambda row: (-(row.cost or _NOTHING), row.id))
        return tuple(row.id for row in rows[:most])

    async def _of_days(self, asked: Asked, since_ns: int, until_ns: int) -> list[Entry]:
        wasted = asked.by == "purpose"
        found = await self._traces.day_costs(
            tenant=asked.tenant,
            since_ns=since_ns,
            until_ns=until_ns,
            by=asked.by,
            app=asked.app,
            names=None if wasted else asked.names,
            whole=asked.every == "all",
        )
        entries = [_of_day(one) for one in found]
        if wasted:
            entries = [
                one for each in entries for one in _apart(each) if asked.names is None or one.group in asked.names
            ]
        every: Every = "day" if asked.every == "hour" else asked.every
        return _summed((stretch_of(one.start_ns, every), one.group, one) for one in entries)

    async def _of_hours(self, asked: Asked, since_ns: int, until_ns: int, tenants: Sequence[str]) -> list[Entry]:
        if since_ns >= until_ns:
            return []
        if asked.by == "tenant":
            found = []
            for tenant in tenants if asked.tenant is None else (asked.tenant,):
                alone = asked.but(tenant=tenant, by="", names=None)
                found += [one.but(group=tenant) for one in await self._of_hours(alone, since_ns, until_ns, ())]
            return [one for one in found if asked.names is None or one.group in asked.names]
        buckets = await self._traces.buckets(
            tenant=asked.tenant,
            since_ns=since_ns,
            until_ns=until_ns,
            every_ns=HOUR_NS,
            by=cast("GroupBy", asked.by),
            app=asked.app,
        )
        return _summed(
            (stretch_of(one.start_ns, asked.every), one.group, _of_bucket(one))
            for one in buckets
            if asked.names is None or one.group in asked.names
        )


def total(entries: Iterable[Entry]) -> Entry:
    """Return all entries as one."""
    return next(iter(_summed((0, "", one) for one in entries)), Entry())


def _summed(found: Iterable[tuple[int, str, Entry]]) -> list[Entry]:
    places: dict[tuple[int, str], list[Entry]] = {}
    for start, group, entry in found:
        places.setdefault((start, group), []).append(entry)
    return [
        each[0] if len(each) == 1 and (each[0].start_ns, each[0].group) == place else _sum(each, *place)
        for place, each in places.items()
    ]


def _sum(entries: Sequence[Entry], start_ns: int, group: str) -> Entry:
    return Entry(
        start_ns=start_ns,
        group=group,
        cost=sum((one.cost for one in entries), _NOTHING),
        waste=sum((one.waste for one in entries), _NOTHING),
        calls=sum(one.calls for one in entries),
        failed=sum(one.failed for one in entries),
        cached=sum(one.cached for one in entries),
        input_tokens=sum(one.input_tokens for one in entries),
        output_tokens=sum(one.output_tokens for one in entries),
        unpriced=sum(one.unpriced for one in entries),
    )


def _of_bucket(bucket: Bucket) -> Entry:
    return Entry(
        cost=bucket.cost,
        waste=bucket.waste,
        calls=bucket.calls,
        failed=bucket.failed,
        cached=bucket.cached,
        input_tokens=bucket.input_tokens,
        output_tokens=bucket.output_tokens,
        unpriced=bucket.unpriced,
    )


def _of_day(day: DayCost) -> Entry:
    return Entry(
        start_ns=day.start_ns,
        group=day.group,
        cost=day.cost,
        waste=day.waste,
        calls=day.calls,
        failed=day.failed,
        cached=day.cached,
        input_tokens=day.input_tokens,
        output_tokens=day.output_tokens,
        unpriced=day.unpriced,
    )


def _apart(entry: Entry) -> list[Entry]:
    """Return what a purpose cost without what was wasted, which is a purpose of its own."""
    if not entry.waste:
        return [entry]
    wasted = Entry(start_ns=entry.start_ns, group="waste", cost=entry.waste, waste=entry.waste)
    return [entry.but(cost=entry.cost - entry.waste, waste=_NOTHING), wasted]
