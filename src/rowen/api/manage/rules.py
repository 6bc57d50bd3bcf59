"""Evaluation rules: see them, keep them, try them on three examples, let them judge what was; and what judges are worth."""

from typing import Annotated, Any

from msgspec import Meta

from rowen.access import Entry
from rowen.api.manage.base import Asked, NoParams, Page, Plain, Verb, Verbs, Whole
from rowen.jobs import Job
from rowen.score.calibration import Calibration, calibrate, pairs_of
from rowen.score.judging import Preflight
from rowen.score.rule import FilterTable, Rule, RuleTarget
from rowen.score.rules import Fault, Ledger
from rowen.store.base import ScoreFilter
from rowen.values import Mistaken, Settings, Value

_LABELLED = 5_000


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


class RuleState(Value, frozen=True, kw_only=True):
    """A rule, where it is written, and how far it is."""

    rule: Rule
    written: bool
    """Whether it stands in the app's own file, where alone it can be changed."""
    version: str = ""
    """Of what judges; empty when the rule cannot be run."""
    problem: str = ""
    """Why it cannot be run."""
    ledger: Ledger | None = None
    job: str = ""


class JudgeWorth(Value, frozen=True, kw_only=True):
    """What a judge's word is worth, by people's labels of the same things."""

    name: str
    version: str = ""
    calibration: Calibration | None = None
    """None while nobody has labelled what it judged."""
    torn: int = 0
    """What people were of two minds about; left out."""
    labelled_last_ns: int = 0
    """When people last labelled: a judge that changed since is measured anew."""
    judged_last_ns: int = 0


async def list_rules(asked: Asked[RuleParams, None]) -> Page[RuleState]:
    """The rules that judge the caller's traffic."""
    params, manage = asked.params, asked.manage
    app = asked.app(params.app)
    if params.tenant and not asked.actor.sees(params.tenant):
        return Page(items=())
    found = await manage.judging.rules.all(asked.tenant(params.tenant), app)
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
    app, scores = asked.app(params.app), asked.manage.scores
    people = await scores.find(
        ScoreFilter(
            tenant=asked.tenant(""), app=app, name=params.people or params.name, source="person", limit=_LABELLED
        )
    )
    traces = tuple({score.trace for score in people if score.trace})
    judged = (
        [
            score
            for source in ("model", "rule")
            for score in await scores.find(
                ScoreFilter(
                    tenant=asked.tenant(""),
                    app=app,
                    name=params.name,
                    source=source,
                    version=params.version,
                    traces=traces,
                    limit=_LABELLED * 4,
                )
            )
        ]
        if traces
        else []
    )
    pairs, torn = pairs_of(judged, people, params.yes_from)
    return JudgeWorth(
        name=params.name,
        version=params.version,
        calibration=calibrate(pairs) if pairs else None,
        torn=torn,
        labelled_last_ns=max((score.created_ns for score in people), default=0),
        judged_last_ns=max((score.created_ns for score in judged), default=0),
    )


async def _own(asked: Asked[RuleParams, WindowOf]) -> Rule:
    """The rule over the caller's own traffic; over everybody's for an admin."""
    rule = await _rule(asked, asked.params.app)
    return rule if asked.actor.everywhere else rule.but(tenant=asked.actor.tenant)


async def _rule(asked: Asked[Any, Any], named: str) -> Rule:
    found = await asked.manage.judging.rules.get(asked.path["name"], asked.tenant(""), asked.app(named))
    _sees(asked.entry, found.app)
    return found


async def _state(asked: Asked[Any, Any], rule: Rule) -> RuleState:
    judging = asked.manage.judging
    written = not rule.tenant
    version = problem = ""
    try:
        version = judging.check(rule)
    except Mistaken as mistake:
        problem = str(mistake)
    # How far a rule of an app's file is tells of everybody's traffic: for admins.
    shown = asked.actor.everywhere or not written
    ledger = await judging.rules.ledgers.get(rule.key, rule.tenant or "default") if shown else None
    return RuleState(
        rule=rule, written=written, version=version, problem=problem, ledger=ledger, job=rule.key if shown else ""
    )


def _until(asked: Asked[Any, WindowOf]) -> int:
    until = asked.body.until_ns or asked.manage.clock.now_ns()
    if asked.body.since_ns >= until:
        raise Mistaken("field_invalid", "the window ends before it begins", place="since_ns")
    return until


def _sees(entry: Entry, app: str) -> None:
    if entry.apps and app not in entry.apps:
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
)
