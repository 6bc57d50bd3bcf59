"""Is it still good: every objective by the goal it serves, agreements, indicators; one objective over its window."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from math import inf

from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.values import Mistaken, at
from rowen.values.interval import Interval
from rowen.watch.alert import OPERATOR, Alert
from rowen.watch.base import GOALS, Objectives, WatchTable
from rowen.watch.budget import Spent, Standing
from rowen.watch.desk import Burn, Line, Row, freezing
from rowen.watch.engine import Watched
from rowen.watch.fill import Seen
from rowen.watch.kpi import Tile
from rowen.watch.lint import Flaw, lint
from rowen.watch.prometheus import rules
from rowen.watch.sla import Settlement
from rowen.watch.window import DAY_NS
from rowen.web.charts import Mark, Slot, burn_down, lane, share, sparkline, trend
from rowen.web.kept import Found
from rowen.web.page import Page, Services, address_with, api_call, apps_seen, tenant_of
from rowen.web.said import said_bound, said_money, said_ms, said_share

STATES = {
    "none": ("", "no data yet"),
    "unstated": ("", "no target"),
    "few": ("", "too few to say"),
    "ok": ("ok", "met"),
    "unsure": ("refused", "perhaps missed"),
    "breached": ("failed", "missed"),
}
"""The class of the pill and the words of each state."""

_STEPS = 30
_NO_INTERVAL = Interval(value=None, low=0.0, high=0.0, n=0, method="normal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """One objective in the list."""

    row: Row
    link: str
    pill: str
    words: str
    figure: str
    bounds: str
    bar: Markup
    left: str
    burn: Burn | None
    line: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """One agreement of an app, as it stands in its running period."""

    app: str
    settled: Settlement
    pill: str
    words: str
    figure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """The indicators of an app, and the objectives that should move them by name."""

    app: str
    tiles: Found[list[Tile]]
    rows: dict[str, Stood]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All objectives that the reader may see."""

    title: str
    goals: Sequence[tuple[str, Sequence[Stood]]]
    others: Sequence[Stood]
    counts: Sequence[tuple[str, int, str]]
    several: bool
    agreements: Sequence[Agreed]
    indicators: Sequence[Grown]
    frozen: Sequence[str]
    empty: bool
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneObjective:
    """One objective over its window."""

    title: str
    stood: Stood
    target: str
    since: str
    chart: Markup
    down: Markup
    rows: Sequence[tuple[str, str, str, str]]
    alerts: Sequence[Alert]
    spent: Sequence[tuple[Spent, Markup]]
    findings: Sequence[Flaw]
    rules: str
    call: str


async def objectives(request: Request, services: Services, visit: Visit) -> Page:
    """Every objective by the goal that it serves; a goal that nothing serves is a gap."""
    tenant, apps = tenant_of(visit), apps_seen(services, visit)
    found: list[Stood] = []
    agreed: list[Agreed] = []
    grown: list[Grown] = []
    for app in apps:
        mine = [stood_of(await services.desk.line(app, name, tenant)) for name in sorted(app.objectives.watch)]
        found += mine
        agreed += [_agreed(app, each) for each in await services.desk.settlements(app, tenant=tenant)]
        if app.objectives.watch or app.objectives.kpi:
            grown.append(await _grown(services, app, tenant, mine))
    states = [each.row.standing.state for each in found]
    return Page(
        template="objectives/list.html",
        context=Board(
            title="Objectives",
            goals=[(goal, [each for each in found if each.row.table.goal == goal]) for goal in GOALS],
            others=[each for each in found if not each.row.table.goal],
            counts=[
                ("Met", states.count("ok"), "of the figures, as they stand"),
                ("Perhaps missed", states.count("unsure"), "the interval holds the target"),
                ("Missed", states.count("breached"), "over their windows"),
                (
                    "Not decided",
                    len(states) - sum(states.count(s) for s in ("ok", "unsure", "breached")),
                    "no or few data",
                ),
                ("Alerts", sum(len(each.row.alerts) for each in found), "fire now"),
            ],
            several=len(apps) > 1,
            agreements=agreed,
            indicators=grown,
            frozen=[reason for each in found if (reason := freezing(each.row))] if tenant is None else [],
            empty=not found,
            call=api_call(request, "/api/objectives"),
        ),
    )


async def objective(request: Request, services: Services, visit: Visit) -> Page:
    """One objective: how its figure and its budget went, what was alerted, and what is wrong with how it is written."""
    tenant, name = tenant_of(visit), request.path_params["name"]
    apps = [
        app for app in apps_seen(services, visit, request.query_params.get("app", "")) if name in app.objectives.watch
    ]
    if not apps:
        raise Mistaken("not_found", "There is no objective of that name.")
    app, table = apps[0], apps[0].objectives.watch[name]
    line = await services.desk.line(app, name, tenant, _STEPS)
    alerts = await Alert.shelf(services.desk.store.records).find(app=app.objectives.app, tenant=tenant)
    say = partial(said_figure, table)
    form = "%d %b" if line.every_ns >= DAY_NS else "%d %b %H:%M"
    slots = [Slot(name=at(begin).strftime(form)) for begin, _ in line.points]
    left = dict(zip(range(len(slots)), (value for _, value in line.left[1:]), strict=False))
    lefts = [left.get(i) for i in range(len(slots))]
    bound = table.bound
    return Page(
        template="objectives/one.html",
        context=OneObjective(
            title=name,
            stood=stood_of(line),
            target=_target(line),
            since=at(line.row.standing.begins_ns).strftime("%Y-%m-%d %H:%M"),
            chart=trend(
                slots,
                [_estimate(stands) for _, stands in line.points],
                f"{name} over {table.over}",
                marks=await _releases(services, app, tenant, line),
                target=None if bound is None else float(bound.value),
                most=1.0 if table.how == "share" else inf,
                say=say,
            ),
            down=burn_down(slots, lefts, f"what was left of the error budget of {name}", said_share)
            if line.left
            else Markup(""),
            rows=[
                (
                    slots[i].name,
                    say(stands.figure) if stands.figure is not None else "–",
                    bounds_of(table, stands),
                    "–" if (value := lefts[i]) is None else said_share(value),
                )
                for i, (_, stands) in reversed(list(enumerate(line.points)))
                if stands.total
            ],
            alerts=[each for each in alerts if each.objective == name][:20],
            spent=[(each, _part(each, line.row.standing.spent)) for each in line.row.standing.spent],
            findings=[each for each in lint(app.objectives) if each.where == f"watch.{name}"] if tenant is None else [],
            rules=rules(Objectives(app=app.objectives.app, watch={name: table})) if tenant is None else "",
            call=api_call(request, "/api/objectives/burndown", name=name, app=app.objectives.app),
        ),
    )


def stood_of(line: Line) -> Stood:
    """Return an objective as the pages say it."""
    row, stands = line.row, line.row.standing
    pill, words = STATES[stands.state]
    return Stood(
        row=row,
        link=f"/objectives/{row.name}{address_with({'app': row.app})}",
        pill=pill,
        words=words,
        figure="–" if stands.figure is None else said_figure(row.table, stands.figure),
        bounds=bounds_of(row.table, stands),
        bar=_bar(stands.remaining),
        left=_left(stands.remaining),
        burn=line.burn,
        line=sparkline([stood.figure for _, stood in line.points]),
    )


def said_figure(table: WatchTable, figure: float) -> str:
    """A figure in the unit of its objective."""
    if table.how == "share":
        return said_share(figure)
    unit = "" if table.bound is None else table.bound.unit
    if unit in {"ms", "s", "min", "h", "d"} or table.sli == "latency" or table.scale == "seconds":
        return said_ms(figure * 1e9)
    if table.sli == "cost" or table.scale == "usd" or unit == "USD":
        return said_money(_exact(figure))
    return said_share(figure) if unit == "%" else f"{figure:.3g}"


def bounds_of(table: WatchTable, stands: Standing) -> str:
    """The 95 % interval of a figure and what it rests on; what was counted, not estimated, has none."""
    found = stands.estimate
    if found is None or found.value is None:
        return ""
    counted = f"n\u00a0{stands.total:,}"
    if table.how in {"peak", "value"} or not found.high < float("inf"):
        return counted
    return f"{said_figure(table, found.low)} to {said_figure(table, found.high)} · {counted}"


def _exact(figure: float) -> Decimal:
    """Return a number for a price, with four digits that count."""
    return Decimal(f"{max(figure, 0.0):.4g}")


def _bar(remaining: float | None) -> Markup:
    if remaining is None:
        return Markup("")
    if remaining <= 0:
        return lane(0, 1, 1, "failed")
    return lane(0, int(min(remaining, 1.0) * 1000), 1000, "refused" if remaining < 0.25 else "ok")


def _part(spent: Spent, all_: Sequence[Spent]) -> Markup:
    return share(spent.bad, max(each.bad for each in all_), "failed") if spent.bad else Markup("")


def _left(remaining: float | None) -> str:
    if remaining is None:
        return "–"
    return f"{said_share(remaining)} left" if remaining >= 0 else f"overdrawn by {said_share(-remaining)}"


def _target(line: Line) -> str:
    table = line.row.table
    words = [f"{said_bound(line.row.standing.stated) or 'no target'} over {table.over}"]
    if table.within is not None:
        words.append(f"within {said_ms(table.within * 1e9)}")
    if table.at_least is not None:
        words.append(f"at least {table.at_least:g}")
    if table.at_most is not None:
        words.append(f"at most {table.at_most:g}")
    return ", ".join(words)


def _estimate(stands: Standing) -> Interval:
    if stands.estimate is None or stands.figure is None:
        return _NO_INTERVAL
    return stands.estimate.but(value=stands.figure)


def _agreed(app: Watched, settled: Settlement) -> Agreed:
    table = app.objectives.whole(app.objectives.sla[settled.name])
    pill, words = STATES[settled.standing.state]
    figure = settled.standing.figure
    said = settled.percent.replace("%", " %") or ("–" if figure is None else f"{figure:.3g} {table.scale}".strip())
    return Agreed(app=app.objectives.app, settled=settled, pill=pill, words=words, figure=said)


async def _grown(services: Services, app: Watched, tenant: str | None, rows: Sequence[Stood]) -> Grown:
    """Return the indicators of an app: they are read from scores one by one, so they are worked out beside the page."""
    written = app.objectives  # its tables cannot be keys themselves
    key = ("indicators", written.app, repr(written.kpi) + repr(written.watch), tenant)
    tiles = await services.kept.get(key, partial(services.desk.tiles, app, tenant))
    return Grown(app=app.objectives.app, tiles=tiles, rows={each.row.name: each for each in rows})


async def _releases(services: Services, app: Watched, tenant: str | None, line: Line) -> list[Mark]:
    """Where releases first answered. They are seen in the calls of all tenants, so only the operator sees them."""
    if tenant not in (None, OPERATOR) or not line.points:
        return []
    since = line.points[0][0]
    seen = await Seen.shelf(services.desk.store.records).find(app=app.objectives.app, since_ns=since)
    last = len(line.points) - 1
    return [Mark(place=min((each.first_ns - since) // line.every_ns, last), name=each.name[:24]) for each in seen]
