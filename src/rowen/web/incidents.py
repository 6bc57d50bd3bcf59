"""What went wrong: incidents, open ones first; one incident with its timeline, what is suspected and what was learned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.values import Mistaken, Problem, new_id
from rowen.watch.alert import OPERATOR, Alert, suspect_of
from rowen.watch.base import Class
from rowen.watch.incident import Action, Incident, IncidentSeverity
from rowen.watch.postmortem import post_mortem
from rowen.web.forms import Fields, choice, line, managed, text
from rowen.web.page import Page, Services, api_call, apps_seen, may_manage, tenant_of
from rowen.web.seen import apps_of

SEVERITIES: tuple[str, ...] = get_args(IncidentSeverity)
CLASSES: tuple[str, ...] = get_args(Class)
STATES = ("open", "resolved", "closed")
_LEARNED = {
    "summary": ("Summary", "What happened, in three sentences?"),
    "impact": ("Impact", "Who noticed what, and how many were they?"),
    "cause": ("Root cause", "Why did it happen, and why was it not noticed before?"),
    "learned": ("What was learned", "What went well, what did not, where was luck?"),
}
_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentList:
    """The incidents, open ones first."""

    title: str
    groups: Sequence[tuple[str, Sequence[Incident]]]
    now_ns: int
    apps: Sequence[str]
    severities: Sequence[str]
    classes: Sequence[str]
    may_change: bool
    failed: Problem | None
    filled: Fields
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneIncident:
    """One incident."""

    title: str
    it: Incident
    now_ns: int
    alerts: Sequence[Alert]
    mine: bool
    severities: Sequence[str]
    classes: Sequence[str]
    states: Sequence[str]
    learned: Sequence[tuple[str, str, str, str]]
    """Field, heading, what is asked, what was written."""
    markdown: str
    may_change: bool
    failed: Problem | None
    call: str


async def incidents(request: Request, services: Services, visit: Visit) -> Page:
    """All incidents."""
    return await _listed(request, services, visit)


async def open_incident(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Open an incident that somebody saw before an alert did."""
    form, actor = await managed(request, visit, services.address(request))
    try:
        names = [each.objectives.app for each in apps_seen(services, visit)]
        app = choice(form, "app", names, names[0] if names else "")
        error_class = choice(form, "error_class", CLASSES, "")
        now, began = services.clock.now_ns(), services.clock.now_ns()
        # A release is found by the calls of all tenants, so it is named to the operator alone.
        suspect = await suspect_of(services.desk.store, app, "", began) if actor.everywhere else None
        made = Incident(
            id=new_id(now),
            tenant=OPERATOR if actor.everywhere else actor.tenant,
            app=app,
            title=line(form, "title", needed=True),
            severity=_severity(form),
            error_class=next(each for each in get_args(Class) if each == error_class),
            outage=bool(form.get("outage")),
            began_ns=began,
            detected_ns=now,
            commander=visit.entry.key.name,
            runbook=services.desk.app(app).oncall.runbooks.get(_class(error_class), "") if error_class else "",
            suspect=suspect,
        ).noted(now, "opened", visit.entry.key.name)
    except Mistaken as problem:
        return await _listed(request, services, visit, failed=problem, filled=form)
    await services.register.recorder.note(actor, "incident.open", tenant=made.tenant, target=made.id)
    await Incident.shelf(services.desk.store.records).put(made)
    return RedirectResponse(f"/incidents/{made.id}", 303)


async def incident(request: Request, services: Services, visit: Visit) -> Page:
    """One incident."""
    return await _shown(request, services, visit)


async def change(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Take an incident over, note something, change its state, write what was learned, or what is to be done."""
    form, actor = await managed(request, visit, services.address(request))
    known, what = await _known(request, services, visit), request.path_params["what"]
    now, by = services.clock.now_ns(), visit.entry.key.name
    try:
        changed = _changes(what, form, now, by)
    except Mistaken as problem:
        if problem.code == "not_found":
            raise
        return await _shown(request, services, visit, failed=problem)
    await services.register.recorder.note(
        actor, "incident.change", tenant=known.tenant, target=known.id, details={"what": what}
    )
    await Incident.shelf(services.desk.store.records).amend(known.id, changed, known.tenant)
    return RedirectResponse(f"/incidents/{known.id}", 303)


def _changes(what: str, form: Fields, now: int, by: str) -> Callable[[Incident], Incident]:
    """Return what a form asks for, as a change of an incident as it stands then.

    Raises:
        Mistaken: `field_invalid` naming the field; `not_found` for a form that there is not.

    """
    match what:
        case "take":
            return lambda one: one.changed({"commander": by}, now, by).noted(now, f"{by} takes command", by)
        case "notes":
            said = text(form, "note", most=2_000)
            if not said:
                raise Mistaken("field_invalid", "write something here", place="note")
            return lambda one: one.noted(now, said, by)
        case "state":
            changes = {
                "state": choice(form, "state", STATES, "open"),
                "severity": choice(form, "severity", SEVERITIES, "sev3"),
                "error_class": choice(form, "error_class", CLASSES, ""),
                "commander": line(form, "commander"),
                "owner": line(form, "owner"),
                "outage": bool(form.get("outage")),
            }
            return lambda one: one.changed(changes, now, by)
        case "learned":
            written = {name: text(form, name) for name in _LEARNED}
            return lambda one: one.changed(written, now, by)
        case "actions":
            action = Action(
                what=line(form, "action", needed=True, most=500),
                owner=line(form, "owner"),
                due=line(form, "due", most=40),
            )
            return lambda one: one.but(actions=(*one.actions, action)[:100])
        case "done":
            place = str(form.get("place", ""))
            return lambda one: one.but(
                actions=tuple(
                    each.but(done=not each.done) if str(i) == place else each for i, each in enumerate(one.actions)
                )
            )
        case _:
            raise Mistaken("not_found", "There is no such form.")


def _severity(form: Fields) -> IncidentSeverity:
    found = choice(form, "severity", SEVERITIES, "sev3")
    return next(each for each in get_args(IncidentSeverity) if each == found)


def _class(written: str) -> Class:
    return next((each for each in get_args(Class) if each == written), "")


async def _known(request: Request, services: Services, visit: Visit) -> Incident:
    found = await Incident.shelf(services.desk.store.records).get(request.path_params["id"], tenant_of(visit))
    if found is None or not visit.entry.sees(found.app):
        raise Mistaken("not_found", "There is no such incident.")
    return found


async def _listed(
    request: Request,
    services: Services,
    visit: Visit,
    *,
    failed: Problem | None = None,
    filled: Fields | None = None,
) -> Page:
    seen = await Incident.shelf(services.desk.store.records).find(
        tenant=tenant_of(visit), apps=apps_of(visit), limit=_SHOWN
    )
    return Page(
        template="incidents/list.html",
        status=failed.status if failed else 200,
        context=IncidentList(
            title="Incidents",
            groups=[(state, mine) for state in STATES if (mine := [each for each in seen if each.state == state])],
            now_ns=services.clock.now_ns(),
            apps=[each.objectives.app for each in apps_seen(services, visit)],
            severities=SEVERITIES,
            classes=CLASSES,
            may_change=may_manage(visit),
            failed=failed,
            filled=filled or {},
            call=api_call(request, "/api/incidents"),
        ),
    )


async def _shown(request: Request, services: Services, visit: Visit, *, failed: Problem | None = None) -> Page:
    it = await _known(request, services, visit)
    shelf = Alert.shelf(services.desk.store.records)
    alerts = [await shelf.get(id, tenant_of(visit)) for id in it.alerts]
    return Page(
        template="incidents/one.html",
        status=failed.status if failed else 200,
        context=OneIncident(
            title=it.title,
            it=it,
            now_ns=services.clock.now_ns(),
            alerts=[each for each in alerts if each is not None],
            mine=it.commander == visit.entry.key.name,
            severities=SEVERITIES,
            classes=CLASSES,
            states=STATES,
            learned=[(name, *asked, getattr(it, name)) for name, asked in _LEARNED.items()],
            markdown=post_mortem(it),
            may_change=may_manage(visit),
            failed=failed,
            call=api_call(request, f"/api/incidents/{it.id}"),
        ),
    )
