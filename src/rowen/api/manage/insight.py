"""Insight: groups of errors, why calls are slow, why answers became worse, what users do."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from rowen.api.manage.base import Asked, Limited, Name, NoParams, Page, Plain, Verb, Verbs, Whole, night
from rowen.insight.desk import Users, Window
from rowen.insight.digest import Digest
from rowen.insight.errors import Change, Group
from rowen.insight.latency import Diagnosis
from rowen.insight.regression import Regression
from rowen.insight.sessions import Step
from rowen.values import Mistaken, Settings

_HOUR = 3_600_000_000_000
_DAY = 24 * _HOUR
_LONGEST = 92 * _DAY

Note = Annotated[str, Meta(max_length=10_000, pattern=r"^[^\u0000]*$")]


class ErrorParams(Settings, frozen=True, kw_only=True):
    """Which groups: those seen in the last week unless said otherwise."""

    tenant: Plain = ""
    app: Plain = ""
    state: Literal["", "open", "ignored", "solved", "regressed"] = ""
    since_ns: Whole = 0
    limit: Limited = 100


class ChangeGroup(Settings, frozen=True, kw_only=True):
    """What to set; what is left out stays."""

    state: Literal["open", "ignored", "solved"] | None = None
    note: Note | None = None
    """What the cause was found to be."""


class PeriodParams(Settings, frozen=True, kw_only=True):
    """Which period against which: the last hour against the one before, unless said otherwise."""

    tenant: Plain = ""
    app: Plain = ""
    since_ns: Whole = 0
    until_ns: Whole = 0
    baseline_since_ns: Whole = 0
    baseline_until_ns: Whole = 0


class RegressionParams(Settings, frozen=True, kw_only=True):
    """Which score, in which period against which: the last day against the one before, unless said otherwise."""

    score: Name
    bad_below: Annotated[float, Meta(ge=-1e300, le=1e300)] = 0.5
    tenant: Plain = ""
    app: Plain = ""
    since_ns: Whole = 0
    until_ns: Whole = 0
    baseline_since_ns: Whole = 0
    baseline_until_ns: Whole = 0


class UserParams(Settings, frozen=True, kw_only=True):
    """Which window, cut into periods; the last four weeks by the week unless said otherwise."""

    tenant: Plain = ""
    app: Plain = ""
    since_ns: Whole = 0
    until_ns: Whole = 0
    every_ns: Annotated[int, Meta(ge=_HOUR, le=92 * _DAY)] = 7 * _DAY
    steps: Plain = ""
    """Features, in the order of the funnel, separated by commas."""


class DigestParams(Settings, frozen=True, kw_only=True):
    """Since when: twelve hours ago unless said otherwise."""

    tenant: Plain = ""
    since_ns: Whole = 0


async def list_errors(asked: Asked[ErrorParams, None]) -> Page[Group]:
    """Groups of errors, the most frequent first."""
    params, manage = asked.params, asked.manage
    if params.tenant and not asked.actor.sees(params.tenant):
        return Page(items=())
    apps, now = asked.apps(params.app), manage.clock.now_ns()
    await manage.insight.inbox.collect(now - _HOUR, now)
    groups = await manage.insight.inbox.groups(
        asked.tenant(params.tenant),
        apps=apps,
        state=params.state,
        since_ns=params.since_ns or max(0, now - 7 * _DAY),
        limit=params.limit,
    )
    return Page(items=groups)


async def get_error(asked: Asked[NoParams, None]) -> Group:
    """One group."""
    found = await asked.manage.insight.inbox.get(asked.path["id"], asked.tenant(""))
    if found is None or not asked.entry.sees(found.app):
        raise Mistaken("not_found", "there is no such group of errors", place="id")
    return found


async def change_error(asked: Asked[NoParams, ChangeGroup]) -> Group:
    """Set its state or the note of its cause."""
    found = await asked.manage.insight.inbox.get(asked.path["id"], asked.tenant(""))
    if found is None or not asked.entry.sees(found.app):
        raise Mistaken("not_found", "there is no such group of errors", place="id")
    return await asked.manage.insight.inbox.change(
        found.id,
        found.tenant,
        Change(state=asked.body.state, note=asked.body.note),
        by=asked.actor.key,
        now_ns=asked.manage.clock.now_ns(),
    )


async def explain_error(asked: Asked[NoParams, None]) -> Group:
    """Have it explained by the model that the server names."""
    manage, entry = asked.manage, asked.entry
    found = await manage.insight.inbox.get(asked.path["id"], asked.tenant(""))
    if found is None or not entry.sees(found.app):
        raise Mistaken("not_found", "there is no such group of errors", place="id")
    ask = manage.explain
    if ask is None:
        raise Mistaken(
            "model_unknown", "no model is set to explain errors: set `explain` of the server", place="explain"
        )

    async def tell(question: str) -> str:
        return await ask(found.tenant, question)

    return await manage.insight.explain(found, tell, by=asked.actor.key)


async def diagnose_latency(asked: Asked[PeriodParams, None]) -> Diagnosis:
    """Why calls are slow."""
    params = asked.params
    slow = _window(asked, params.tenant, params.app, params.since_ns, params.until_ns, _HOUR)
    return await asked.manage.insight.latency(slow, _baseline(slow, params.baseline_since_ns, params.baseline_until_ns))


async def diagnose_regression(asked: Asked[RegressionParams, None]) -> Regression:
    """Why answers became worse."""
    params = asked.params
    window = _window(asked, params.tenant, params.app, params.since_ns, params.until_ns, _DAY)
    baseline = _baseline(window, params.baseline_since_ns, params.baseline_until_ns)
    return await asked.manage.insight.regression(params.score, window, baseline, bad_below=params.bad_below)


async def user_activity(asked: Asked[UserParams, None]) -> Users:
    """What users do."""
    params = asked.params
    window = _window(asked, params.tenant, params.app, params.since_ns, params.until_ns, 28 * _DAY)
    steps = [Step(name=name.strip(), feature=name.strip()) for name in params.steps.split(",") if name.strip()]
    return await asked.manage.insight.users(window, every_ns=params.every_ns, steps=steps)


async def read_digest(asked: Asked[DigestParams, None]) -> Digest:
    """What happened overnight."""
    params, now = asked.params, asked.manage.clock.now_ns()
    if asked.entry.apps or (params.tenant and not asked.actor.sees(params.tenant)):
        raise Mistaken("not_found", "there is no such tenant", place="tenant")
    return await asked.manage.insight.digest(asked.tenant(params.tenant), night(params.since_ns, now))


def _window(asked: Asked[Any, Any], tenant: str, app: str, since: int, until: int, length: int) -> Window:
    if tenant and not asked.actor.sees(tenant):
        raise Mistaken("not_found", "there is no such tenant", place="tenant")
    until = until or asked.manage.clock.now_ns()
    since = since or max(0, until - length)
    if until - since > _LONGEST:
        raise Mistaken("field_invalid", f"a window has at most {_LONGEST // _DAY} days", place="since_ns")
    return Window(tenant=asked.tenant(tenant), app=asked.app(app), since_ns=since, until_ns=max(since, until))


def _baseline(window: Window, since: int, until: int) -> Window | None:
    if not since and not until:
        return None
    if not since < until or until - since > _LONGEST:
        raise Mistaken(
            "field_invalid",
            f"a baseline begins before it ends and has at most {_LONGEST // _DAY} days",
            place="baseline_since_ns",
        )
    return window.but(since_ns=since, until_ns=until)


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/errors",
        name="list_errors",
        summary="Failed calls grouped by what went wrong, the most frequent first.",
        scope="read",
        run=list_errors,
        gives=Group,
        many=True,
        params=ErrorParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/errors/{id}",
        name="get_error",
        summary="One group of errors: trend, first and last seen, example traces, note and explanation.",
        scope="read",
        run=get_error,
        gives=Group,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="PATCH",
        path="/api/errors/{id}",
        name="change_error",
        summary="Set a group's state, or the note of its cause.",
        scope="manage",
        run=change_error,
        gives=Group,
        params=NoParams,
        body=ChangeGroup,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST",
        path="/api/errors/{id}/explain",
        name="explain_error",
        summary="Have a model explain a group of errors; it must cite spans that exist, or is asked once again.",
        scope="manage",
        run=explain_error,
        gives=Group,
        params=NoParams,
        errors=("not_found", "model_unknown", "upstream_garbage", "conflict"),
    ),
    Verb(
        method="GET",
        path="/api/insight/latency",
        name="diagnose_latency",
        summary="Why a period is slower than its baseline: the cause, its share, the evidence, examples and a fix.",
        scope="read",
        run=diagnose_latency,
        gives=Diagnosis,
        params=PeriodParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/insight/regression",
        name="diagnose_regression",
        summary="What the answers have in common that a score finds bad, with corrected p-values and effects.",
        scope="read",
        run=diagnose_regression,
        gives=Regression,
        params=RegressionParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/insight/users",
        name="user_activity",
        summary="Active, new, returning and churned users, retention, a funnel of features, and how often users ask again.",
        scope="read",
        run=user_activity,
        gives=Users,
        params=UserParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/insight/digest",
        name="read_digest",
        summary="What happened since a moment: costs, errors, regressions, latency.",
        scope="read",
        run=read_digest,
        gives=Digest,
        params=DigestParams,
        errors=("not_found",),
    ),
)
