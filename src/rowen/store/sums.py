"""Sums over traces: what a Bucket is made of, and the histograms in it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import floor, log

import msgspec

from rowen.store.base import DAY_NS, Bucket, GroupBy, SpanBucket
from rowen.store.spend import SPENDING
from rowen.values import SpanRow, TraceRow

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS

CHARTED: tuple[GroupBy, ...] = ("", "model")
"""What the charts of traces are most drawn by: sums over hours and days are kept by each of them alone."""

_NOTHING = Decimal(0)
_STEP = log(1.05)
_SHORTEST_MS = 0.001  # a duration of nothing has no logarithm


def bin_of(duration_ns: int) -> int:
    """Return the histogram index of a duration: index i holds [1.05**i, 1.05**(i+1)) milliseconds, below 1 ms i < 0."""
    return floor(log(max(duration_ns / 1e6, _SHORTEST_MS)) / _STEP)


def whole_minutes(since_ns: int, until_ns: int, every_ns: int) -> tuple[int, int, int]:
    """Return a window widened to whole minutes, and the stretch rounded up to whole minutes, at least one."""
    since = since_ns // MINUTE_NS * MINUTE_NS
    until = -(-until_ns // MINUTE_NS) * MINUTE_NS
    every = max(1, -(-every_ns // MINUTE_NS)) * MINUTE_NS
    return since, until, every


class Sums(msgspec.Struct, array_like=True):
    """Sums that rows of traces are added to and taken from, and that add to one another."""

    calls: int = 0
    failed: int = 0
    refused: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    unpriced: int = 0
    cost: Decimal = _NOTHING
    waste: Decimal = _NOTHING
    durations: dict[int, int] = {}
    firsts: dict[int, int] = {}

    @property
    def some(self) -> bool:
        """Whether any row is in them."""
        return bool(self.calls)

    def count(self, row: TraceRow, sign: int = 1) -> None:
        """Add a row, or take it away with `sign=-1`."""
        self.calls += sign
        if row.status == "failed":
            self.failed += sign
        elif row.status == "refused":
            self.refused += sign
        if row.source == "cache":
            self.cached += sign
        self.input_tokens += sign * row.input_tokens
        self.output_tokens += sign * row.output_tokens
        if row.cost is None:
            self.unpriced += sign
        elif row.cost:
            self.cost += sign * row.cost
        if row.waste:
            self.waste += sign * row.waste
        _time(self.durations, row.duration_ns, sign)
        if row.first_ns is not None:
            _time(self.firsts, row.first_ns, sign)

    def take(self, other: "Sums") -> None:
        """Add other sums to these."""
        self.calls += other.calls
        self.failed += other.failed
        self.refused += other.refused
        self.cached += other.cached
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.unpriced += other.unpriced
        if other.cost:
            self.cost += other.cost
        if other.waste:
            self.waste += other.waste
        _merge(self.durations, other.durations)
        _merge(self.firsts, other.firsts)

    @classmethod
    def of(cls, bucket: Bucket) -> "Sums":
        """Return the sums that a value has, to read and to add to others."""
        return cls(*(getattr(bucket, name) for name in cls.__struct_fields__))

    def bucket(self, start_ns: int, group: str) -> Bucket:
        """Return the sums as a value."""
        return Bucket(
            start_ns=start_ns,
            group=group,
            calls=self.calls,
            failed=self.failed,
            refused=self.refused,
            cached=self.cached,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cost=self.cost,
            waste=self.waste,
            unpriced=self.unpriced,
            durations=self.durations,
            firsts=self.firsts,
        )


Alike = tuple[str, int, str, str]
"""Tenant, when the hour begins, app and model."""

Chart = tuple[str, int, str, int, str, str]
"""Tenant, the length of the sums, by what they are kept, when they begin, app, and the name within what they are kept by."""


def charts(changes: Iterable[tuple[TraceRow, int]]) -> dict[Chart, Sums]:
    """Return what rows that came (sign 1) and went (-1) change of the sums for charts, in the order of their places."""
    alike: dict[Alike, Sums] = {}
    for row, sign in changes:
        what = (row.tenant, row.started_ns // HOUR_NS * HOUR_NS, row.app, row.model)
        sums = alike.get(what)
        if sums is None:
            sums = alike[what] = Sums()
        sums.count(row, sign)
    return charted(alike)


def charted(alike: Mapping[Alike, Sums]) -> dict[Chart, Sums]:
    """Return what sums over hours change of the sums for charts, in the order of their places."""
    found: dict[Chart, Sums] = {}
    for (tenant, hour, app, model), some in alike.items():
        for by in CHARTED:
            found.setdefault((tenant, HOUR_NS, by, hour, app, model if by else ""), Sums()).take(some)
    days: dict[Chart, Sums] = {}
    for (tenant, _, kept, hour, app, name), sums in found.items():
        days.setdefault((tenant, DAY_NS, kept, hour // DAY_NS * DAY_NS, app, name), Sums()).take(sums)
    found |= days
    return {place: found[place] for place in sorted(found)}


class SpanSums(msgspec.Struct, array_like=True):
    """Sums that rows of spans are added to and taken from, and that add to one another."""

    count: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    unpriced: int = 0
    cost: Decimal = _NOTHING
    durations: dict[int, int] = {}
    firsts: dict[int, int] = {}

    @property
    def some(self) -> bool:
        """Whether any row is in them."""
        return bool(self.count)

    def tell(self, row: SpanRow, sign: int = 1) -> None:
        """Add a row, or take it away with `sign=-1`."""
        self.count += sign
        if row.status == "error":
            self.errors += sign
        if row.type in SPENDING:
            self.input_tokens += sign * row.input_tokens
            self.output_tokens += sign * row.output_tokens
            self.cached_tokens += sign * row.cached_tokens
            self.reasoning_tokens += sign * row.reasoning_tokens
            if row.cost is not None:
                self.cost += sign * row.cost
            elif row.input_tokens or row.output_tokens:
                self.unpriced += sign
        _time(self.durations, row.duration_ns, sign)
        if row.first_ns is not None:
            _time(self.firsts, row.first_ns, sign)

    def take(self, other: "SpanSums") -> None:
        """Add other sums to these."""
        self.count += other.count
        self.errors += other.errors
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cached_tokens += other.cached_tokens
        self.reasoning_tokens += other.reasoning_tokens
        self.unpriced += other.unpriced
        self.cost += other.cost
        _merge(self.durations, other.durations)
        _merge(self.firsts, other.firsts)

    def bucket(self, start_ns: int, group: str) -> SpanBucket:
        """Return the sums as a value."""
        return SpanBucket(
            start_ns=start_ns,
            group=group,
            count=self.count,
            errors=self.errors,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cached_tokens=self.cached_tokens,
            reasoning_tokens=self.reasoning_tokens,
            cost=self.cost,
            unpriced=self.unpriced,
            durations=self.durations,
            firsts=self.firsts,
        )


def _time(bins: dict[int, int], ns: int, sign: int) -> None:
    index = bin_of(ns)
    number = bins.get(index, 0) + sign
    if number:
        bins[index] = number
    else:
        del bins[index]


def _merge(mine: dict[int, int], more: Mapping[int, int]) -> None:
    """Add a histogram to another; bins that become empty are left out."""
    for index, number in more.items():
        total = mine.get(index, 0) + number
        if total:
            mine[index] = total
        else:
            mine.pop(index, None)
