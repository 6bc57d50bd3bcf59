"""What a stretch of time comes to: counts, shares with their intervals, percentiles, and a cost that may be unknown."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from rowen.store.base import Bucket
from rowen.values.interval import wilson
from rowen.web.said import said_money


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What a stretch of time comes to."""

    name: str
    link: str
    """Where its traces are listed."""
    calls: int
    failed: int
    refused: int
    cached: int
    tokens: int
    cost: Decimal
    waste: Decimal
    unpriced: int
    p50: float | None
    p95: float | None
    first: float | None
    firsts: int
    """How many calls had a first token, the n of its median."""

    @property
    def asked(self) -> int:
        """Calls that were not refused; a refusal is the caller's business and counts neither way."""
        return self.calls - self.refused

    @property
    def answered(self) -> "Share":
        """How many of those did not fail."""
        return Share.of(self.asked - self.failed, self.asked)

    @property
    def broken(self) -> "Share":
        """How many of those failed."""
        return Share.of(self.failed, self.asked)

    @property
    def from_cache(self) -> "Share":
        """How many of those the cache answered."""
        return Share.of(self.cached, self.asked)

    @property
    def said_cost(self) -> str:
        """The cost in words. What is not known is never told as nothing: `unknown`, or the known part as `≥ $1.20`."""
        if not self.calls:
            return "–"
        if self.unpriced and not self.cost:
            return "unknown"
        return f"≥ {said_money(self.cost)}" if self.unpriced else said_money(self.cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a whole with its 95 % interval. Without a whole there is no share."""

    part: int
    whole: int
    low: float
    high: float

    @classmethod
    def of(cls, part: int, whole: int) -> "Share":
        """Return the share with its Wilson interval."""
        found = wilson(part, whole)
        return cls(part=part, whole=whole, low=found.low, high=found.high)

    @property
    def percent(self) -> str:
        """The share itself."""
        return f"{self.part / self.whole * 100:.{self._digits}f} %" if self.whole else "–"

    @property
    def interval(self) -> str:
        """The interval around it."""
        digits = self._digits
        return f"{self.low * 100:.{digits}f}–{self.high * 100:.{digits}f} %" if self.whole else "no calls"

    @property
    def _digits(self) -> int:
        return 1 if self.high - self.low > 0.01 else 2


def summed(name: str, buckets: Iterable[Bucket], link: str = "") -> Sums:
    """Return the sums over some buckets, with percentiles from their histograms."""
    buckets = list(buckets)
    durations = _merged(each.durations for each in buckets)
    firsts = _merged(each.firsts for each in buckets)
    return Sums(
        name=name,
        link=link,
        calls=sum(each.calls for each in buckets),
        failed=sum(each.failed for each in buckets),
        refused=sum(each.refused for each in buckets),
        cached=sum(each.cached for each in buckets),
        tokens=sum(each.input_tokens + each.output_tokens for each in buckets),
        cost=sum((each.cost for each in buckets), Decimal(0)),
        waste=sum((each.waste for each in buckets), Decimal(0)),
        unpriced=sum(each.unpriced for each in buckets),
        p50=quantile(durations, 0.5),
        p95=quantile(durations, 0.95),
        first=quantile(firsts, 0.5),
        firsts=firsts.total(),
    )


def quantile(histogram: Counter[int], share: float) -> float | None:
    """Return a quantile in nanoseconds of a histogram whose bucket `i` holds [1.05**i, 1.05**(i+1)) milliseconds.

    The middle of the bucket is given, so the error is at most 2.5 %.
    """
    total = histogram.total()
    if not total:
        return None
    seen = 0
    for index in sorted(histogram):
        seen += histogram[index]
        if seen >= share * total:
            return float(1.05 ** (index + 0.5) * 1e6)
    return None


def _merged(histograms: Iterable[dict[int, int]]) -> Counter[int]:
    merged: Counter[int] = Counter()
    for histogram in histograms:
        merged.update(histogram)
    return merged
