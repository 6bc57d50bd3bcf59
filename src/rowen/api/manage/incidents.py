"""Incidents: opened by alerts or by hand, told as they go, and learned from; drills; the digest of a night."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from rowen.api.manage.alerts import home
from rowen.api.manage.base import Asked, Limited, Name, NoParams, Page, Plain, Verb, Verbs, Whole, night
from rowen.api.manage.objectives import app_of
from rowen.values import Mistaken, Settings, Value, new_id
from rowen.watch.alert import suspect_of
from rowen.watch.base import Class
from rowen.watch.digest import Digest, digest
from rowen.watch.incident import Action, Drill, Incident, IncidentSeverity
from rowen.watch.postmortem import post_mortem

_DAY = 86_400_000_000_000

LongText = Annotated[str, Meta(max_length=20_000, pattern=r"^[^\u0000]*$")]
Actions = Annotated[tuple[Action, ...], Meta(max_length=100)]


class IncidentParams(Settings, frozen=True, kw_only=True):
    """Which incidents, newest first."""

    app: Plain = ""
    state: Literal["", "open", "resolved", "closed"] = ""
    since_ns: Whole = 0
    limit: Limited = 100


class NewIncident(Settings, frozen=True, kw_only=True):
    """An incident that somebody saw before an alert did."""

    title: Name
    app: Plain = ""
    severity: IncidentSeverity = "sev3"
    error_class: Class = ""
    outage: bool = False
    began_ns: Whole = 0
    """When it began; default: now."""
    commander: Plain = ""
    owner: Plain = ""
    objective: Plain = ""


class IncidentChange(Settings, frozen=True, kw_only=True):
    """What is known now. What is left out stays as it is."""

    title: Name | UnsetType = UNSET
    severity: IncidentSeverity | UnsetType = UNSET
    state: Literal["open", "resolved", "closed"] | UnsetType = UNSET
    error_class: Class | UnsetType = UNSET
    outage: bool | UnsetType = UNSET
    commander: Plain | UnsetType = UNSET
    owner: Plain | UnsetType = UNSET
    summary: LongText | UnsetType = UNSET
    impact: LongText | UnsetType = UNSET
    cause: LongText | UnsetType = UNSET
    learned: LongText | UnsetType = UNSET
    actions: Actions | UnsetType = UNSET


class Note(Settings, frozen=True, kw_only=True):
    """A line for the timeline."""

    what: Annotated[str, Meta(min_length=1, max_length=2_000, pattern=r"^[^\u0000]*$")]
    at_ns: Whole = 0
    """When it happened; default: now."""


class Markdown(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A text in Markdown."""

    markdown: str


class NewDrill(Settings, frozen=True, kw_only=True):
    """A recovery that was tried out."""

    what: Name
    seconds: Annotated[float, Meta(ge=0, le=1e9)]
    app: Plain = ""
    target_seconds: Annotated[float, Meta(gt=0, le=1e9)] = 1800
    at_ns: Whole = 0
    actions: Actions = ()


class DigestParams(Settings, frozen=True, kw_only=True):
    """Of which app, and from when on; default: the last twelve hours."""

    app: Plain = ""
    since_ns: Whole = 0


async def list_incidents(asked: Asked[IncidentParams, None]) -> Page[Incident]:
    """The incidents that the caller may see."""
    params = asked.params
    found = await Incident.shelf(asked.manage.desk.store.records).find(
        tenant=asked.tenant(""),
        apps=asked.apps(params.app),
        state=params.state,
        since_ns=params.since_ns,
        limit=params.limit,
    )
    return Page(items=found)


async def open_incident(asked: Asked[NoParams, NewIncident]) -> Incident:
    """Open an incident by hand; the release that came just before is named where there is one."""
    body, now = asked.body, asked.manage.clock.now_ns()
    app = app_of(asked, body.app)
    began = min(body.began_ns, now) or now
    error_class = body.error_class
    runbook = app.oncall.runbooks.get(error_class, "") if error_class else ""
    suspect = None
    if asked.actor.everywhere:  # it is found by the calls of all tenants
        suspect = await suspect_of(asked.manage.desk.store, app.objectives.app, body.objective, began)
    incident = Incident(
        id=new_id(now),
        tenant=home(asked),
        app=app.objectives.app,
        title=body.title,
        severity=body.severity,
        error_class=error_class,
        outage=body.outage,
        began_ns=began,
        detected_ns=now,
        commander=body.commander,
        owner=body.owner,
        objective=body.objective,
        runbook=runbook,
        suspect=suspect,
    ).noted(now, "opened", asked.actor.key)
    await asked.manage.register.recorder.note(asked.actor, "incident.open", tenant=incident.tenant, target=incident.id)
    await Incident.shelf(asked.manage.desk.store.records).put(incident)
    return incident


async def get_incident(asked: Asked[NoParams, None]) -> Incident:
    """One incident."""
    return await _known(asked)


async def change_incident(asked: Asked[NoParams, IncidentChange]) -> Incident:
    """Write down what is known now; a change of state or severity goes into the timeline."""
    known, body, now = await _known(asked), asked.body, asked.manage.clock.now_ns()
    changes = {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
    await asked.manage.register.recorder.note(
        asked.actor, "incident.change", tenant=known.tenant, target=known.id, details={"fields": ",".join(changes)}
    )
    return await _amended(asked, known, lambda one: one.changed(changes, now, asked.actor.key))


async def note_incident(asked: Asked[NoParams, Note]) -> Incident:
    """Add a line to the timeline of an incident."""
    known, body = await _known(asked), asked.body
    at_ns = body.at_ns or asked.manage.clock.now_ns()
    return await _amended(asked, known, lambda one: one.noted(at_ns, body.what, asked.actor.key))


async def get_post_mortem(asked: Asked[NoParams, None]) -> Markdown:
    """One incident as a page to be read and filed."""
    return Markdown(markdown=post_mortem(await _known(asked)))


async def list_drills(asked: Asked[IncidentParams, None]) -> Page[Drill]:
    """Recoveries that were tried out, newest first."""
    params = asked.params
    found = await Drill.shelf(asked.manage.desk.store.records).find(
        tenant=asked.tenant(""), apps=asked.apps(params.app), since_ns=params.since_ns, limit=params.limit
    )
    return Page(items=found)


async def log_drill(asked: Asked[NoParams, NewDrill]) -> Drill:
    """Write a drill down."""
    body, now = asked.body, asked.manage.clock.now_ns()
    made = Drill(
        id=new_id(now),
        tenant=home(asked),
        app=asked.app(body.app),
        at_ns=body.at_ns or now,
        what=body.what,
        seconds=body.seconds,
        target_seconds=body.target_seconds,
        actions=body.actions,
        by=asked.actor.key,
    )
    await Drill.shelf(asked.manage.desk.store.records).put(made)
    return made


async def get_digest(asked: Asked[DigestParams, None]) -> Digest:
    """What happened overnight. It is about the whole app, so only an admin reads it."""
    now = asked.manage.clock.now_ns()
    app = app_of(asked, asked.params.app)
    insight = asked.manage.insight
    return await digest(
        asked.manage.desk.store,
        app,
        night(asked.params.since_ns, now),
        now,
        costs=insight.cost_lines,
        errors=insight.error_lines,
    )


async def _known(asked: Asked[Any, Any]) -> Incident:
    found = await Incident.shelf(asked.manage.desk.store.records).get(asked.path["id"], asked.tenant(""))
    if found is None or not asked.entry.sees(found.app):
        raise Mistaken("not_found", "there is no such incident", place="id")
    return found


async def _amended(asked: Asked[Any, Any], known: Incident, change: Callable[[Incident], Incident]) -> Incident:
    changed = await Incident.shelf(asked.manage.desk.store.records).amend(known.id, change, known.tenant)
    if changed is None:
        raise Mistaken("not_found", "there is no such incident", place="id")
    return changed


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/incidents",
        name="list_incidents",
        summary="Incidents, newest first.",
        scope="read",
        run=list_incidents,
        gives=Incident,
        many=True,
        params=IncidentParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/incidents",
        name="open_incident",
        summary="Open an incident by hand.",
        scope="manage",
        run=open_incident,
        gives=Incident,
        params=NoParams,
        body=NewIncident,
        status=201,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/incidents/{id}",
        name="get_incident",
        summary="One incident with its timeline.",
        scope="read",
        run=get_incident,
        gives=Incident,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="PATCH",
        path="/api/incidents/{id}",
        name="change_incident",
        summary="Write down what is known now.",
        scope="manage",
        run=change_incident,
        gives=Incident,
        params=NoParams,
        body=IncidentChange,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/incidents/{id}/notes",
        name="note_incident",
        summary="Add a line to the timeline.",
        scope="manage",
        run=note_incident,
        gives=Incident,
        params=NoParams,
        body=Note,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/incidents/{id}/postmortem",
        name="post_mortem",
        summary="The incident as a page in Markdown.",
        scope="read",
        run=get_post_mortem,
        gives=Markdown,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/drills",
        name="list_drills",
        summary="Recoveries that were tried out, with the time they took.",
        scope="read",
        run=list_drills,
        gives=Drill,
        many=True,
        params=IncidentParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/drills",
        name="log_drill",
        summary="Write a drill down.",
        scope="manage",
        run=log_drill,
        gives=Drill,
        params=NoParams,
        body=NewDrill,
        status=201,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/digest",
        name="digest",
        summary="What happened overnight, the most urgent first.",
        scope="admin",
        run=get_digest,
        gives=Digest,
        params=DigestParams,
        errors=("not_found",),
    ),
)
