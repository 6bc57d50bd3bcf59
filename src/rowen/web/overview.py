"""The overview: traffic, errors, latency, cost, top models over a stretch of time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.store.base import Bucket, TraceFilter
from rowen.store.together import find_traces
from rowen.values import TraceRow
from rowen.web.charts import Series, Slot, bars, curves, share
from rowen.web.page import Page, Services, address_with, api_call, tenant_of
from rowen.web.said import said_count
from rowen.web.scores import Named, of_value
from rowen.web.seen import alone, apps_of, offered
from rowen.web.stretch import Stretch, stretch_of
from rowen.web.sums import Sums, summed

_TILES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything on the overview page."""

    title: str
    base: str
    stretch: Stretch
    app: str
    """The app that it is about; empty for all that the reader sees."""
    apps: Sequence[str]
    good: Sequence[Named]
    """What says whether the answers were good, which comes before what they took."""
    good_more: int
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
    stretch = stretch_of(request, services.clock)
    since, until, every = stretch.since_ns, stretch.until_ns, stretch.every_ns
    tenant, apps = tenant_of(visit), apps_of(visit, request.query_params.get("app", ""))
    app = alone(apps)
    buckets: list[Bucket] = []
    by_model: list[Bucket] = []
    for one in apps:
        window = partial(services.traces.buckets, tenant=tenant, app=one, since_ns=since, until_ns=until)
        buckets += await window(every_ns=every)
        by_model += await window(every_ns=until - since, by="model")
    failed = TraceFilter(tenant=tenant, status="failed", since_ns=since, limit=5)
    failures = await find_traces(services.traces, failed, apps)
    good = await of_value(services, tenant, stretch, apps)
    known: dict[int, list[Bucket]] = {}
    for bucket in buckets:
        known.setdefault(bucket.start_ns, []).append(bucket)
    rows = [summed(stretch.said(start), known.get(start, []), _between(start, every, app)) for start in stretch.starts]
    models = sorted(_by_group(by_model, since, app), key=lambda row: -row.calls)
    slots = [Slot(name=row.name, link=row.link if row.calls else "") for row in rows]
    return Page(
        call=api_call(
            request,
            "/api/traces/stats",
            app=app,
            since_ns=str(stretch.since_ns),
            every_ns=str(max(stretch.every_ns, 1_000_000_000)),
        ),
        template="overview/page.html",
        context=Overview(
            title="Overview",
            base=str(request.base_url).rstrip("/"),
            stretch=stretch,
            app=app,
            apps=offered(visit, await services.traces.values("app", tenant)),
            good=good[:_TILES],
            good_more=max(0, len(good) - _TILES),
            total=summed("all", buckets),
            traffic=bars(slots, _layers(rows), f"Calls in the last {stretch.range}", _said_whole),
            latency=curves(
                slots,
                (
                    Series(kind="p50", name="median", values=[row.p50 for row in rows]),
                    Series(kind="p95", name="p95", values=[row.p95 for row in rows]),
                ),
                f"Latency in the last {stretch.range}",
                _said_time,
            ),
            cost=bars(
                slots,
                (
                    Series(kind="cost", name="used", values=[float(row.cost - row.waste) for row in rows]),
                    Series(kind="waste", name="waste", values=[float(row.waste) for row in rows]),
                ),
                f"Cost in the last {stretch.range}",
                _said_dollars,
            ),
            rows=[row for row in reversed(rows) if row.calls],
            models=[Ranked(sums=row, bar=share(row.calls, models[0].calls)) for row in models[:12]],
            failures=failures,
        ),
    )


def _layers(rows: Sequence[Sums]) -> tuple[Series, ...]:
    def values(of: Callable[[Sums], int]) -> list[float]:
        return [float(of(row)) for row in rows]

    return (
        Series(kind="ok", name="answered", values=values(lambda r: r.calls - r.failed - r.refused - r.cached)),
        Series(kind="cached", name="from cache", values=values(lambda r: r.cached)),
        Series(kind="refused", name="refused", values=values(lambda r: r.refused)),
        Series(kind="failed", name="failed", values=values(lambda r: r.failed)),
    )


def _by_group(buckets: Sequence[Bucket], since: int, app: str) -> list[Sums]:
    names = sorted({bucket.group for bucket in buckets})
    return [
        summed(
            name,
            [bucket for bucket in buckets if bucket.group == name],
            "/traces" + address_with({"model": name, "since_ns": str(since), "app": app}),
        )
        for name in names
    ]


def _between(start: int, length: int, app: str) -> str:
    return "/traces" + address_with({"since_ns": str(start), "until_ns": str(start + length), "app": app})


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
