"""Costs: what was spent by whom and for what, budgets that warn, anomalies, and what the money was good for."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta

from rowen.api.manage.base import Asked, Name, NoParams, Page, Plain, Verb, Verbs, Whole
from rowen.insight.budget import Budget, Standing
from rowen.insight.calendar import Every, month_of
from rowen.insight.desk import Window
from rowen.insight.forecast import Forecast
from rowen.insight.ledger import Asked as Costs
from rowen.insight.ledger import Dimension, Entry
from rowen.insight.reading import bought, whole_of
from rowen.insight.reconcile import Reconciled, reconcile
from rowen.insight.review import Review, week_before
from rowen.insight.usage import exported
from rowen.insight.worth import Worth
from rowen.values import Mistaken, Settings, Value, new_id
from rowen.watch.finding import Finding

_DAY = 86_400_000_000_000
_STRETCHES = 2_000
_LONGEST = 400 * _DAY

Dollars = Annotated[str, Meta(pattern=r"^[0-9]{1,12}([.][0-9]{1,9})?$")]


class CostParams(Settings, frozen=True, kw_only=True):
    """Which costs: this month by the day unless said otherwise."""

    tenant: Plain = ""
    app: Plain = ""
    by: Dimension = ""
    every: Every = "day"
    since_ns: Whole = 0
    until_ns: Whole = 0


class AheadParams(Settings, frozen=True, kw_only=True):
    """How many days to look ahead, today among them."""

    tenant: Plain = ""
    app: Plain = ""
    days: Annotated[int, Meta(ge=1, le=92)] = 30


class AnomalyParams(Settings, frozen=True, kw_only=True):
    """Since when: the last week unless said otherwise. Differences of fewer than `least` dollars are left out."""

    tenant: Plain = ""
    app: Plain = ""
    since_ns: Whole = 0
    least: Annotated[float, Meta(ge=0, le=1e9)] = 0.5


class WorthParams(Settings, frozen=True, kw_only=True):
    """By which score, and from which number on an outcome is the wanted one."""

    score: Name
    tenant: Plain = ""
    app: Plain = ""
    by: Literal["", "app", "model", "feature", "release", "environment", "definition", "provider", "key"] = ""
    good_from: Annotated[float, Meta(ge=-1e300, le=1e300)] = 0.5
    since_ns: Whole = 0
    until_ns: Whole = 0


class PeriodParams(Settings, frozen=True, kw_only=True):
    """Which period: the seven whole days before today unless said otherwise."""

    tenant: Plain = ""
    app: Plain = ""
    since_ns: Whole = 0
    until_ns: Whole = 0


class TenantParams(Settings, frozen=True, kw_only=True):
    """Whose."""

    tenant: Plain = ""


class NewBudget(Settings, frozen=True, kw_only=True):
    """How much may be spent in a day or month before somebody is told."""

    amount: Dollars
    """US dollars."""
    name: Plain = ""
    by: Literal["", "app", "key", "user", "feature", "model", "provider"] = ""
    of: Plain = ""
    """Which of them."""
    window: Literal["day", "month"] = "month"
    thresholds: Annotated[tuple[Annotated[float, Meta(gt=0, le=10)], ...], Meta(min_length=1, max_length=10)] = (
        0.5,
        0.8,
        1.0,
    )
    forecast: bool = True
    tenant: Plain = ""


class Export(Settings, frozen=True, kw_only=True):
    """A provider's usage export as it came: JSON or CSV of OpenAI or Anthropic."""

    text: Annotated[str, Meta(max_length=250_000)]
    tolerance: Annotated[float, Meta(ge=0, le=1)] = 0.005
    tenant: Plain = ""


class Removed(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What was removed."""

    id: str


async def list_costs(asked: Asked[CostParams, None]) -> Page[Entry]:
    """The entries of the ledger."""
    params, manage = asked.params, asked.manage
    app = asked.app(params.app)
    until = params.until_ns or manage.clock.now_ns()
    since = params.since_ns or month_of(min(until, manage.clock.now_ns()))
    length = {"hour": _DAY // 24, "day": _DAY, "month": 28 * _DAY, "all": _LONGEST * 100}[params.every]
    if since < until and (until - since) // length > _STRETCHES:
        raise Mistaken("field_invalid", f"that is more than {_STRETCHES} stretches of time", place="every")
    if since >= until or _hidden(asked, params.tenant):
        return Page(items=())
    if params.by == "tenant" and app:
        raise Mistaken("field_invalid", "the sums of tenants are of all their apps", place="by")
    entries = await manage.insight.costs(
        Costs(
            since_ns=since,
            until_ns=until,
            tenant=asked.tenant(params.tenant),
            app=app,
            by=params.by,
            every=params.every,
        )
    )
    return Page(items=entries)


async def cost_forecast(asked: Asked[AheadParams, None]) -> Forecast:
    """The coming days."""
    params = asked.params
    if _hidden(asked, params.tenant):
        raise Mistaken("not_found", "there is no such tenant", place="tenant")
    return await asked.manage.insight.ahead(asked.tenant(params.tenant), asked.app(params.app), params.days)


async def cost_anomalies(asked: Asked[AnomalyParams, None]) -> Page[Finding]:
    """Hours and days that cost what they do not use to."""
    params, now = asked.params, asked.manage.clock.now_ns()
    if _hidden(asked, params.tenant):
        return Page(items=())
    since = max(params.since_ns or now - 7 * _DAY, now - 92 * _DAY)
    found = await asked.manage.insight.anomalies(
        asked.tenant(params.tenant), asked.app(params.app), since, least=params.least
    )
    return Page(items=found)


async def cost_worth(asked: Asked[WorthParams, None]) -> Page[Worth]:
    """Wanted outcomes for each dollar."""
    params = asked.params
    if _hidden(asked, params.tenant):
        return Page(items=())
    window = _window(asked, params.since_ns, params.until_ns, params.tenant, params.app, days=30)
    return Page(items=await asked.manage.insight.worth(params.score, window, params.by, params.good_from))


async def cost_review(asked: Asked[PeriodParams, None]) -> Review:
    """The weekly review."""
    params = asked.params
    if _hidden(asked, params.tenant):
        raise Mistaken("not_found", "there is no such tenant", place="tenant")
    since, until = week_before(asked.manage.clock.now_ns())
    return await asked.manage.insight.review(
        _window(asked, params.since_ns or since, params.until_ns or until, params.tenant, params.app, days=7)
    )


async def cost_reconcile(asked: Asked[NoParams, Export]) -> Reconciled:
    """A provider's export against the ledger."""
    body = asked.body
    if _hidden(asked, body.tenant):
        raise Mistaken("not_found", "there is no such tenant", place="tenant")
    _whole_tenant(asked)
    try:
        export = exported(body.text.encode())
    except Mistaken as problem:
        raise Mistaken(problem.code, f"{problem.place}: {problem.message}", place="text") from None
    if not export:
        raise Mistaken("field_invalid", "the export has no lines", place="text")
    if max(one.day_ns for one in export) - min(one.day_ns for one in export) > _LONGEST:
        raise Mistaken("field_invalid", f"an export is of at most {_LONGEST // _DAY} days", place="text")
    first, last = min(one.day_ns for one in export), max(one.day_ns for one in export)
    window = Window(tenant=asked.tenant(body.tenant), since_ns=first - _DAY, until_ns=last + 2 * _DAY)
    attempts = [one async for trace in whole_of(asked.manage.traces, window.filter) for one in bought(trace)]
    return reconcile(export, attempts, tolerance=body.tolerance)


async def list_budgets(asked: Asked[TenantParams, None]) -> Page[Standing]:
    """The budgets and how they stand."""
    if _hidden(asked, asked.params.tenant):
        return Page(items=())
    manage = asked.manage
    budgets = await manage.insight.budgets.all(asked.tenant(asked.params.tenant))
    apps = asked.entry.apps
    seen = [one for one in budgets if not apps or (one.by == "app" and one.of in apps)]
    return Page(items=[await manage.insight.budgets.standing(one, manage.clock.now_ns()) for one in seen])


async def create_budget(asked: Asked[NoParams, NewBudget]) -> Budget:
    """A new budget."""
    body, now = asked.body, asked.manage.clock.now_ns()
    _whole_tenant(asked)
    if _hidden(asked, body.tenant):
        raise Mistaken("not_found", "there is no such tenant", place="tenant")
    budget = Budget(
        id=new_id(now),
        tenant=body.tenant or asked.actor.tenant,
        name=body.name,
        by=body.by,
        of=body.of,
        amount=Decimal(body.amount),
        window=body.window,
        thresholds=body.thresholds,
        forecast=body.forecast,
        created_ns=now,
    )
    await asked.manage.insight.budgets.put(budget)
    return budget


async def delete_budget(asked: Asked[NoParams, None]) -> Removed:
    """Remove a budget."""
    _whole_tenant(asked)
    id = asked.path["id"]
    if not await asked.manage.insight.budgets.delete(id, asked.tenant("")):
        raise Mistaken("not_found", "there is no such budget", place="id")
    return Removed(id=id)


def _hidden(asked: Asked[Any, Any], tenant: str) -> bool:
    return bool(tenant) and not asked.actor.sees(tenant)


def _whole_tenant(asked: Asked[Any, Any]) -> None:
    """Refuse a key that is limited to some apps: what is asked for is the whole tenant's.

    Raises:
        Mistaken: `not_found`, as for anything else that such a key may not see.

    """
    if asked.entry.apps:
        raise Mistaken("not_found", "a key of some apps sees nothing of the whole tenant", place="apps")


def _window(asked: Asked[Any, Any], since: int, until: int, tenant: str, app: str, *, days: int) -> Window:
    until = until or asked.manage.clock.now_ns()
    since = since or max(0, until - days * _DAY)
    if until - since > _LONGEST:
        raise Mistaken("field_invalid", f"a window has at most {_LONGEST // _DAY} days", place="since_ns")
    return Window(tenant=asked.tenant(tenant), app=asked.app(app), since_ns=since, until_ns=max(since, until))


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/costs",
        name="list_costs",
        summary="What was spent over time, by tenant, app, key, user, feature, model, provider, release or purpose.",
        scope="read",
        run=list_costs,
        gives=Entry,
        many=True,
        params=CostParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/costs/forecast",
        name="cost_forecast",
        summary="The costs of the coming days, with an interval and the error of such forecasts in the past.",
        scope="read",
        run=cost_forecast,
        gives=Forecast,
        params=AheadParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/costs/anomalies",
        name="cost_anomalies",
        summary="Hours and days whose cost is not what it uses to be, and what drove it.",
        scope="read",
        run=cost_anomalies,
        gives=Finding,
        many=True,
        params=AnomalyParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/costs/worth",
        name="cost_worth",
        summary="Wanted outcomes for each dollar, by a score, with intervals.",
        scope="read",
        run=cost_worth,
        gives=Worth,
        many=True,
        params=WorthParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/costs/review",
        name="cost_review",
        summary="Peak hours, repeated calls, unused context and oversized models of a week, with what could be saved.",
        scope="read",
        run=cost_review,
        gives=Review,
        params=PeriodParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/costs/reconcile",
        name="cost_reconcile",
        summary="A provider's usage export against the ledger: what agrees, what explains a difference, what nothing does.",
        scope="read",
        run=cost_reconcile,
        gives=Reconciled,
        params=NoParams,
        body=Export,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/costs/budgets",
        name="list_budgets",
        summary="Budgets that warn, and how they stand.",
        scope="read",
        run=list_budgets,
        gives=Standing,
        many=True,
        params=TenantParams,
    ),
    Verb(
        method="POST",
        path="/api/costs/budgets",
        name="create_budget",
        summary="Make a budget that warns at shares of an amount, and when the forecast passes it.",
        scope="manage",
        run=create_budget,
        gives=Budget,
        params=NoParams,
        body=NewBudget,
        status=201,
        errors=("not_found",),
    ),
    Verb(
        method="DELETE",
        path="/api/costs/budgets/{id}",
        name="delete_budget",
        summary="Remove a budget.",
        scope="manage",
        run=delete_budget,
        gives=Removed,
        params=NoParams,
        errors=("not_found",),
    ),
)
