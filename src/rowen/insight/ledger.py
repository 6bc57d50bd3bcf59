"""What was spent: exact sums over time, by whom and for what. Read from sums that are kept, never from all traces.

By app, key, user, feature, model, provider and deployment they come from the sums beside the traces, which hold to the
last call; by tenant from the same sums of each tenant; by purpose, definition, release and environment from the book,
which is at most some minutes old.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal, cast, get_args

from rowen.insight.book import Book, Line
from rowen.insight.calendar import DAY_NS, HOUR_NS, Every, stretch_of
from rowen.store.base import Bucket, GroupBy, TraceFilter, Traces
from rowen.values import Value

Dimension = Literal[
    "",
    "tenant",
    "app",
    "key",
    "user",
    "feature",
    "model",
    "provider",
    "deployment",
    "purpose",
    "definition",
    "release",
    "environment",
]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

IN_BOOK = frozenset({"purpose", "definition", "release", "environment"})

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


class Ledger:
    """Answers what was spent."""

    def __init__(self, traces: Traces, book: Book) -> None:
        self._traces = traces
        self._book = book

    async def entries(self, asked: Asked, tenants: Sequence[str] = ()) -> list[Entry]:
        """Return the entries, oldest first, of one stretch the dearest first.

        Args:
            asked: which.
            tenants: all there are; needed when they are asked for one by one.

        """
        if asked.by in IN_BOOK:
            found = await self._from_book(asked)
        elif asked.by == "tenant":
            found = []
            for tenant in tenants if asked.tenant is None else (asked.tenant,):
                found += [one.but(group=tenant) for one in await self._from_sums(asked.but(tenant=tenant, by=""))]
        else:
            found = await self._from_sums(asked)
        return sorted(found, key=lambda one: (one.start_ns, -one.cost, one.group))

    async def spent(self, asked: Asked, group: str) -> Entry:
        """Return what one of a group spent in the whole window."""
        entries = await self.entries(asked.but(every="all"), (group,) if asked.by == "tenant" else ())
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

    async def _from_sums(self, asked: Asked) -> list[Entry]:
        buckets = await self._traces.buckets(
            tenant=asked.tenant,
            since_ns=asked.since_ns,
            until_ns=asked.until_ns,
            every_ns=HOUR_NS if asked.every == "hour" else DAY_NS,
            by=cast("GroupBy", asked.by),
            app=asked.app,
        )
        return _summed((stretch_of(one.start_ns, asked.every), one.group, _of_bucket(one)) for one in buckets)

    async def _from_book(self, asked: Asked) -> list[Entry]:
        await self._book.count(asked.since_ns, asked.until_ns)
        days = await self._book.days(asked.tenant, asked.since_ns, asked.until_ns)
        every: Every = "day" if asked.every == "hour" else asked.every
        return _summed(
            (stretch_of(day.start_ns, every), getattr(line, asked.by), _of_line(line))
            for day in days
            for line in day.lines
            if asked.app in ("", line.app)
        )


def total(entries: Iterable[Entry]) -> Entry:
    """Return all entries as one."""
    found = Entry()
    for one in entries:
        found = _plus(found, one)
    return found.but(start_ns=0, group="")


def _summed(found: Iterable[tuple[int, str, Entry]]) -> list[Entry]:
    sums: dict[tuple[int, str], Entry] = {}
    for start, group, entry in found:
        kept = sums.get((start, group))
        sums[start, group] = entry.but(start_ns=start, group=group) if kept is None else _plus(kept, entry)
    return list(sums.values())


def _plus(one: Entry, other: Entry) -> Entry:
    return one.but(
        cost=one.cost + other.cost,
        waste=one.waste + other.waste,
        calls=one.calls + other.calls,
        failed=one.failed + other.failed,
        cached=one.cached + other.cached,
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        unpriced=one.unpriced + other.unpriced,
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


def _of_line(line: Line) -> Entry:
    return Entry(
        cost=line.cost,
        waste=line.cost if line.purpose == "waste" else _NOTHING,
        calls=line.calls,
        failed=line.failed,
        cached=line.cached,
        input_tokens=line.input_tokens,
        output_tokens=line.output_tokens,
        unpriced=line.unpriced,
    )
