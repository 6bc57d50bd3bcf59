"""Sums over traces: what a Bucket is made of, and the histograms in it."""

from collections.abc import Mapping
from decimal import Decimal
from math import floor, log

from rowen.store.base import Bucket
from rowen.values import TraceRow

MINUTE_NS = 60_000_000_000

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


class Sums:
    """Sums that rows are added to and taken from, and that add to one another."""

    __slots__ = (
        "cached",
        "calls",
        "cost",
        "durations",
        "failed",
        "firsts",
        "input_tokens",
        "output_tokens",
        "refused",
        "unpriced",
        "waste",
    )

    def __init__(self) -> None:
        self.calls = self.failed = self.refused = self.cached = self.unpriced = 0
        self.input_tokens = self.output_tokens = 0
        self.cost = self.waste = _NOTHING
        self.durations: dict[int, int] = {}
        self.firsts: dict[int, int] = {}

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
        index = bin_of(row.duration_ns)
        self.durations[index] = self.durations.get(index, 0) + sign
        if row.first_ns is not None:
            index = bin_of(row.first_ns)
            self.firsts[index] = self.firsts.get(index, 0) + sign

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
        self.merge(other.durations, other.firsts)

    def merge(self, durations: Mapping[int, int], firsts: Mapping[int, int]) -> None:
        """Add two histograms to these; bins that become empty are left out."""
        for mine, more in ((self.durations, durations), (self.firsts, firsts)):
            for index, number in more.items():
                total = mine.get(index, 0) + number
                if total:
                    mine[index] = total
                else:
                    mine.pop(index, None)

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
