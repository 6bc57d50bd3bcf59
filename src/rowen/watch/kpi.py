"""Indicators of success: what each query computes, and how the automatic score behind it hangs together with it."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from math import fsum
from typing import Literal

from rowen.evaluate.statistics import pearson, spearman
from rowen.store.base import Bucket, GroupBy, ScoreFilter, Store, TraceFilter
from rowen.store.paged import scores_in, traces_in
from rowen.values import Value
from rowen.values.errand import reserved
from rowen.values.interval import Interval, mean, wilson
from rowen.watch.base import KpiTable, Objectives
from rowen.watch.bound import bound
from rowen.watch.budget import nps
from rowen.watch.incident import Drill, Incident
from rowen.watch.sli import number_of
from rowen.watch.window import DAY_NS


class Figure(Value, frozen=True, kw_only=True):
    """What an indicator came to, with its interval, and what it is made of."""

    estimate: Interval | None = None
    parts: dict[str, float] = {}
    """Further figures by name: rates by bucket of latency, numbers of users."""
    note: str = ""


class Tile(Value, frozen=True, kw_only=True):
    """One indicator with its place in the tree: the objectives and the score that should move it."""

    name: str
    about: str = ""
    group: str = ""
    direction: Literal["up", "down"] = "up"
    figure: Figure
    before: Figure
    """The same over the window before."""
    met: bool | None = None
    slos: tuple[str, ...] = ()
    linked: bool = True
    """Whether an objective stands behind it."""
    score: str = ""
    correlation: Interval | None = None
    """Pearson's, between the automatic score and the indicator."""
    ranks: Interval | None = None
    """Spearman's."""
    pairs: Literal["", "trace", "day"] = ""
    """What was paired: both judged the same trace, or means of a day."""


class Ask(Value, frozen=True, kw_only=True):
    """Of which app, for whom and over which time an indicator is asked."""

    app: str
    tenant: str | None = None
    since_ns: int
    until_ns: int


MOST = 20_000
"""Calls, or scores, that an indicator reads at most, the newest: it is asked for while somebody waits."""

_Query = Callable[[Store, Ask], Awaitable[Figure]]


async def tile(store: Store, objectives: Objectives, name: str, table: KpiTable, ask: Ask) -> Tile:
    """Return one indicator over a window, the window before, and its correlation with the score behind it."""
    length = ask.until_ns - ask.since_ns
    now = await figure(store, table.query, ask)
    before = await figure(store, table.query, ask.but(since_ns=ask.since_ns - length, until_ns=ask.since_ns))
    behind = [objectives.watch[each] for each in table.slo if each in objectives.watch]
    score = table.score or next((slo.score_name for slo in behind if slo.kind.source == "score"), "")
    answers = _score_of(table.query)
    xs: Sequence[float] = ()
    ys: Sequence[float] = ()
    pairs: Literal["", "trace", "day"] = ""
    if score and answers and score != answers:
        pairs, xs, ys = await _pairs(store, score, answers, ask)
    value = None if now.estimate is None else now.estimate.value
    return Tile(
        name=name,
        about=table.about,
        group=table.group,
        direction=table.direction,
        figure=now,
        before=before,
        met=None if table.target == "" or value is None else bound(table.target).holds(Decimal(repr(value))),
        slos=table.slo,
        linked=bool(behind),
        score=score,
        correlation=pearson(xs, ys),
        ranks=spearman(xs, ys),
        pairs=pairs,
    )


async def figure(store: Store, query: str, ask: Ask) -> Figure:
    """Return what a query came to; a figure with a note where nobody knows the query."""
    kind, _, name = query.partition(":")
    if kind == "score" and name:
        return await _score(store, ask, name)
    if kind == "reported" and name:
        return await _reported(store, ask, name)
    known = QUERIES.get(query)
    if known is None:
        return Figure(note=f"there is no query {query!r}")
    found = await known(store, ask)
    if query in _READS_ALL and found.estimate is not None and found.estimate.n >= MOST:
        return found.but(note=f"of the newest {MOST}; there are more")
    return found


async def _score(store: Store, ask: Ask, name: str) -> Figure:
    return Figure(estimate=mean(await _numbers(store, ask, name)))


async def _reported(store: Store, ask: Ask, measure: str) -> Figure:
    cells = await store.measures.find(
        ask.app, f"reported/{measure}", tenant=ask.tenant, since_ns=ask.since_ns, until_ns=ask.until_ns
    )
    if not cells:
        return Figure()
    total = sum(cell.total for cell in cells)
    return Figure(
        estimate=mean([cell.sum / cell.total for cell in cells if cell.total]),
        parts={"last": cells[-1].sum / max(1, cells[-1].total), "reports": float(total)},
    )


async def _csat(store: Store, ask: Ask) -> Figure:
    numbers = await _numbers(store, ask, "csat")
    return Figure(estimate=wilson(sum(1 for number in numbers if number >= 4), len(numbers)))


async def _nps(store: Store, ask: Ask) -> Figure:
    numbers = await _numbers(store, ask, "nps")
    if not numbers:
        return Figure()
    promoters = sum(1 for number in numbers if number >= 9)
    detractors = sum(1 for number in numbers if number <= 6)
    parts = {"promoters": float(promoters), "detractors": float(detractors), "mean_0_10": fsum(numbers) / len(numbers)}
    return Figure(estimate=nps(promoters, detractors, len(numbers)), parts=parts)


async def _csat_by_outage(store: Store, ask: Ask) -> Figure:
    """Satisfaction inside of incidents and outside of them."""
    incidents = [
        each for each in await Incident.shelf(store.records).find(app=ask.app, tenant=ask.tenant) if each.outage
    ]
    inside: list[float] = []
    outside: list[float] = []
    filter_ = ScoreFilter(tenant=ask.tenant, app=ask.app, name="csat", since_ns=ask.since_ns, until_ns=ask.until_ns)
    async for score in scores_in(store.scores, filter_, MOST):
        number = number_of(score)
        if number is not None:
            during = any(each.began_ns <= score.judged_ns < (each.ended_ns or ask.until_ns) for each in incidents)
            (inside if during else outside).append(number)
    estimates = {
        place: wilson(sum(1 for number in numbers if number >= 4), len(numbers))
        for place, numbers in (("inside", inside), ("outside", outside))
    }
    parts = {place: found.value for place, found in estimates.items() if found.value is not None}
    both = [*inside, *outside]
    return Figure(
        estimate=wilson(sum(1 for number in both if number >= 4), len(both)),
        parts={**parts, "n_inside": float(len(inside)), "n_outside": float(len(outside))},
    )


async def _error_rate(store: Store, ask: Ask) -> Figure:
    buckets = await _traffic(store, ask)
    calls, failed = sum(each.calls for each in buckets), sum(each.failed for each in buckets)
    return Figure(estimate=wilson(failed, calls), parts={"calls": float(calls), "failed": float(failed)})


async def _response_time(store: Store, ask: Ask) -> Figure:
    totals: list[float] = []
    firsts: list[float] = []
    filter_ = TraceFilter(tenant=ask.tenant, app=ask.app, since_ns=ask.since_ns, until_ns=ask.until_ns)
    async for row in traces_in(store.traces, filter_, MOST):
        if row.status == "ok" and not row.within and row.users:
            totals.append(row.duration_ns / 1e9)
            if row.first_ns is not None:
                firsts.append(row.first_ns / 1e9)
    parts = {"first_token": fsum(firsts) / len(firsts)} if firsts else {}
    return Figure(estimate=mean(totals), parts=parts)


BANDS = ((0.0, 1.0), (1.0, 3.0), (3.0, 10.0), (10.0, float("inf")))
"""Seconds that a user waited, by which abandonment is told."""


async def _abandonment(store: Store, ask: Ask) -> Figure:
    """The share of calls that the user did not wait for, and the same by how long they waited."""
    gone: dict[tuple[float, float], int] = defaultdict(int)
    all_: dict[tuple[float, float], int] = defaultdict(int)
    filter_ = TraceFilter(tenant=ask.tenant, app=ask.app, since_ns=ask.since_ns, until_ns=ask.until_ns)
    async for row in traces_in(store.traces, filter_, MOST):
        if not row.users:
            continue
        seconds = row.duration_ns / 1e9
        band = next(each for each in BANDS if each[0] <= seconds < each[1])
        all_[band] += 1
        gone[band] += row.status == "cancelled"
    parts = {f"{band[0]:g}-{band[1]:g}s": gone[band] / all_[band] for band in BANDS if all_[band]}
    return Figure(estimate=wilson(sum(gone.values()), sum(all_.values())), parts=parts)


async def _churn(store: Store, ask: Ask) -> Figure:
    """The share of the users of the window before who did not come back in this one."""
    length = ask.until_ns - ask.since_ns
    now = await _users(store, ask)
    before = await _users(store, ask.but(since_ns=ask.since_ns - length, until_ns=ask.since_ns))
    lost = before - now
    return Figure(
        estimate=wilson(len(lost), len(before)),
        parts={
            "active": float(len(now)),
            "returning": float(len(now & before)),
            "new": float(len(now - before)),
            "churned": float(len(lost)),
        },
    )


async def _active_users(store: Store, ask: Ask) -> Figure:
    return Figure(estimate=_counted(len(await _users(store, ask))))


async def _cost_per_call(store: Store, ask: Ask) -> Figure:
    buckets = await _buckets(store, ask, DAY_NS)
    priced = [(float(each.cost), each.calls - each.unpriced) for each in buckets if each.calls > each.unpriced]
    calls = sum(number for _, number in priced)
    if not calls:
        return Figure(note="no call had a known price")
    cost = fsum(each for each, _ in priced) / calls
    daily = mean([each / number for each, number in priced])
    return Figure(
        estimate=daily.but(value=cost),
        parts={"calls": float(calls), "cost": fsum(each for each, _ in priced)},
        note="the interval is that of the days",
    )


async def _data_quality(store: Store, ask: Ask) -> Figure:
    """The share of calls whose record is whole: it ended, it has content, its price and its user are known."""
    whole = total = 0
    filter_ = TraceFilter(tenant=ask.tenant, app=ask.app, since_ns=ask.since_ns, until_ns=ask.until_ns)
    lacks: dict[str, float] = defaultdict(float)
    async for row in traces_in(store.traces, filter_, MOST):
        if not row.users:
            continue
        total += 1
        missing = {
            "root": not row.complete,
            "price": row.status == "ok" and row.cost is None,
            "answer": row.status == "ok" and not row.said and not row.output_tokens,
            "user": not row.user,
        }
        whole += not any(missing.values())
        for name, lacking in missing.items():
            lacks[f"without_{name}"] += lacking
    return Figure(estimate=wilson(whole, total), parts=dict(lacks))


async def _evaluation_coverage(store: Store, ask: Ask) -> Figure:
    """The share of calls that at least one score judged."""
    calls = sum(each.calls for each in await _traffic(store, ask))
    judged: set[str] = set()
    read = 0
    filter_ = ScoreFilter(tenant=ask.tenant, app=ask.app, since_ns=ask.since_ns, until_ns=ask.until_ns)
    async for score in scores_in(store.scores, filter_, MOST):
        read += 1
        if score.trace:
            judged.add(score.trace)
    return Figure(
        estimate=wilson(min(len(judged), calls), calls),
        parts={"judged": float(len(judged))},
        note="at least: not all scores were read" if read >= MOST else "",
    )


async def _recovery_time(store: Store, ask: Ask) -> Figure:
    """Seconds from the beginning to the end of incidents and drills that ended in the window."""
    incidents = await Incident.shelf(store.records).find(app=ask.app, tenant=ask.tenant)
    drills = await Drill.shelf(store.records).find(app=ask.app, tenant=ask.tenant)
    times = [each.seconds for each in drills if ask.since_ns <= each.at_ns < ask.until_ns]
    times += [
        (each.ended_ns - each.began_ns) / 1e9
        for each in incidents
        if each.ended_ns and ask.since_ns <= each.ended_ns < ask.until_ns
    ]
    return Figure(estimate=mean(times), parts={"worst": max(times)} if times else {})


QUERIES: dict[str, _Query] = {
    "csat": _csat,
    "nps": _nps,
    "csat_by_outage": _csat_by_outage,
    "error_rate": _error_rate,
    "response_time": _response_time,
    "abandonment": _abandonment,
    "churn": _churn,
    "active_users": _active_users,
    "cost_per_call": _cost_per_call,
    "data_quality": _data_quality,
    "evaluation_coverage": _evaluation_coverage,
    "recovery_time": _recovery_time,
}

_READS_ALL = ("csat", "nps", "csat_by_outage", "response_time", "abandonment", "data_quality")

BUILT_IN: dict[str, KpiTable] = {
    "data_quality": KpiTable(query="data_quality", group="data quality", about="Calls whose record is whole."),
    "evaluation_coverage": KpiTable(
        query="evaluation_coverage", group="evaluation coverage", about="Calls that were judged at all."
    ),
    "cost_per_call": KpiTable(
        query="cost_per_call", group="cost per unit of work", direction="down", about="US dollars of a call."
    ),
}
"""What every app has without being told: the three causes for which projects are given up."""


async def _numbers(store: Store, ask: Ask, name: str) -> list[float]:
    filter_ = ScoreFilter(tenant=ask.tenant, app=ask.app, name=name, since_ns=ask.since_ns, until_ns=ask.until_ns)
    return [n async for score in scores_in(store.scores, filter_, MOST) if (n := number_of(score)) is not None]


async def _buckets(store: Store, ask: Ask, every_ns: int, by: GroupBy = "") -> list[Bucket]:
    return await store.traces.buckets(
        tenant=ask.tenant, since_ns=ask.since_ns, until_ns=ask.until_ns, every_ns=every_ns, by=by, app=ask.app
    )


async def _traffic(store: Store, ask: Ask) -> list[Bucket]:
    """Return the sums over the window by feature, without those of Rowen's own calls."""
    found = await _buckets(store, ask, ask.until_ns - ask.since_ns, "feature")
    return [each for each in found if not reserved(each.group)]


async def _users(store: Store, ask: Ask) -> set[str]:
    return {each.group for each in await _buckets(store, ask, DAY_NS, "user") if each.group}


def _counted(number: float) -> Interval:
    return Interval(value=number, low=number, high=number, n=round(number), method="normal")


def _score_of(query: str) -> str:
    """Return the score that a query is about, where it is about one."""
    return {"csat": "csat", "csat_by_outage": "csat", "nps": "nps"}.get(query, query.partition("score:")[2])


async def _pairs(
    store: Store, score: str, answers: str, ask: Ask
) -> tuple[Literal["trace", "day"], Sequence[float], Sequence[float]]:
    """Return what the automatic score and the people said of the same traces; of the same days where that is too few."""
    by_trace: tuple[dict[str, float], dict[str, float]] = ({}, {})
    by_day: tuple[dict[int, list[float]], dict[int, list[float]]] = (defaultdict(list), defaultdict(list))
    for side, name in enumerate((score, answers)):
        filter_ = ScoreFilter(tenant=ask.tenant, app=ask.app, name=name, since_ns=ask.since_ns, until_ns=ask.until_ns)
        async for each in scores_in(store.scores, filter_, MOST):
            number = number_of(each)
            if number is not None:
                by_day[side][each.judged_ns // DAY_NS].append(number)
                if each.trace:
                    by_trace[side][each.trace] = number
    both = sorted(by_trace[0].keys() & by_trace[1].keys())
    if len(both) >= 10:
        return "trace", [by_trace[0][id] for id in both], [by_trace[1][id] for id in both]
    days = sorted(by_day[0].keys() & by_day[1].keys())
    return (
        "day",
        [fsum(by_day[0][day]) / len(by_day[0][day]) for day in days],
        [fsum(by_day[1][day]) / len(by_day[1][day]) for day in days],
    )
