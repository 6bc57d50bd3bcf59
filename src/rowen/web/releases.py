"""What was let out: an app's acts as a timeline with its figures under it, one version with its gate, two side by side."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Actor, Visit
from rowen.release import PRODUCTION, Fault, Reason, Version
from rowen.release.differ import SECTIONS, Section, Setting, Text, differ, said
from rowen.release.remark import Remark
from rowen.release.ruling import Ruling
from rowen.release.version import version_named
from rowen.values import Live, Mistaken, Problem, Refused, ReleaseLine
from rowen.values.interval import Interval, mean_of_sums
from rowen.web.charts import Mark, Slot, trend
from rowen.web.forms import Fields, line, text
from rowen.web.page import Page, Services, api_call
from rowen.web.said import said_bound
from rowen.web.stretch import Stretch, covering, stretch_of

_SHOWN = 200
_MARKED = ("release", "promote", "rollback", "begin")
_LANES = 4
_EMPTY = Interval(value=None, low=0.0, high=1.0, n=0, method="t")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is live in one environment."""

    live: Live
    version: Version | None
    before: Version | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One figure over time, under the acts."""

    name: str
    link: str
    chart: Markup
    rows: Sequence[tuple[str, str]]
    """Stretch and figure, for the table beside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One line of the log with the version that it is about."""

    line: ReleaseLine
    version: Version | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The releases of an app."""

    title: str
    app: str
    apps: Sequence[str]
    stretch: Stretch
    standing: Sequence[Standing]
    versions: Sequence[Version]
    acts: Sequence[Act]
    lanes: Sequence[Lane]
    fault: Fault | None
    failed: Problem | None
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneVersion:
    """One version."""

    title: str
    it: Version
    environment: str
    environments: Sequence[str]
    ruling: Ruling
    remarks: Sequence[Remark]
    live: Live | None
    against: Version | None
    """What is live there, to be compared with."""
    rollout: str
    """The rollout that tries it out, empty where none does."""
    acts: Sequence[Act]
    person: str
    failed: Problem | None
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What differs in one section."""

    name: Section
    settings: Sequence[tuple[Setting, str, str]]
    texts: Sequence[Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """Two versions side by side."""

    title: str
    app: str
    left: Version
    right: Version
    versions: Sequence[Version]
    parts: Sequence[Part]
    costs: Sequence[str]
    call: str


async def releases(request: Request, services: Services, visit: Visit) -> Page:
    """The releases of the app that the address names, or of the first one."""
    return await _history(request, services, visit, request.query_params.get("app", ""))


async def change_app(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Roll an app back, freeze or thaw it."""
    app, what = _app(request, visit), request.path_params["what"]
    form, why, actor = await _filled(request, services, visit)
    environment = line(form, "environment") or PRODUCTION
    acts: dict[str, Callable[..., Awaitable[Live]]] = {
        "rollback": services.office.desk.rollback,
        "freeze": services.office.desk.freeze,
        "thaw": services.office.desk.thaw,
    }
    if what not in acts:
        raise Mistaken("not_found")
    try:
        await acts[what](app, why, environment=environment)
    except Problem as problem:
        return await _history(request, services, visit, app, failed=problem)
    await services.register.recorder.note(actor, f"release.{what}", tenant=actor.tenant, target=app)
    return RedirectResponse(f"/releases?app={quote(app)}", 303)


async def version(request: Request, services: Services, visit: Visit) -> Page:
    """One version: what the gate says of it, what people say, and what became of it."""
    return await _shown(request, services, visit)


async def change_version(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Let a version out, promote it, approve, label it, remark on it, resolve a remark."""
    app, what = _app(request, visit), request.path_params["what"]
    form, why, actor = await _filled(request, services, visit)
    office, found = services.office, await services.office.desk.version(app, request.path_params["version"])
    environment = line(form, "environment") or PRODUCTION
    try:
        match what:
            case "release":
                await office.let_out(app, found.definition, why, environment=environment)
            case "promote":
                await office.promote(line(form, "rollout", needed=True), why)
            case "approve":
                await office.desk.approve(app, found.definition, why)
            case "label":
                await office.desk.label(app, found.definition, line(form, "label", needed=True), why)
            case "remark":
                said_ = text(form, "text", most=4_000)
                await office.remarks.add(app, found.definition, said_, by=why.by, blocks=bool(form.get("blocks")))
            case "resolve":
                await office.remarks.resolve(line(form, "remark", needed=True), app, by=why.by, answer=why.note)
            case _:
                raise Mistaken("not_found")
    except Problem as problem:
        if problem.code == "not_found" and what not in ("promote", "resolve"):
            raise
        return await _shown(request, services, visit, failed=problem)
    await services.register.recorder.note(actor, f"release.{what}", tenant=actor.tenant, target=app)
    return RedirectResponse(f"/releases/{quote(app)}/{found.number}?environment={quote(environment)}", 303)


async def difference(request: Request, services: Services, visit: Visit) -> Page:
    """Two versions: prompts word by word, settings by place, what changes the cost of a call."""
    app, office = _app(request, visit), services.office
    versions = await office.desk.versions(app)
    left, right = [version_named(versions, request.query_params.get(side, "")) for side in ("left", "right")]
    found = differ(await office.definition(left), await office.definition(right))
    parts = []
    for section in SECTIONS:
        settings, texts = found.of(section)
        if settings or texts:
            told = [(each, said(each.left), said(each.right)) for each in settings]
            parts.append(Part(name=section, settings=told, texts=texts))
    return Page(
        template="releases/diff.html",
        context=Differing(
            title=f"{app}: version {left.number} and {right.number}",
            app=app,
            left=left,
            right=right,
            versions=versions[::-1],
            parts=parts,
            costs=found.costs,
            call=api_call(request, f"/api/releases/{app}/diff", left=str(left.number), right=str(right.number)),
        ),
    )


async def _history(
    request: Request, services: Services, visit: Visit, app: str, *, failed: Problem | None = None
) -> Page:
    _may(visit)
    lives = await services.office.desk.lives()
    allowed = visit.entry.apps
    apps = sorted({*services.apps(), *(one.app for one in lives)})
    apps = [name for name in apps if not allowed or name in allowed]
    if app and app not in apps:
        raise Mistaken("not_found", f"there is no app {app!r}", place="app")
    app = app or (apps[0] if apps else "")
    desk = services.office.desk
    past = await desk.past(app)
    lines = past.lines[:_SHOWN]
    stretch = stretch_of(request, services.clock, covering(lines[-1].at_ns if lines else 0, services.clock))
    known = {one.definition: one for one in past.versions}
    standing = [
        Standing(live=one, version=known.get(one.definition), before=known.get(one.before))
        for one in lives
        if one.app == app
    ]
    acts = [Act(line=one, version=known.get(one.definition)) for one in lines]
    return Page(
        template="releases/list.html",
        context=History(
            title="Releases",
            app=app,
            apps=apps,
            stretch=stretch,
            standing=standing,
            versions=past.versions[::-1],
            acts=acts,
            lanes=await _lanes(services, app, acts, stretch),
            fault=past.fault,
            failed=failed,
            call=api_call(request, f"/api/releases/{app}"),
        ),
        status=200 if failed is None else failed.status,
    )


async def _shown(request: Request, services: Services, visit: Visit, *, failed: Problem | None = None) -> Page:
    app, office = _app(request, visit), services.office
    past = await office.desk.past(app)
    it = version_named(past.versions, request.path_params["version"])
    lives = {one.environment: one for one in await office.desk.lives(app)}
    environment = request.query_params.get("environment", "") or next(iter(lives), PRODUCTION)
    live = lives.get(environment)
    versions = {one.definition: one for one in past.versions}
    lines = [one for one in past.lines if it.definition in (one.definition, one.before)]
    rolling = [
        one.id for one in (live.rollouts if live else ()) if it.definition in {arm.definition for arm in one.arms[1:]}
    ]
    return Page(
        template="releases/one.html",
        context=OneVersion(
            title=f"{app}, version {it.number}",
            it=it,
            environment=environment,
            environments=sorted({PRODUCTION, environment, *lives}),
            ruling=await office.ruling(app, it.definition, environment=environment),
            remarks=await office.remarks.of(app, it.definition),
            live=live,
            against=versions.get(live.definition) if live and live.definition != it.definition else None,
            rollout=next(iter(rolling), ""),
            acts=[Act(line=one, version=it) for one in lines[:_SHOWN]],
            person=visit.entry.person,
            failed=failed,
            call=api_call(request, f"/api/releases/{app}/versions/{it.number}/gate"),
        ),
        status=200 if failed is None else failed.status,
    )


async def _lanes(services: Services, app: str, acts: Sequence[Act], stretch: Stretch) -> list[Lane]:
    """Return the objectives and the primary score of an app over the stretch, with what was let out marked."""
    slots = [Slot(name=stretch.said(start)) for start in stretch.starts]
    marks = [
        Mark(
            place=(one.line.at_ns - stretch.since_ns) // stretch.every_ns,
            name=f"{one.line.act} {one.version.number if one.version else ''}".strip(),
        )
        for one in acts
        if one.line.act in _MARKED and stretch.since_ns <= one.line.at_ns < stretch.until_ns
    ]
    watched = next(iter(services.desk.apps(app)), None)
    names = sorted(watched.objectives.watch)[:_LANES] if watched else []
    lanes = []
    for name in names:
        assert watched is not None
        row = await services.desk.line(watched, name, steps=len(slots))
        means = [_EMPTY] * len(slots)
        for begin, stands in row.points:
            place = (begin - stretch.since_ns) // stretch.every_ns
            if 0 <= place < len(means) and stands.estimate is not None:
                means[place] = stands.estimate
        lanes.append(
            _lane(
                f"{name} ({said_bound(row.row.standing.stated)})",
                f"/objectives/{quote(name)}?app={quote(app)}",
                slots,
                means,
                marks,
            )
        )
    for name in await _scored(services, app, stretch):
        buckets = await services.scores.buckets(
            tenant=None,
            name=name,
            app=app,
            since_ns=stretch.since_ns,
            until_ns=stretch.until_ns,
            every_ns=stretch.every_ns,
        )
        at = {each.start_ns: each for each in buckets}
        means = [
            mean_of_sums(each.numbers, each.total, each.squares) if (each := at.get(start)) and each.numbers else _EMPTY
            for start in stretch.starts
        ]
        lanes.append(_lane(name, f"/scores/{quote(name)}?app={quote(app)}", slots, means, marks))
    return lanes


async def _scored(services: Services, app: str, stretch: Stretch) -> list[str]:
    """Return the scores of an app that were given most in the stretch."""
    counts: dict[str, int] = {}
    for each in await services.scores.names(None, app):
        if each.type in ("number", "boolean") and each.last_ns >= stretch.since_ns:
            counts[each.name] = counts.get(each.name, 0) + each.count
    return sorted(counts, key=lambda name: (-counts[name], name))[:_LANES]


def _lane(name: str, link: str, slots: Sequence[Slot], means: Sequence[Interval], marks: Sequence[Mark]) -> Lane:
    share = all(0 <= mean.value <= 1 for mean in means if mean.value is not None)
    rows = [(slot.name, str(mean)) for slot, mean in zip(slots, means, strict=True) if mean.value is not None]
    return Lane(name=name, link=link, chart=trend(slots, means, name, marks=marks, share=share), rows=rows)


async def _filled(request: Request, services: Services, visit: Visit) -> tuple[Fields, Reason, Actor]:
    """Return the fields of a form, with why and by whom it is sent. Only an admin forces anything."""
    _may(visit)
    form = await request.form()
    actor = Actor.of(visit.entry, services.address(request))
    force = bool(form.get("force"))
    if force:
        actor.must_administer()
    return form, Reason(by=visit.entry.person, note=text(form, "note", most=4_000), force=force), actor


def _may(visit: Visit) -> None:
    if "release" not in visit.entry.scopes:
        raise Refused("key_scope", "the key has not the scope `release`", place="scopes")


def _app(request: Request, visit: Visit) -> str:
    _may(visit)
    app: str = request.path_params["app"]
    if not visit.entry.sees(app):
        raise Mistaken("not_found", f"there is no app {app!r}", place="app")
    return app
