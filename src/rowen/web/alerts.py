"""What fires, who was told, what is silenced, and whether somebody could be woken tonight."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.store.shelf import Shelf
from rowen.values import Mistaken, Problem, new_id
from rowen.values.whole import whole
from rowen.watch.alert import OPERATOR, Alert
from rowen.watch.finding import FindingKind
from rowen.watch.notice import Notice, Silence
from rowen.watch.oncall import Readiness, readiness
from rowen.web.forms import Fields, choice, line, managed
from rowen.web.page import Page, Services, api_call, apps_seen, may_manage, tenant_of
from rowen.web.seen import apps_of

_MINUTE_NS = 60_000_000_000
_SHOWN = 100
_NOTICES = 12
FINDINGS: tuple[str, ...] = get_args(FindingKind)
LENGTHS = (("60", "an hour"), ("240", "4 hours"), ("720", "12 hours"), ("1440", "a day"), ("10080", "a week"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """Alerts, those that fire first, with what keeps them quiet."""

    title: str
    firing: Sequence[Alert]
    over: Sequence[Alert]
    silences: Sequence[Silence]
    notices: Sequence[Notice]
    ready: Sequence[Readiness]
    now_ns: int
    apps: Sequence[str]
    objectives: Sequence[str]
    findings: Sequence[str]
    lengths: Sequence[tuple[str, str]]
    may_change: bool
    failed: Problem | None
    filled: Fields
    call: str
    silenced: Callable[[Alert], bool]
    """Whether nobody is told of an alert now."""


async def alerts(request: Request, services: Services, visit: Visit) -> Page:
    """All of it."""
    return await _shown(request, services, visit)


async def acknowledge(request: Request, services: Services, visit: Visit) -> Response:
    """Say that somebody looks after an alert: it is told no more, and does not escalate."""
    form, actor = await managed(request, visit, services.address(request))
    shelf = Alert.shelf(services.desk.store.records)
    known = await _known(shelf, request, visit, "alert")
    await services.register.recorder.note(actor, "alert.acknowledge", tenant=known.tenant, target=known.id)
    now, noise = services.clock.now_ns(), bool(form.get("noise"))
    await shelf.amend(known.id, lambda one: one.acknowledged(now, actor.key, noise=noise), known.tenant)
    return RedirectResponse("/alerts", 303)


async def silence(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Keep quiet about alerts for a time."""
    form, actor = await managed(request, visit, services.address(request))
    try:
        made = _silence(form, services, visit)
    except Mistaken as problem:
        return await _shown(request, services, visit, failed=problem, filled=form)
    tenant = OPERATOR if actor.everywhere else actor.tenant
    made = made.but(tenant=tenant, everywhere=actor.everywhere, by=actor.key)
    await services.register.recorder.note(
        actor, "silence.create", tenant=made.tenant, target=made.id, details={"why": made.why}
    )
    await Silence.shelf(services.desk.store.records).put(made)
    return RedirectResponse("/alerts#silences", 303)


async def end_silence(request: Request, services: Services, visit: Visit) -> Response:
    """End a silence now."""
    _, actor = await managed(request, visit, services.address(request))
    shelf = Silence.shelf(services.desk.store.records)
    known = await _known(shelf, request, visit, "silence")
    await services.register.recorder.note(actor, "silence.end", tenant=known.tenant, target=known.id)
    await shelf.put(known.but(ends_ns=min(known.ends_ns, services.clock.now_ns())))
    return RedirectResponse("/alerts#silences", 303)


def _silence(form: Fields, services: Services, visit: Visit) -> Silence:
    """Return what the form asks for.

    Raises:
        Mistaken: `field_invalid` naming the field.

    """
    now = services.clock.now_ns()
    names = [each.objectives.app for each in apps_seen(services, visit)]
    # Whoever is limited to some apps silences one of them, not all that there are.
    return Silence(
        id=new_id(now),
        app=choice(form, "app", names if visit.entry.apps else ["", *names], ""),
        objective=line(form, "objective"),
        finding=cast("FindingKind | Literal['']", choice(form, "finding", ("", *FINDINGS), "")),
        severity=choice(form, "severity", ("", "page", "ticket"), ""),
        begins_ns=now,
        ends_ns=now + whole(form, "minutes", 1, 100_000) * _MINUTE_NS,
        why=line(form, "why", needed=True),
    )


async def _known(shelf: Shelf[Any], request: Request, visit: Visit, what: str) -> Any:
    found = await shelf.get(request.path_params["id"], tenant_of(visit))
    if found is None or not visit.entry.sees(found.app):
        raise Mistaken("not_found", f"There is no such {what}.")
    return found


async def _shown(
    request: Request,
    services: Services,
    visit: Visit,
    *,
    failed: Problem | None = None,
    filled: Fields | None = None,
) -> Page:
    records, tenant, now = services.desk.store.records, tenant_of(visit), services.clock.now_ns()
    apps = apps_seen(services, visit)
    theirs = apps_of(visit)
    alerts = Alert.shelf(records)
    known = await alerts.find(tenant=tenant, apps=theirs, limit=_SHOWN)
    silences = [
        each
        for each in await Silence.shelf(records).find(tenant=tenant, apps=theirs, since_ns=now)
        if each.ends_ns > now
    ]
    return Page(
        template="alerts/page.html",
        status=failed.status if failed else 200,
        context=Alerts(
            title="Alerts",
            firing=await alerts.find(tenant=tenant, apps=theirs, state="firing", limit=_SHOWN),
            over=[each for each in known if each.state != "firing"],
            silences=silences,
            silenced=lambda alert: any(each.covers(alert, now) for each in silences),
            notices=await Notice.shelf(records).find(tenant=tenant, apps=theirs, limit=_NOTICES),
            ready=[
                await readiness(services.desk.store, app, now)
                for app in apps
                if tenant is None and app.objectives.watch
            ],
            now_ns=now,
            apps=[each.objectives.app for each in apps],
            objectives=sorted({name for each in apps for name in each.objectives.watch}),
            findings=FINDINGS,
            lengths=LENGTHS,
            may_change=may_manage(visit),
            failed=failed,
            filled=filled or {},
            call=api_call(request, "/api/alerts"),
        ),
    )
