"""Evaluation rules: see them, keep them, try them on three examples, let them judge what was; and what judges are worth."""

from typing import Annotated, Any

from msgspec import Meta

from rowen.access import Entry
from rowen.api.manage.base import Asked, NoParams, Page, Plain, Verb, Verbs, Whole
from rowen.jobs import Job
from rowen.score.calibration import Prevalence, prevalence
from rowen.score.preflight import Preflight
from rowen.score.rule import FilterTable, Rule, RuleTarget
from rowen.score.rules import Fault
from rowen.score.standing import JudgeWorth, RuleState, shares_of, state_of, worth_of
from rowen.values import Mistaken, Settings

_DAY = 86_400_000_000_000


class RuleParams(Settings, frozen=True, kw_only=True):
    """Whose rules, of which app."""

    app: Plain = ""
    tenant: Plain = ""


class FaultParams(Settings, frozen=True, kw_only=True):
    """Which app's rule, and since when."""

    app: Plain = ""
    since_ns: Whole = 0


class CalibrationParams(Settings, frozen=True, kw_only=True):
    """Which judge's scores, and the name under which people scored the same; default: the same name."""

    name: Plain
    people: Plain = ""
    app: Plain = ""
    version: Plain = ""
    yes_from: Annotated[float, Meta(ge=-1e9, le=1e9)] = 0.5
    """From which number on a score counts as yes."""


class NewRule(Settings, frozen=True, kw_only=True):
    """What is judged, by what. As `[[score]]` in `app.toml`."""

    app: Plain
    kind: Plain
    target: RuleTarget = "trace"
    filter: FilterTable = FilterTable()
    sample: Annotated[float, Meta(gt=0, le=1)] = 1.0
    variables: dict[str, Annotated[str, Meta(max_length=500)]] = {}
    options: dict[str, Any] = {}
    """The scorer's own settings; a judge's `prompt` is among them."""
    model: Plain = ""
    budget: Annotated[str, Meta(pattern=r"^([0-9]{1,9}([.][0-9]{1,9})?)?$")] = ""
    """US dollars a day."""
    quiet: Annotated[float, Meta(ge=1, le=30 * 86_400)] = 600
    enabled: bool = True


class WindowOf(Settings, frozen=True, kw_only=True):
    """A window of traffic; `until_ns` itself is outside, 0 is now."""

    since_ns: Whole
    until_ns: Whole = 0


class PrevalenceParams(Settings, frozen=True, kw_only=True):
    """Which judge's yes and no, in which window: the last 30 days unless said otherwise."""

    name: Plain
    people: Plain = ""
    """The name under which people scored the same; default: the same name."""
    app: Plain = ""
    since_ns: Whole = 0
    until_ns: Whole = 0


async def list_rules(asked: Asked[RuleParams, None]) -> Page[RuleState]:
    """The rules that judge the caller's traffic."""
    params, manage = asked.params, asked.manage
    apps = asked.apps(params.app)
    if params.tenant and not asked.actor.sees(params.tenant):
        return Page(items=())
    found = [each for app in apps for each in await manage.judging.rules.all(asked.tenant(params.tenant), app)]
    return Page(items=[await _state(asked, rule) for rule in found])


async def get_rule(asked: Asked[RuleParams, None]) -> RuleState:
    """One rule and how far it is."""
    return await _state(asked, await _rule(asked, asked.params.app))


async def put_rule(asked: Asked[NoParams, NewRule]) -> RuleState:
    """The rule as it is kept."""
    body = asked.body
    _sees(asked.entry, body.app)
    rule = Rule(
        name=asked.path["name"],
        tenant=asked.actor.tenant,
        app=body.app,
        kind=body.kind,
        target=body.target,
        filter=body.filter,
        sample=body.sample,
        variables=body.variables,
        options=body.options,
        model=body.model,
        budget=body.budget,
        quiet=body.quiet,
        enabled=body.enabled,
    )
    asked.manage.judging.check(rule)
    return await _state(asked, await asked.manage.judging.rules.put(rule))


async def delete_rule(asked: Asked[RuleParams, None]) -> RuleState:
    """The rule as it was; its scores stay."""
    rule = await _rule(asked, asked.params.app)
    state = await _state(asked, rule)
    await asked.manage.judging.rules.delete(rule)
    return state


async def preflight_rule(asked: Asked[RuleParams, WindowOf]) -> Preflight:
    """How much a backfill would judge and cost, from three examples that are judged and not kept."""
    rule = await _own(asked)
    return await asked.manage.judging.preflight(rule, asked.body.since_ns, _until(asked))


async def backfill_rule(asked: Asked[RuleParams, WindowOf]) -> Job:
    """The job that judges the window."""
    rule, manage = await _own(asked), asked.manage
    tenant = asked.actor.tenant
    id = await manage.judging.queue_backfill(
        rule, asked.body.since_ns, _until(asked), tenant=tenant, by=asked.entry.key.id
    )
    return await manage.jobs.get(id, tenant)


async def rule_faults(asked: Asked[FaultParams, None]) -> Page[Fault]:
    """The judgements that were errors, the latest judged first."""
    rule = await _rule(asked, asked.params.app)
    found = await asked.manage.judging.rules.faults.find(
        tenant=asked.tenant(""), group=rule.key, since_ns=asked.params.since_ns, limit=500
    )
    return Page(items=found)


async def calibration(asked: Asked[CalibrationParams, None]) -> JudgeWorth:
    """Agreement, sensitivity, specificity and kappa, each with an interval."""
    params = asked.params
    return await worth_of(
        asked.manage.scores,
        tenant=asked.tenant(""),
        app=asked.app(params.app),
        name=params.name,
        people=params.people,
        version=params.version,
        yes_from=params.yes_from,
    )


async def judged_share(asked: Asked[PrevalenceParams, None]) -> Prevalence:
    """The share that judges gave, and the one behind it by what is known of their errors."""
    params, scores = asked.params, asked.manage.scores
    until = params.until_ns or asked.manage.clock.now_ns()
    since = params.since_ns or max(0, until - 30 * _DAY)
    if since >= until:
        raise Mistaken("field_invalid", "the window ends before it begins", place="since_ns")
    tenant, app = asked.tenant(""), asked.app(params.app)
    known = await worth_of(scores, tenant=tenant, app=app, name=params.name, people=params.people)
    found = await shares_of(
        scores, tenant=tenant, app=app, name=params.name, since_ns=since, until_ns=until, known=known.calibration
    )
    if found is None:
        return prevalence(0, 0, known.calibration)
    return found


async def _own(asked: Asked[RuleParams, WindowOf]) -> Rule:
    """The rule over the caller's own traffic; over everybody's for an admin."""
    rule = await _rule(asked, asked.params.app)
    return rule if asked.actor.everywhere else rule.but(tenant=asked.actor.tenant)


async def _rule(asked: Asked[Any, Any], named: str) -> Rule:
    found = await asked.manage.judging.rules.get(asked.path["name"], asked.tenant(""), asked.app(named))
    _sees(asked.entry, found.app)
    return found


async def _state(asked: Asked[Any, Any], rule: Rule) -> RuleState:
    return await state_of(asked.manage.judging, rule, everywhere=asked.actor.everywhere)


def _until(asked: Asked[Any, WindowOf]) -> int:
    until = asked.body.until_ns or asked.manage.clock.now_ns()
    if asked.body.since_ns >= until:
        raise Mistaken("field_invalid", "the window ends before it begins", place="since_ns")
    return until


def _sees(entry: Entry, app: str) -> None:
    if not entry.sees(app):
        raise Mistaken("not_found", f"there is no app {app!r}", place="app")


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/rules",
        name="list_rules",
        summary="Rules by which traffic is judged, with how far they are.",
        scope="read",
        run=list_rules,
        gives=RuleState,
        many=True,
        params=RuleParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/rules/{name}",
        name="get_rule",
        summary="One rule, with how far it is.",
        scope="read",
        run=get_rule,
        gives=RuleState,
        params=RuleParams,
        errors=("not_found",),
    ),
    Verb(
        method="PUT",
        path="/api/rules/{name}",
        name="put_rule",
        summary="Keep a rule in place of the earlier one of its name.",
        scope="manage",
        run=put_rule,
        gives=RuleState,
        params=NoParams,
        body=NewRule,
        errors=("not_found", "conflict", "config_invalid", "config_unknown_key", "extra_missing"),
    ),
    Verb(
        method="DELETE",
        path="/api/rules/{name}",
        name="delete_rule",
        summary="Remove a rule; its scores stay.",
        scope="manage",
        run=delete_rule,
        gives=RuleState,
        params=RuleParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST",
        path="/api/rules/{name}/preflight",
        name="preflight_rule",
        summary="Judge three examples without keeping scores; tell what all would be and cost.",
        scope="manage",
        run=preflight_rule,
        gives=Preflight,
        params=RuleParams,
        body=WindowOf,
        errors=("not_found", "config_invalid", "config_unknown_key", "extra_missing"),
    ),
    Verb(
        method="POST",
        path="/api/rules/{name}/backfill",
        name="backfill_rule",
        summary="Judge what was, as a job that can be watched, paused and cancelled.",
        scope="manage",
        run=backfill_rule,
        gives=Job,
        params=RuleParams,
        body=WindowOf,
        errors=("not_found", "config_invalid", "config_unknown_key", "extra_missing"),
    ),
    Verb(
        method="GET",
        path="/api/rules/{name}/faults",
        name="rule_faults",
        summary="Judgements that were errors.",
        scope="read",
        run=rule_faults,
        gives=Fault,
        many=True,
        params=FaultParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/calibration",
        name="calibration",
        summary="What a judge's word is worth, by people's labels of the same things.",
        scope="read",
        run=calibration,
        gives=JudgeWorth,
        params=CalibrationParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/prevalence",
        name="judged_share",
        summary="How often judges said yes, corrected by what people's labels tell of their errors.",
        scope="read",
        run=judged_share,
        gives=Prevalence,
        params=PrevalenceParams,
        errors=("not_found",),
    ),
)
