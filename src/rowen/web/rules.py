"""Evaluation rules: which traffic is judged by what, what each did and cost; pause it, try it, let it judge what was."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.jobs import Job
from rowen.score.preflight import Preflight
from rowen.score.rule import Rule
from rowen.score.rules import BACKFILL, Fault
from rowen.score.standing import JudgeWorth, RuleState, state_of, worth_of
from rowen.values import Mistaken, Problem, Refused
from rowen.web.forms import choice, managed
from rowen.web.jobs import Row, row_of
from rowen.web.page import Page, Services, address_with, api_call, may_manage, tenant_of
from rowen.web.talk import said

_DAY = 86_400_000_000_000
WINDOWS = (("1", "the last day"), ("7", "the last 7 days"), ("30", "the last 30 days"), ("3650", "all there is"))
_FAULTS = 20
_JOBS = 500
_FAILING = 5
"""Errors on end from which on a judge is said to fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """One rule as the list shows it."""

    state: RuleState
    link: str
    filter: Sequence[tuple[str, str]]
    live: Job | None

    @property
    def how(self) -> tuple[str, str]:
        """How it is, in a word and as a pill."""
        if self.state.problem:
            return "cannot run", "failed"
        if not self.state.rule.enabled:
            return "off", "cancelled"
        if self.live is not None and self.live.state in {"paused", "failed", "cancelled"}:
            return self.live.state, {"paused": "refused"}.get(self.live.state, self.live.state)
        if self.state.ledger is not None and self.state.ledger.failing >= _FAILING:
            return "fails", "failed"
        return "judges", "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleList:
    """All rules that the reader may see."""

    title: str
    rows: Sequence[Ruled]
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRule:
    """One rule, with what it did."""

    title: str
    ruled: Ruled
    options: Sequence[tuple[str, str]]
    variables: Sequence[tuple[str, str]]
    faults: Sequence[Fault]
    backfills: Sequence[Row]
    worth: JudgeWorth
    windows: Sequence[tuple[str, str]]
    window: str
    tried: Preflight | None
    failed: Problem | None
    may_pause: bool
    may_judge: bool
    call: str


async def rules(request: Request, services: Services, visit: Visit) -> Page:
    """The list, those of the apps' own files first."""
    found = await services.judging.rules.all(tenant_of(visit))
    return Page(
        template="rules/list.html",
        context=RuleList(
            title="Rules",
            rows=[await _ruled(services, visit, rule) for rule in found if visit.entry.sees(rule.app)],
            call=api_call(request, "/api/rules"),
        ),
    )


async def rule(request: Request, services: Services, visit: Visit) -> Page:
    """One rule."""
    return await _one(request, services, visit)


async def judge(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Judge three examples and keep nothing, or queue the judging of a window."""
    form, actor = await managed(request, visit, services.address(request))
    known = await _known(request, services, visit)
    # Over the reader's own traffic; over everybody's for an admin.
    mine = known if actor.everywhere else known.but(tenant=actor.tenant)
    window = choice(form, "window", [each for each, _ in WINDOWS], "7")
    until = services.clock.now_ns()
    since = max(1, until - int(window) * _DAY)
    try:
        if "try" in form:
            tried = await services.judging.preflight(mine, since, until)
            return await _one(request, services, visit, tried=tried, window=window)
        id = await services.judging.queue_backfill(mine, since, until, tenant=actor.tenant, by=actor.key)
    except Problem as problem:
        return await _one(request, services, visit, failed=problem, window=window)
    await services.register.recorder.note(actor, "rule.backfill", tenant=actor.tenant, target=id)
    return RedirectResponse(f"{_address(known)}#judged", 303)


async def pause(request: Request, services: Services, visit: Visit) -> Response:
    """Let a rule judge nothing more until it is let go on; what came in between is judged then."""
    _, actor = await managed(request, visit, services.address(request))
    known = await _known(request, services, visit)
    if not known.tenant and not actor.everywhere:
        raise Refused("key_scope", "a rule of the app's own file judges everybody's traffic: an admin pauses it")
    what, tenant = request.path_params["what"], known.tenant or "default"
    if what not in {"pause", "resume"}:
        raise Mistaken("not_found", "There is no such page.")
    await (services.jobs.pause if what == "pause" else services.jobs.resume)(known.key, tenant)
    await services.register.recorder.note(actor, f"rule.{what}", tenant=tenant, target=known.name)
    return RedirectResponse(_address(known), 303)


async def _one(
    request: Request,
    services: Services,
    visit: Visit,
    *,
    tried: Preflight | None = None,
    failed: Problem | None = None,
    window: str = "7",
) -> Page:
    known, tenant = await _known(request, services, visit), tenant_of(visit)
    ruled = await _ruled(services, visit, known)
    everywhere = tenant is None
    faults = await services.judging.rules.faults.find(tenant=tenant, group=known.key, limit=_FAULTS)
    jobs = await services.jobs.find(tenant=tenant, app=known.app, kind=BACKFILL, limit=_JOBS)
    return Page(
        template="rules/one.html",
        status=failed.status if failed else 200,
        context=OneRule(
            title=known.name,
            ruled=ruled,
            options=[(name, said(value)) for name, value in known.options.items()],
            variables=list(known.variables.items()),
            faults=faults,
            backfills=[row_of(job) for job in jobs if job.input.get("rule", {}).get("name") == known.name][:10],
            worth=await worth_of(services.scores, tenant=tenant, app=known.app, name=known.name),
            windows=WINDOWS,
            window=window,
            tried=tried,
            failed=failed,
            may_pause=may_manage(visit) and ruled.live is not None and (everywhere or bool(known.tenant)),
            may_judge=may_manage(visit) and not ruled.state.problem,
            call=api_call(request, f"/api/rules/{known.name}", app=known.app),
        ),
    )


async def _ruled(services: Services, visit: Visit, known: Rule) -> Ruled:
    state = await state_of(services.judging, known, everywhere=tenant_of(visit) is None)
    live: Job | None = None
    if state.job:
        try:
            live = await services.jobs.get(state.job, known.tenant or "default")
        except Mistaken:  # it is queued when the rule is first switched on
            live = None
    plain = msgspec.to_builtins(known.filter)
    return Ruled(
        state=state,
        link=_address(known),
        filter=[(name, value) for name, value in plain.items() if value and (name, value) != ("status", "ok")],
        live=live,
    )


async def _known(request: Request, services: Services, visit: Visit) -> Rule:
    name, app = request.path_params["name"], request.query_params.get("app", "")
    found = [rule for rule in await services.judging.rules.all(tenant_of(visit), app) if rule.name == name]
    of = request.query_params.get("tenant", "")
    one = next((rule for rule in found if visit.entry.sees(rule.app) and of in {"", rule.tenant}), None)
    if one is None:
        raise Mistaken("not_found", "There is no such rule.")
    return one


def _address(known: Rule) -> str:
    return f"/rules/{known.name}{address_with({'app': known.app, 'tenant': known.tenant})}"
