"""Alerts: what fires, who was told, what is silenced, and whether somebody could be woken tonight."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from rowen.api.manage.base import Asked, Limited, Name, NoParams, Page, Plain, Verb, Verbs, Whole
from rowen.api.manage.objectives import ObjectiveParams, app_of
from rowen.values import Mistaken, Settings, new_id
from rowen.watch.alert import OPERATOR, Alert
from rowen.watch.finding import FindingKind
from rowen.watch.notice import Notice, Silence
from rowen.watch.oncall import Readiness, Week, readiness, toil


class AlertParams(Settings, frozen=True, kw_only=True):
    """Which alerts, newest first."""

    app: Plain = ""
    state: Literal["", "firing", "resolved"] = ""
    since_ns: Whole = 0
    limit: Limited = 100


class Acknowledged(Settings, frozen=True, kw_only=True):
    """Somebody looks after it."""

    noise: bool = False
    """It needed nobody: counts as noise in the toil of the week."""


class NewSilence(Settings, frozen=True, kw_only=True):
    """Alerts that nobody is told of for a time. Empty fields fit every alert."""

    why: Name
    minutes: Annotated[int, Meta(ge=1, le=100_000)]
    app: Plain = ""
    objective: Plain = ""
    finding: FindingKind | Literal[""] = ""
    """Only what was found of this kind: `budget`, `anomaly`, `errors`, …"""
    severity: Literal["", "page", "ticket"] = ""


class Tested(Settings, frozen=True, kw_only=True):
    """Which contact to send a test notice to."""

    contact: Name
    app: Plain = ""


class WeekParams(Settings, frozen=True, kw_only=True):
    """Of which app, and how many weeks."""

    app: Plain = ""
    weeks: Annotated[int, Meta(ge=1, le=104)] = 8


async def list_alerts(asked: Asked[AlertParams, None]) -> Page[Alert]:
    """The alerts that the caller may see."""
    params = asked.params
    found = await Alert.shelf(asked.manage.desk.store.records).find(
        tenant=asked.tenant(""),
        apps=asked.apps(params.app),
        state=params.state,
        since_ns=params.since_ns,
        limit=params.limit,
    )
    return Page(items=found)


async def acknowledge(asked: Asked[NoParams, Acknowledged]) -> Alert:
    """Say that somebody looks after an alert: it is told no more, and does not escalate."""
    shelf = Alert.shelf(asked.manage.desk.store.records)
    known = await shelf.get(asked.path["id"], asked.tenant(""))
    if known is None or not asked.entry.sees(known.app):
        raise Mistaken("not_found", "there is no such alert", place="id")
    await asked.manage.register.recorder.note(asked.actor, "alert.acknowledge", tenant=known.tenant, target=known.id)
    now = asked.manage.clock.now_ns()
    changed = await shelf.amend(
        known.id, lambda one: one.acknowledged(now, asked.actor.key, noise=asked.body.noise), known.tenant
    )
    if changed is None:
        raise Mistaken("not_found", "there is no such alert", place="id")
    return changed


async def list_notices(asked: Asked[AlertParams, None]) -> Page[Notice]:
    """Who was told what, and whether it arrived."""
    params = asked.params
    found = await Notice.shelf(asked.manage.desk.store.records).find(
        tenant=asked.tenant(""), apps=asked.apps(params.app), since_ns=params.since_ns, limit=params.limit
    )
    return Page(items=found)


async def list_silences(asked: Asked[NoParams, None]) -> Page[Silence]:
    """What is silenced now or will be."""
    now = asked.manage.clock.now_ns()
    found = await Silence.shelf(asked.manage.desk.store.records).find(tenant=asked.tenant(""), since_ns=now)
    return Page(items=[each for each in found if asked.entry.sees(each.app)])


async def create_silence(asked: Asked[NoParams, NewSilence]) -> Silence:
    """Keep quiet about alerts for a time. The silences of a tenant other than the operator's cover its own alerts."""
    body, now = asked.body, asked.manage.clock.now_ns()
    app = asked.app(body.app)
    made = Silence(
        id=new_id(now),
        tenant=home(asked),
        app=app,
        objective=body.objective,
        finding=body.finding,
        severity=body.severity,
        everywhere=asked.actor.everywhere,
        begins_ns=now,
        ends_ns=now + body.minutes * 60_000_000_000,
        why=body.why,
        by=asked.actor.key,
    )
    await asked.manage.register.recorder.note(
        asked.actor, "silence.create", tenant=made.tenant, target=made.id, details={"why": made.why}
    )
    await Silence.shelf(asked.manage.desk.store.records).put(made)
    return made


async def end_silence(asked: Asked[NoParams, None]) -> Silence:
    """End a silence now."""
    shelf = Silence.shelf(asked.manage.desk.store.records)
    known = await shelf.get(asked.path["id"], asked.tenant(""))
    if known is None or not asked.entry.sees(known.app):
        raise Mistaken("not_found", "there is no such silence", place="id")
    await asked.manage.register.recorder.note(asked.actor, "silence.end", tenant=known.tenant, target=known.id)
    ended = known.but(ends_ns=min(known.ends_ns, asked.manage.clock.now_ns()))
    await shelf.put(ended)
    return ended


async def test_contact(asked: Asked[NoParams, Tested]) -> Notice:
    """Send a test notice to a contact of an app, and say whether it arrived."""
    app, name = app_of(asked, asked.body.app), asked.body.contact
    contact = app.contacts.get(name)
    if contact is None:
        raise Mistaken("not_found", f"the app has no contact {name!r}", place="contact")
    await asked.manage.register.recorder.note(
        asked.actor, "contact.test", tenant=asked.actor.tenant, target=name, details={"app": app.objectives.app}
    )
    return await asked.manage.teller.test(app.objectives.app, name, contact, asked.manage.clock.now_ns())


async def oncall(asked: Asked[ObjectiveParams, None]) -> Readiness:
    """Who is on call, and every fault of the alerting. Addresses are not tried: `rowen oncall check` does."""
    app = app_of(asked, asked.params.app)
    return await readiness(asked.manage.desk.store, app, asked.manage.clock.now_ns())


async def toil_of(asked: Asked[WeekParams, None]) -> Page[Week]:
    """What being on call cost, week by week."""
    app = app_of(asked, asked.params.app)
    return Page(items=await toil(asked.manage.desk.store, app, asked.manage.clock.now_ns(), asked.params.weeks))


def home(asked: Asked[Any, Any]) -> str:
    """Return the tenant that what the caller makes belongs to: that of the operator for an admin."""
    return OPERATOR if asked.actor.everywhere else asked.actor.tenant


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/alerts",
        name="list_alerts",
        summary="Alerts, newest first.",
        scope="read",
        run=list_alerts,
        gives=Alert,
        many=True,
        params=AlertParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/alerts/{id}/acknowledge",
        name="acknowledge_alert",
        summary="Say that somebody looks after it.",
        scope="manage",
        run=acknowledge,
        gives=Alert,
        params=NoParams,
        body=Acknowledged,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/notices",
        name="list_notices",
        summary="Who was told what, and whether it arrived.",
        scope="read",
        run=list_notices,
        gives=Notice,
        many=True,
        params=AlertParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/silences",
        name="list_silences",
        summary="What nobody is told of.",
        scope="read",
        run=list_silences,
        gives=Silence,
        many=True,
        params=NoParams,
    ),
    Verb(
        method="POST",
        path="/api/silences",
        name="create_silence",
        summary="Keep quiet about alerts for a time.",
        scope="manage",
        run=create_silence,
        gives=Silence,
        params=NoParams,
        body=NewSilence,
        status=201,
        errors=("not_found",),
    ),
    Verb(
        method="DELETE",
        path="/api/silences/{id}",
        name="end_silence",
        summary="End a silence now.",
        scope="manage",
        run=end_silence,
        gives=Silence,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/contacts/test",
        name="test_contact",
        summary="Send a test notice to a contact.",
        scope="admin",
        run=test_contact,
        gives=Notice,
        params=NoParams,
        body=Tested,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/oncall",
        name="oncall",
        summary="Who is on call, and what would go wrong at night.",
        scope="admin",
        run=oncall,
        gives=Readiness,
        params=ObjectiveParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/toil",
        name="toil",
        summary="Alerts, pages, nights and noise of every week on call.",
        scope="admin",
        run=toil_of,
        gives=Week,
        many=True,
        params=WeekParams,
        errors=("not_found",),
    ),
)
