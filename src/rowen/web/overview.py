"""The overview: traffic, errors, latency, cost, top models over a stretch of time."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt

from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.store.base import Bucket, TraceFilter
from rowen.values import TraceRow, at
from rowen.web.charts import Series, bars, curves
from rowen.web.page import Page, Services, tenant_of

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
    low: float
    high: float

    @property
    def good(self) -> float:
        """Share of calls that did not fail; refusals are the caller's business."""
        return 1 - self.failed / self.calls if self.calls else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything on the overview page."""

    title: str
    base: str
    range: str
    ranges: tuple[str, ...]
    total: Sums
    traffic: Markup
    latency: Markup
    cost: Markup
    rows: Sequence[Sums]
    models: Sequence[Sums]
    failures: Sequence[TraceRow]


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
    slots = [known.get(start, Bucket(start_ns=start)) for start in range(since, until, every)]
    rows = [summed(at(slot.start_ns).strftime(format_), [slot]) for slot in slots]
    labels = [row.name for row in rows]
    names = sorted({bucket.group for bucket in by_model})
    models = [summed(name, [bucket for bucket in by_model if bucket.group == name]) for name in names]
    return Page(
        template="overview/page.html",
        context=Overview(
            title="Overview",
            base=str(request.base_url).rstrip("/"),
            range=chosen,
            ranges=tuple(RANGES),
            total=summed("all", buckets),
            traffic=bars(labels, _layers(rows), f"Calls in the last {chosen}"),
            latency=curves(
                labels,
                (
                    Series(kind="p50", name="p50", values=[_in_ms(row.p50) for row in rows]),
                    Series(kind="p95", name="p95", values=[_in_ms(row.p95) for row in rows]),
                ),
                f"Latency in the last {chosen}",
                " ms",
            ),
            cost=bars(
                labels,
                (
                    Series(kind="cost", name="used", values=[float(row.cost - row.waste) for row in rows]),
                    Series(kind="waste", name="waste", values=[float(row.waste) for row in rows]),
                ),
                f"Cost in the last {chosen}",
                " $",
            ),
            rows=[row for row in rows if row.calls],
            models=sorted(models, key=lambda row: -row.calls)[:12],
            failures=failures,
        ),
    )


def summed(name: str, buckets: Iterable[Bucket]) -> Sums:
    """Return the sums over some buckets, with percentiles from their histograms and an interval for the good share."""
    buckets = list(buckets)
    calls = sum(each.calls for each in buckets)
    failed = sum(each.failed for each in buckets)
    durations = _merged(each.durations for each in buckets)
    firsts = _merged(each.firsts for each in buckets)
    low, high = wilson(calls - failed, calls)
    return Sums(
        name=name,
        calls=calls,
        failed=failed,
        refused=sum(each.refused for each in buckets),
        cached=sum(each.cached for each in buckets),
        tokens=sum(each.input_tokens + each.output_tokens for each in buckets),
        cost=sum((each.cost for each in buckets), Decimal(0)),
        waste=sum((each.waste for each in buckets), Decimal(0)),
        unpriced=sum(each.unpriced for each in buckets),
        p50=quantile(durations, 0.5),
        p95=quantile(durations, 0.95),
        first=quantile(firsts, 0.5),
        low=low,
        high=high,
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


def _in_ms(ns: float | None) -> float | None:
    return None if ns is None else ns / 1e6
