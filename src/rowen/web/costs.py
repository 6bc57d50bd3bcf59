"""What was spent: by whom, on what and for what, day by day; what was unusual, and what other prices would come to."""

import asyncio
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.insight import focus
from rowen.insight.calendar import DAY_NS
from rowen.insight.desk import Window
from rowen.insight.forecast import Forecast
from rowen.insight.ledger import Asked, Dimension, Entry, total
from rowen.insight.worth import Worth
from rowen.values import Mistaken, Problem, Usage, at
from rowen.watch.finding import Finding
from rowen.watch.sli import SLIS
from rowen.web.budgets import Stands, budget_of, budgets_of
from rowen.web.charts import Mark, Series, Slot, bars, share
from rowen.web.forms import Fields, managed
from rowen.web.kept import Found
from rowen.web.page import HEADERS, Page, Services, address_with, api_call, may_manage, tenant_of
from rowen.web.said import said_money, said_sum
from rowen.web.stretch import Stretch

DAYS = {"7d": 7, "30d": 30, "90d": 90}
CUTS: tuple[Dimension, ...] = (
    "model",
    "app",
    "feature",
    "key",
    "user",
    "provider",
    "release",
    "environment",
    "purpose",
)
_FILTERS = {"model", "app", "feature", "key", "user", "provider", "release", "environment"}
"""What the list of traces can be narrowed by."""
_LAYERS = 5
_ROWS = 50
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What one of the cut spent over the whole stretch."""

    entry: Entry
    name: str
    kind: str
    said: str
    part: float
    bar: Markup
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """What one model's calls would have cost at another's price."""

    model: str
    other: str
    calls: int
    before: str
    after: Decimal | None
    """None when the price is not known."""
    change: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """All of it."""

    title: str
    stretch: Stretch
    app: str
    apps: Sequence[str]
    by: str
    cuts: Sequence[str]
    query: Mapping[str, str]
    sum: Entry
    said: str
    daily: str
    chart: Markup
    layers: Sequence[tuple[str, str]]
    groups: Sequence[Group]
    more: int
    rows: Sequence[tuple[str, Entry, str]]
    ahead: Found[Forecast]
    budgets: Sequence[Stands]
    anomalies: Found[list[Finding]]
    score: str
    good: float
    """From which number on an outcome is the wanted one."""
    scores: Sequence[str]
    worth: Found[list[Worth]]
    models: Sequence[str]
    swap: Swap | None
    swap_failed: str
    whole: bool
    """Whether the reader sees the whole tenant, and so its budgets and the export."""
    may_change: bool
    failed: Problem | None
    filled: Fields
    call: str


async def costs(request: Request, services: Services, visit: Visit) -> Page:
    """What was spent over a stretch of days, cut by something."""
    return await costs_page(request, services, visit)


async def export(request: Request, services: Services, visit: Visit) -> Response:
    """The book as CSV in the columns of FOCUS."""
    _whole_tenant(visit)
    stretch, book = _stretch(request, services), services.insight.book
    await book.count(stretch.since_ns, stretch.until_ns)
    days = await book.days(tenant_of(visit), stretch.since_ns, stretch.until_ns)
    text = io.StringIO()
    await asyncio.to_thread(focus.export, days, "rowen", text)
    named = f'attachment; filename="costs-{at(stretch.since_ns):%Y-%m-%d}-{stretch.range}.csv"'
    return Response(text.getvalue(), headers={**HEADERS, "content-disposition": named}, media_type="text/csv")


async def create_budget(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Make a budget."""
    form, actor = await managed(request, visit, services.address(request))
    _whole_tenant(visit)
    try:
        budget = budget_of(form, actor, services.clock.now_ns())
        await services.insight.budgets.put(budget)
    except Mistaken as problem:
        return await costs_page(request, services, visit, failed=problem, filled=form)
    await services.register.recorder.note(actor, "budget.create", tenant=budget.tenant, target=budget.id)
    return RedirectResponse("/costs#budgets", 303)


async def delete_budget(request: Request, services: Services, visit: Visit) -> Response:
    """Remove a budget."""
    _, actor = await managed(request, visit, services.address(request))
    _whole_tenant(visit)
    id = request.path_params["id"]
    if not await services.insight.budgets.delete(id, tenant_of(visit)):
        raise Mistaken("not_found", "There is no such budget.")
    await services.register.recorder.note(actor, "budget.delete", tenant=actor.tenant, target=id)
    return RedirectResponse("/costs#budgets", 303)


async def costs_page(
    request: Request, services: Services, visit: Visit, *, failed: Problem | None = None, filled: Fields | None = None
) -> Page:
    """Return the page, perhaps with a form that was refused."""
    stretch, tenant, query = _stretch(request, services), tenant_of(visit), request.query_params
    app = _app(visit, query.get("app", ""))
    by: Dimension = next((each for each in CUTS if each == query.get("by")), "model")
    asked = Asked(since_ns=stretch.since_ns, until_ns=stretch.until_ns, tenant=tenant, app=app)
    days = await services.insight.costs(asked)
    groups = _groups(await services.insight.costs(asked.but(by=by, every="all")), by, app)
    largest = asked.but(by=by, names=tuple(each.entry.group for each in groups[:_LAYERS]))
    layers = await services.insight.costs(largest)
    named = [
        each
        for each in await services.scores.names(tenant, app)
        if each.type in {"boolean", "number"} and each.source in {"user", "person", "model"}
    ]
    scores = list(dict.fromkeys(each.name for each in sorted(named, key=lambda one: one.type != "boolean")))
    score = next((each for each in scores if each == query.get("score")), scores[0] if scores else "")
    window = Window(tenant=tenant, app=app, since_ns=stretch.since_ns, until_ns=stretch.until_ns)
    marks, ahead, worth = await asyncio.gather(
        services.kept.get(
            ("anomalies", tenant, app, stretch.range),
            partial(services.insight.anomalies, tenant, app, stretch.since_ns),
        ),
        services.kept.get(("ahead", tenant, app), partial(services.insight.ahead, tenant, app, 30)),
        services.kept.get(
            ("worth", tenant, app, stretch.range, score),
            partial(_worth, services, score, window),
        ),
    )
    everything, shown = total(days), {key: value for key, value in query.items() if value and key in _KEPT}
    models, swap, swap_failed = await _what_if(services, asked, query)
    return Page(
        template="costs/page.html",
        status=failed.status if failed else 200,
        context=Costs(
            title="Costs",
            stretch=stretch,
            app=app,
            apps=[each for each in await services.traces.values("app", tenant) if visit.entry.sees(each)],
            by=by,
            cuts=CUTS,
            query=shown,
            sum=everything,
            said=said_entry(everything),
            daily=said_money(_rounded(everything.cost / DAYS[stretch.range])),
            chart=_chart(days, layers, groups, stretch, marks),
            layers=[(each.kind, each.name) for each in groups[:_LAYERS]]
            + ([("gx", "others")] if len(groups) > _LAYERS else []),
            groups=groups[:_ROWS],
            more=max(0, len(groups) - _ROWS),
            rows=[(stretch.said(one.start_ns), one, said_entry(one)) for one in reversed(days)],
            ahead=ahead,
            budgets=[] if visit.entry.apps else await budgets_of(services, tenant),
            anomalies=marks,
            score=score,
            good=good_from(score),
            scores=scores,
            worth=worth,
            models=models,
            swap=swap,
            swap_failed=swap_failed,
            whole=not visit.entry.apps,
            may_change=may_manage(visit) and not visit.entry.apps,
            failed=failed,
            filled=filled or {},
            call=api_call(
                request, "/api/costs", by=by, app=app, since_ns=str(stretch.since_ns), until_ns=str(stretch.until_ns)
            ),
        ),
    )


_KEPT = {"app", "by", "range", "score", "from", "to"}


def good_from(score: str) -> float:
    """From which number on a score is good: as objectives have it, else the half."""
    known = SLIS.get(score)
    return 0.5 if known is None or known.least is None else known.least


def said_entry(entry: Entry) -> str:
    """What was spent in words: what is not known is never told as nothing."""
    return said_sum((_rounded(entry.cost),), unknown=entry.unpriced) if entry.calls or entry.cost else "–"


def _rounded(cost: Decimal) -> Decimal:
    """Return a cost with as many places as a reader wants: three digits that count below a dollar."""
    return cost if cost >= 1 or not cost else Decimal(f"{cost:.3g}")


def _stretch(request: Request, services: Services) -> Stretch:
    chosen = request.query_params.get("range", "30d")
    chosen = chosen if chosen in DAYS else "30d"
    until = (services.clock.now_ns() // DAY_NS + 1) * DAY_NS
    since = until - DAYS[chosen] * DAY_NS
    return Stretch(range=chosen, since_ns=since, until_ns=until, every_ns=DAY_NS, form="%d %b", ranges=tuple(DAYS))


def _whole_tenant(visit: Visit) -> None:
    """Refuse a key that is limited to some apps: what is asked for is the whole tenant's."""
    if visit.entry.apps:
        raise Mistaken("not_found", "A key of some apps sees nothing of the whole tenant.")


def _app(visit: Visit, named: str) -> str:
    """Return the app to look at: for a key of some apps one of them, else any or all."""
    allowed = visit.entry.apps
    if not allowed or named in allowed:
        return named
    if named:
        raise Mistaken("not_found", f"There is no app {named!r}.")
    return min(allowed)


async def _worth(services: Services, score: str, window: Window) -> list[Worth]:
    return await services.insight.worth(score, window, "model", good_from(score)) if score else []


def _groups(entries: Sequence[Entry], by: Dimension, app: str) -> list[Group]:
    order = sorted(entries, key=lambda each: (-each.cost, -each.unpriced, each.group))
    all_ = sum((one.cost for one in entries), _NOTHING)
    most = max((one.cost for one in entries), default=_NOTHING)
    return [
        Group(
            entry=one,
            name=one.group or "not said",
            kind=f"g{i}" if i < _LAYERS else "gx",
            said=said_entry(one),
            part=float(one.cost / all_) if all_ else 0.0,
            bar=share(float(one.cost), float(most), f"g{i}" if i < _LAYERS else "gx") if one.cost else Markup(""),
            link=f"/traces{address_with({'app': app, by: one.group})}" if one.group and by in _FILTERS else "",
        )
        for i, one in enumerate(order)
    ]


def _chart(
    days: Sequence[Entry],
    entries: Sequence[Entry],
    groups: Sequence[Group],
    stretch: Stretch,
    marks: Found[list[Finding]],
) -> Markup:
    """Draw the days: the largest groups by their entries, and the others together."""
    starts = stretch.starts
    place = {start: i for i, start in enumerate(starts)}
    kinds = {each.entry.group: each.kind for each in groups[:_LAYERS]}
    names = {each.kind: each.name for each in groups[:_LAYERS]} | {"gx": "others"}
    layers: dict[str, list[float]] = {kind: [0.0] * len(starts) for kind in names if kind != "gx" or groups[_LAYERS:]}
    left = {one.start_ns: one.cost for one in days}
    for one in entries:
        if one.start_ns in place:
            layers[kinds[one.group]][place[one.start_ns]] += float(one.cost)
            left[one.start_ns] = left.get(one.start_ns, _NOTHING) - one.cost
    if "gx" in layers:
        for start, i in place.items():
            layers["gx"][i] = float(left.get(start, _NOTHING))
    unusual = [
        Mark(place=(each.at_ns - stretch.since_ns) // DAY_NS, name=each.title)
        for each in marks.value or []
        if stretch.since_ns <= each.at_ns < stretch.until_ns
    ]
    return bars(
        [Slot(name=stretch.said(start)) for start in starts],
        [Series(kind=kind, name=names[kind], values=layers[kind]) for kind in sorted(layers)],
        f"costs by day in the last {stretch.range}",
        lambda value: said_money(_rounded(Decimal(repr(value)))),
        marks=unusual,
    )


async def _what_if(
    services: Services, asked: Asked, query: Mapping[str, str]
) -> tuple[Sequence[str], Swap | None, str]:
    """Return the models that were used, and what one of them would have cost at another's price.

    It is an estimate by the sums that are kept: an average call at the other price, as often as there were calls.
    """
    models = await services.traces.values("model", asked.tenant)
    model, other = query.get("from", ""), query.get("to", "").strip()
    if not model or not other:
        return models, None, ""
    by_model = await services.insight.costs(asked.but(by="model", every="all"))
    used = next((one for one in by_model if one.group == model), None)
    provider, slash, name = other.partition("/")
    if used is None or not used.calls or not slash or not name:
        return models, None, "Name a model that was used, and another as provider/model, such as openai/gpt-4.1-mini."
    mean = Usage(input_tokens=used.input_tokens // used.calls, output_tokens=used.output_tokens // used.calls)
    price = services.pricing(provider, name, mean, services.clock.now_ns())
    after = None if price is None else _rounded(price.amount * (used.calls - used.cached))
    known = after is not None and used.cost and not used.unpriced
    return (
        models,
        Swap(
            model=model,
            other=other,
            calls=used.calls - used.cached,
            before=said_entry(used),
            after=after,
            change=float(after / used.cost) - 1 if known and after is not None else None,
        ),
        "",
    )
