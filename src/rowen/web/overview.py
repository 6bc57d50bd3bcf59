"""The overview: traffic, errors, latency, cost, top models over a stretch of time."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.store.base import Bucket, TraceFilter
from rowen.values import TraceRow, at
from rowen.web.charts import Series, Slot, bars, curves, share
from rowen.web.page import Page, Services, said_count, said_money, tenant_of

_MINUTE = 60_000_000_000
RANGES = {
    "1h": (60 * _MINUTE, _MINUTE, "%H:%M"),
    "24h": (1440 * _MINUTE, 30 * _MINUTE, "%H:%M"),
    "7d": (7 * 1440 * _MINUTE, 240 * _MINUTE, "%a %H:%M"),
    "30d": (30 * 1440 * _MINUTE, 1440 * _MINUTE, "%d %b"),
}


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
        low, high = wilson(part, whole)
        return cls(part=part, whole=whole, low=low, high=high)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything on the overview page."""

    title: str
    base: str
    range: str
    ranges: tuple[str, ...]
    since: str
    total: Sums
    traffic: Markup
    latency: Markup
    cost: Markup
    rows: Sequence[Sums]
    models: Sequence["Ranked"]
    failures: Sequence[TraceRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One model in the order of calls, with a bar that compares it."""

    sums: Sums
    bar: Markup


async def overview(request: Request, services: Services, visit: Visit) -> Page:
    """The first page: is it alive, is it good, what does it cost."""
    chosen = request.query_params.get("range", "24h")
    chosen = chosen if chosen in RANGES else "24h"
    length, every, format_ = RANGES[chosen]
    now = services.clock.now_ns()
    until = (now // every + 1) * every
    since = until - length
    tenant = tenant_of(visit)
    buckets = await services.traces.buckets(tenant=tenant, since_ns=since, until_ns=until, every_ns=every)
    by_model = await services.traces.buckets(tenant=tenant, since_ns=since, until_ns=until, every_ns=length, by="model")
    failures = await services.traces.find(TraceFilter(tenant=tenant, status="failed", since_ns=since, limit=5))
    known = {bucket.start_ns: bucket for bucket in buckets}
    rows = [
        summed(at(start).strftime(format_), [known.get(start, Bucket(start_ns=start))], _between(start, every))
        for start in range(since, until, every)
    ]
    models = sorted(_by_group(by_model, since), key=lambda row: -row.calls)
    slots = [Slot(name=row.name, link=row.link if row.calls else "") for row in rows]
    return Page(
        template="overview/page.html",
        context=Overview(
            title="Overview",
            base=str(request.base_url).rstrip("/"),
            range=chosen,
            ranges=tuple(RANGES),
            since=at(since).strftime("%Y-%m-%d %H:%M"),
            total=summed("all", buckets),
            traffic=bars(slots, _layers(rows), f"Calls in the last {chosen}", _said_whole),
            latency=curves(
                slots,
                (
                    Series(kind="p50", name="median", values=[row.p50 for row in rows]),
                    Series(kind="p95", name="p95", values=[row.p95 for row in rows]),
                ),
                f"Latency in the last {chosen}",
                _said_time,
            ),
            cost=bars(
                slots,
                (
                    Series(kind="cost", name="used", values=[float(row.cost - row.waste) for row in rows]),
                    Series(kind="waste", name="waste", values=[float(row.waste) for row in rows]),
                ),
                f"Cost in the last {chosen}",
                _said_dollars,
            ),
            rows=[row for row in reversed(rows) if row.calls],
            models=[Ranked(sums=row, bar=share(row.calls, models[0].calls)) for row in models[:12]],
            failures=failures,
        ),
    )


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


def wilson(good: int, calls: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share (Wilson 1927)."""
    if not calls:
        return 0.0, 1.0
    share = good / calls
    middle = share + z * z / (2 * calls)
    half = z * sqrt(share * (1 - share) / calls + z * z / (4 * calls * calls))
    scale = 1 + z * z / calls
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def _layers(rows: Sequence[Sums]) -> tuple[Series, ...]:
    def values(of: Callable[[Sums], int]) -> list[float]:
        return [float(of(row)) for row in rows]

    return (
        Series(kind="ok", name="answered", values=values(lambda r: r.calls - r.failed - r.refused - r.cached)),
        Series(kind="cached", name="from cache", values=values(lambda r: r.cached)),
        Series(kind="refused", name="refused", values=values(lambda r: r.refused)),
        Series(kind="failed", name="failed", values=values(lambda r: r.failed)),
    )


def _merged(histograms: Iterable[dict[int, int]]) -> Counter[int]:
    merged: Counter[int] = Counter()
    for histogram in histograms:
        merged.update(histogram)
    return merged


def _by_group(buckets: Sequence[Bucket], since: int) -> list[Sums]:
    names = sorted({bucket.group for bucket in buckets})
    return [
        summed(
            name,
            [bucket for bucket in buckets if bucket.group == name],
            f"/traces?{urlencode({'model': name, 'since_ns': since})}" if name else f"/traces?since_ns={since}",
        )
        for name in names
    ]


def _between(start: int, length: int) -> str:
    return f"/traces?since_ns={start}&until_ns={start + length}"


def _said_whole(value: float) -> str:
    """A count; there is no half call, so a rule between two counts has no name."""
    return said_count(value) if value == int(value) else ""


def _said_dollars(value: float) -> str:
    """Dollars in three digits, cents at least."""
    amount = Decimal(f"{value:.3g}")
    digits = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"${amount:,.{digits}f}" if amount else "$0"


def _said_time(ns: float) -> str:
    """Nanoseconds in three digits, without idle noughts: what an axis has room for."""
    for size, unit in ((1e9, "s"), (1e6, "ms")):
        if ns >= size:
            return f"{float(f'{ns / size:.3g}'):,g} {unit}"
    return f"{ns / 1e3:.3g} µs" if ns else "0"
