"""The book: what every day cost, by everything at once. Counted from the traces day by day, and kept when they go.

The costs of days know one thing at a time. Here each line is one combination of tenant, app, key, user, feature, model,
provider, definition, release, environment and purpose, as tools that read costs want them. A day is counted anew, as a
whole, until a day and a half after its end; counting twice gives the same book.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal

from rowen.insight.calendar import DAY_NS, HOUR_NS, day_of, named
from rowen.insight.reading import Told, rows_of
from rowen.store.base import Record, Records, TraceFilter, Traces
from rowen.store.shelf import Shelf
from rowen.values import Clock, TraceRow, Value

Charge = Literal["inference", "embedding", "judge", "experiment", "waste"]
"""What a line is for: the purpose of its calls, or what was paid for answers that were not used."""

_SETTLED_NS = 36 * HOUR_NS
_FRESH_NS = 5 * 60 * 1_000_000_000
_EVERY_RECORD = 1_000_000
_NOTHING = Decimal(0)


class Line(Value, frozen=True, kw_only=True):
    """What one combination cost on one day, in US dollars."""

    tenant: str = ""
    app: str = ""
    key: str = ""
    user: str = ""
    feature: str = ""
    model: str = ""
    provider: str = ""
    deployment: str = ""
    definition: str = ""
    release: str = ""
    environment: str = ""
    purpose: Charge = "inference"
    calls: int = 0
    failed: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = _NOTHING
    unpriced: int = 0
    """Calls whose cost is unknown; they are not in `cost`."""


class Day(Value, frozen=True, kw_only=True):
    """One tenant's lines of one day."""

    tenant: str
    start_ns: int
    lines: tuple[Line, ...] = ()


class Counted(Value, frozen=True, kw_only=True):
    """When a day was counted last, over all tenants."""

    start_ns: int
    at_ns: int = 0
    traces: int = 0


class Book:
    """Counts days and keeps them."""

    def __init__(self, records: Records, traces: Traces, clock: Clock) -> None:
        self._traces = traces
        self._clock = clock
        self._days = Shelf(records, "ledger_day", Day, _described_day)
        self._counts = Shelf(records, "ledger_count", Counted, _described_count)

    async def count(self, since_ns: int, until_ns: int, *, told: Told | None = None) -> int:
        """Count the days of a window that are open or were never counted; return how many were."""
        now = self._clock.now_ns()
        first, end = day_of(since_ns), min(until_ns, now + 1)
        known = {
            one.start_ns: one for one in await self._counts.find(since_ns=first, until_ns=end, limit=_EVERY_RECORD)
        }
        done = 0
        for start in range(first, end, DAY_NS):
            last = known.get(start)
            settled = last is not None and last.at_ns >= start + DAY_NS + _SETTLED_NS
            fresh = last is not None and now - last.at_ns < _FRESH_NS and now >= last.at_ns
            if settled or fresh:
                continue
            await self._count_day(start, now, told)
            done += 1
        return done

    async def days(self, tenant: str | None, since_ns: int, until_ns: int) -> list[Day]:
        """Return the days that were counted, oldest first. A window is widened to whole days."""
        found = await self._days.find(tenant=tenant, since_ns=day_of(since_ns), until_ns=until_ns, limit=_EVERY_RECORD)
        return sorted(found, key=lambda day: (day.start_ns, day.tenant))

    async def counted(self, since_ns: int, until_ns: int) -> list[Counted]:
        """Return when the days of a window were counted, oldest first."""
        return sorted(
            await self._counts.find(since_ns=day_of(since_ns), until_ns=until_ns, limit=_EVERY_RECORD),
            key=lambda one: one.start_ns,
        )

    async def forget(self, tenant: str, user: str) -> None:
        """Take a user's name from the days of a tenant: what was spent stays, and is nobody's."""
        for day in await self._days.find(tenant=tenant, limit=_EVERY_RECORD):
            if any(line.user == user for line in day.lines):
                lines = [line.but(user="") if line.user == user else line for line in day.lines]
                await self._days.put(day.but(lines=tuple(folded(lines, _PLACE))))

    async def _count_day(self, start: int, now: int, told: Told | None) -> None:
        rows = [row async for row in rows_of(self._traces, _of_day(start), told)]
        by_tenant: dict[str, list[TraceRow]] = {}
        for row in rows:
            by_tenant.setdefault(row.tenant, []).append(row)
        for tenant, theirs in by_tenant.items():
            await self._days.put(Day(tenant=tenant, start_ns=start, lines=tuple(lines_of(theirs))))
        await self._counts.put(Counted(start_ns=start, at_ns=now, traces=len(rows)))


def lines_of(rows: Iterable[TraceRow]) -> list[Line]:
    """Return the lines of some rows. What was wasted stands on lines of its own, and not on the others."""
    sums: dict[Line, _Sum] = {}
    for row in rows:
        place = Line(
            tenant=row.tenant,
            app=row.app,
            key=row.key,
            user=row.user,
            feature=row.feature,
            model=row.model,
            provider=row.provider,
            deployment=row.deployment,
            definition=row.definition,
            release=row.release,
            environment=row.environment,
            purpose=row.purpose,
        )
        found = sums.setdefault(place, _Sum())
        found.add(row)
        if row.waste:
            sums.setdefault(place.but(purpose="waste"), _Sum()).cost += row.waste
    return [found.on(place) for place, found in sums.items()]


_PLACE = tuple(name for name in Line.__struct_fields__ if isinstance(getattr(Line(), name), str))


def folded(lines: Iterable[Line], by: Sequence[str]) -> list[Line]:
    """Return lines summed up over everything but the fields named."""
    sums: dict[Line, _Sum] = {}
    for line in lines:
        place = Line(**{name: getattr(line, name) for name in by})
        sums.setdefault(place, _Sum()).take(line)
    return [found.on(place) for place, found in sums.items()]


class _Sum:
    """What is added up for one line."""

    __slots__ = ("cached", "calls", "cost", "failed", "input_tokens", "output_tokens", "unpriced")

    def __init__(self) -> None:
        self.calls = self.failed = self.cached = self.input_tokens = self.output_tokens = self.unpriced = 0
        self.cost = _NOTHING

    def add(self, row: TraceRow) -> None:
        self.calls += 1
        self.failed += row.status == "failed"
        self.cached += row.source == "cache"
        self.input_tokens += row.input_tokens
        self.output_tokens += row.output_tokens
        if row.cost is None:
            self.unpriced += 1
        else:
            self.cost += row.cost - row.waste

    def take(self, line: Line) -> None:
        self.calls += line.calls
        self.failed += line.failed
        self.cached += line.cached
        self.input_tokens += line.input_tokens
        self.output_tokens += line.output_tokens
        self.unpriced += line.unpriced
        self.cost += line.cost

    def on(self, place: Line) -> Line:
        return place.but(
            calls=self.calls,
            failed=self.failed,
            cached=self.cached,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            unpriced=self.unpriced,
            cost=self.cost,
        )


def _of_day(start: int) -> TraceFilter:
    return TraceFilter(since_ns=start, until_ns=start + DAY_NS)


def _described_day(day: Day) -> Record:
    return Record(kind="", id=f"{named(day.start_ns)} {day.tenant}", tenant=day.tenant, at_ns=day.start_ns)


def _described_count(one: Counted) -> Record:
    return Record(kind="", id=named(one.start_ns), tenant="", at_ns=one.start_ns)
