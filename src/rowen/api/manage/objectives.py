"""Objectives: how they stand, what agreements came to, what indicators say, and whether a release may go out."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Annotated, Any

from msgspec import Meta

from rowen.api.manage.base import Asked, Name, NoParams, Page, Plain, Verb, Verbs, Whole
from rowen.values import Mistaken, Scope, Settings, Value
from rowen.watch.desk import BurnDown, Frozen, GoalCard, Row, Status
from rowen.watch.engine import Watched
from rowen.watch.grafana import dashboard
from rowen.watch.kpi import Tile
from rowen.watch.lint import Flaw, lint
from rowen.watch.openslo import documents
from rowen.watch.prometheus import rules
from rowen.watch.report import take
from rowen.watch.sla import Settlement

Bill = Annotated[str, Meta(pattern=r"^([0-9]{1,12}([.][0-9]{1,9})?)?$")]


class ObjectiveParams(Settings, frozen=True, kw_only=True):
    """Of which app; default: of all of them."""

    app: Plain = ""


class OneParams(Settings, frozen=True, kw_only=True):
    """Which objective of which app."""

    name: Plain
    app: Plain = ""
    points: Annotated[int, Meta(ge=2, le=500)] = 60


class AgreementParams(Settings, frozen=True, kw_only=True):
    """Of which app, and for which period: the one that runs, or with `before` the one that is over."""

    app: Plain = ""
    before: bool = False
    bill: Bill = ""


class Exported(Value, frozen=True, kw_only=True):
    """The objectives of an app for other systems."""

    prometheus: str
    grafana: str
    openslo: tuple[dict[str, Any], ...]


class Figures(Settings, frozen=True, kw_only=True):
    """Figures that somebody measured elsewhere."""

    app: Plain = ""
    measure: Name
    values: Annotated[tuple[Annotated[float, Meta(ge=-1e100, le=1e100)], ...], Meta(min_length=1, max_length=10_000)]
    at_ns: Whole = 0
    """When they were measured; default: now."""


class Taken(Value, frozen=True, kw_only=True, omit_defaults=False):
    """How many figures were taken, and how many objectives count them."""

    taken: int
    objectives: int


async def list_objectives(asked: Asked[ObjectiveParams, None]) -> Page[Row]:
    """Every objective as it stands. Whoever is no admin sees it for the calls of their own tenant."""
    found = [
        row for app in apps_of(asked, asked.params.app) for row in await asked.manage.desk.rows(app, asked.tenant(""))
    ]
    return Page(items=found)


async def burn_down(asked: Asked[OneParams, None]) -> BurnDown:
    """One objective with the way its budget went."""
    app = app_of(asked, asked.params.app)
    return await asked.manage.desk.burned(app, asked.params.name, asked.tenant(""), asked.params.points)


async def scorecard(asked: Asked[ObjectiveParams, None]) -> Page[GoalCard]:
    """The goals of an app, each with the objectives that serve it."""
    return Page(items=await asked.manage.desk.scorecard(app_of(asked, asked.params.app), asked.tenant("")))


async def status(asked: Asked[ObjectiveParams, None]) -> Page[Status]:
    """What the status page shows, app by app."""
    found = [await asked.manage.desk.status(app, asked.tenant("")) for app in apps_of(asked, asked.params.app)]
    return Page(items=found)


async def freeze(asked: Asked[ObjectiveParams, None]) -> Frozen:
    """Whether the error-budget policy stops releases of an app."""
    return await asked.manage.desk.freeze(app_of(asked, asked.params.app))


async def findings(asked: Asked[ObjectiveParams, None]) -> Page[Flaw]:
    """What is wrong with what was promised."""
    return Page(items=lint(app_of(asked, asked.params.app).objectives))


async def exported(asked: Asked[ObjectiveParams, None]) -> Exported:
    """The objectives of an app for other systems."""
    objectives = app_of(asked, asked.params.app).objectives
    return Exported(prometheus=rules(objectives), grafana=dashboard(objectives), openslo=tuple(documents(objectives)))


async def agreements(asked: Asked[AgreementParams, None]) -> Page[Settlement]:
    """What the agreements of an app came to."""
    params = asked.params
    found = await asked.manage.desk.settlements(
        app_of(asked, params.app),
        tenant=asked.tenant(""),
        before=params.before,
        bill=Decimal(params.bill) if params.bill else None,
    )
    return Page(items=found)


async def indicators(asked: Asked[ObjectiveParams, None]) -> Page[Tile]:
    """The indicators of an app, with what should move them."""
    return Page(items=await asked.manage.desk.tiles(app_of(asked, asked.params.app), asked.tenant("")))


async def report(asked: Asked[NoParams, Figures]) -> Taken:
    """Take in figures for objectives that count what is reported."""
    body, desk = asked.body, asked.manage.desk
    at_ns = body.at_ns or asked.manage.clock.now_ns()
    app = app_of(asked, body.app)
    tenant = asked.actor.tenant
    counting = await take(desk.store.measures, app, body.measure, body.values, at_ns=at_ns, tenant=tenant)
    return Taken(taken=len(body.values), objectives=counting)


def apps_of(asked: Asked[Any, Any], named: str) -> list[Watched]:
    """Return the apps that the caller may see, or the one that is named.

    Raises:
        Mistaken: `not_found` for one that is not served or may not be seen.

    """
    allowed = asked.entry.apps
    found = [app for app in asked.manage.desk.apps(named) if not allowed or app.objectives.app in allowed]
    if named and not found:
        raise Mistaken("not_found", f"there is no app {named!r}", place="app")
    return found


def app_of(asked: Asked[Any, Any], named: str) -> Watched:
    """Return the app that is named, or the only one that the caller may see.

    Raises:
        Mistaken: `not_found`, or `field_invalid` when one of several must be named.

    """
    found = apps_of(asked, named)
    if not found:
        raise Mistaken("not_found", "no app is served here", place="app")
    if len(found) > 1:
        names = ", ".join(sorted(app.objectives.app for app in found))
        raise Mistaken("field_invalid", f"name one of the apps: {names}", place="app")
    return found[0]


def _get(
    path: str, run: Callable[[Asked[Any, Any]], Awaitable[object]], gives: Any, *, summary: str, scope: Scope = "read"
) -> Verb[Any, Any]:
    """Return a verb that reads; what a function gives as a page is a list."""
    return Verb(
        method="GET",
        path=path,
        name=run.__name__,
        summary=summary,
        scope=scope,
        run=run,
        gives=gives,
        many=run not in _SINGLE,
        params=_PARAMS.get(run, ObjectiveParams),
        errors=("not_found",),
    )


_SINGLE = (burn_down, freeze, exported)
_PARAMS: dict[Any, type[Settings]] = {burn_down: OneParams, agreements: AgreementParams}

VERBS: Verbs = (
    _get(
        "/api/objectives",
        list_objectives,
        Row,
        summary="Objectives with their figure, interval, error budget and what fires.",
    ),
    _get("/api/objectives/burndown", burn_down, BurnDown, summary="One objective, and how its error budget went."),
    _get(
        "/api/objectives/scorecard",
        scorecard,
        GoalCard,
        summary="The goals, each with its objectives; a goal without any is a gap.",
    ),
    _get("/api/objectives/lint", findings, Flaw, summary="What is wrong with what was promised.", scope="admin"),
    _get(
        "/api/objectives/export",
        exported,
        Exported,
        summary="Prometheus rules, a Grafana dashboard and OpenSLO documents.",
        scope="admin",
    ),
    _get(
        "/api/objectives/freeze",
        freeze,
        Frozen,
        summary="Whether the error-budget policy stops releases, and why.",
        scope="admin",
    ),
    _get(
        "/api/agreements",
        agreements,
        Settlement,
        summary="What agreements with customers came to: met or missed, and the credit.",
    ),
    _get("/api/indicators", indicators, Tile, summary="Indicators, and their correlation with the scores behind them."),
    _get("/api/status", status, Status, summary="What the status page shows."),
    Verb(
        method="POST",
        path="/api/measures",
        name="report_measures",
        summary="Hand in figures that were measured elsewhere.",
        scope="manage",
        run=report,
        gives=Taken,
        params=NoParams,
        body=Figures,
        errors=("not_found",),
    ),
)
