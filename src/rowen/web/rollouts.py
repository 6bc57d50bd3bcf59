"""What rolls out: the arms of a rollout with their figures, the interval over time, what the rule says, and what was done."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Actor, Visit
from rowen.release import Reason
from rowen.release.course import Course, Point
from rowen.release.practice import Practice, practice
from rowen.values import Arm, Mistaken, Problem, Refused, ReleaseLine, Rollout, at
from rowen.values.interval import Interval
from rowen.web.charts import Mark, Slot, trend
from rowen.web.forms import line, text
from rowen.web.page import Page, Services, api_call

_LINES = 10_000
_BROKEN = 0.001
_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One arm."""

    arm: Arm
    version: int
    """0 where it is no version that was put forward."""
    units: int
    calls: int
    means: Sequence[tuple[str, Interval]]
    gaps: Sequence[str]
    """Each metric of the plan against the baseline, as a sentence."""
    chance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How one arm stood against the baseline over time."""

    arm: str
    chart: Markup
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """The rollouts of an app."""

    title: str
    app: str
    rollouts: Sequence[Rollout]
    practice: Practice
    """Of the last 90 days."""
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """One rollout."""

    title: str
    it: Rollout
    course: Course
    arms: Sequence[Shown]
    gaps: Sequence[Gap]
    broken: bool
    """Whether units were not split as they should have been."""
    further: float | None
    """The next share of a canary; None when there is none."""
    acts: Sequence[ReleaseLine]
    failed: Problem | None
    call: str


async def rollouts(request: Request, services: Services, visit: Visit) -> Page:
    """The rollouts of an app, the last begun first."""
    app, desk = _app(request, visit), services.office.desk
    found, since = await desk.rollouts(app, limit=_LINES), services.clock.now_ns() - 90 * _DAY_NS
    return Page(
        template="releases/rollouts.html",
        context=Many(
            title=f"Rollouts of {app}",
            app=app,
            rollouts=found,
            practice=practice(await desk.log(app, limit=_LINES), found, since),
            call=api_call(request, f"/api/releases/{app}/rollouts"),
        ),
    )


async def rollout(request: Request, services: Services, visit: Visit) -> Page:
    """One rollout."""
    return await _shown(request, services, visit)


async def change(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Take the next step, promote an arm, stop it, or roll it back."""
    found, office = await _rollout(request, services, visit), services.office
    form, actor = await request.form(), Actor.of(visit.entry, services.address(request))
    what, person = request.path_params["what"], visit.entry.person
    why = Reason(by=person, note=text(form, "note", most=4_000))
    try:
        match what:
            case "step":
                await office.desk.step(found.id, why)
            case "promote":
                await office.promote(found.id, why, arm=line(form, "arm"))
            case "stop":
                await office.desk.stop(found.id, why)
            case "rollback":
                await office.desk.stop(found.id, why, state="rolled back")
            case _:
                raise Mistaken("not_found")
    except Problem as problem:
        if problem.code == "not_found":
            raise
        return await _shown(request, services, visit, failed=problem)
    await services.register.recorder.note(actor, f"release.{what}", tenant=actor.tenant, target=found.app)
    return RedirectResponse(f"/releases/{quote(found.app)}/rollouts/{found.id}", 303)


async def _shown(request: Request, services: Services, visit: Visit, *, failed: Problem | None = None) -> Page:
    it, desk = await _rollout(request, services, visit), services.office.desk
    course = await desk.courses.get(it.id) or Course(id=it.id, app=it.app)
    numbers = {version.definition: version.number for version in await desk.versions(it.app)}
    told = course.verdict.figures.get("metrics", {})
    further = it.steps[it.step + 1] if it.strategy == "canary" and it.step + 1 < len(it.steps) else None
    return Page(
        template="releases/rollout.html",
        context=One(
            title=f"{it.strategy.capitalize()} of {it.app}",
            it=it,
            course=course,
            arms=[
                Shown(
                    arm=arm,
                    version=numbers.get(arm.definition, 0),
                    units=course.units.get(arm.name, 0),
                    calls=course.calls.get(arm.name, 0),
                    means=list(course.means.get(arm.name, {}).items()),
                    gaps=told.get(arm.name, ()),
                    chance=course.chances.get(arm.name),
                )
                for arm in it.arms
            ],
            gaps=[gap for arm in it.arms[1:] if (gap := _gap(arm.name, course)) is not None],
            broken=course.looks.split < _BROKEN,
            further=further if further is None or further < 1 else None,
            acts=[each for each in await desk.log(it.app, limit=_LINES) if each.rollout == it.id],
            failed=failed,
            call=api_call(request, f"/api/releases/{it.app}/rollouts/{it.id}/course"),
        ),
        status=200 if failed is None else failed.status,
    )


def _gap(arm: str, course: Course) -> Gap | None:
    """Return the line of an arm's difference over time; None before there is one."""
    points = [point for point in course.points if point.arm == arm and point.value is not None]
    if not points:
        return None
    shape = "%H:%M" if points[-1].at_ns - points[0].at_ns < _DAY_NS else "%d %b"
    slots = [Slot(name=at(point.at_ns).strftime(shape)) for point in points]
    late = points[len(points) // 2 :]
    means = [_interval(point) for point in points]
    marks = [
        Mark(place=place, name=f"step {point.step + 1}")
        for place, point in enumerate(points)
        if place and point.step != points[place - 1].step
    ]
    return Gap(
        arm=arm,
        chart=trend(
            slots,
            means,
            f"{course.primary}: {arm} less baseline",
            marks=marks,
            target=0.0,
            holds=[bound for point in late for bound in (point.low, point.high)],
        ),
        rows=[(str(at(point.at_ns))[:19], str(mean)) for point, mean in zip(points, means, strict=True)][::-1],
    )


def _interval(point: Point) -> Interval:
    return Interval(value=point.value, low=point.low, high=point.high, n=point.n, method="mixture")


async def _rollout(request: Request, services: Services, visit: Visit) -> Rollout:
    app = _app(request, visit)
    found = await services.office.desk.rollout(request.path_params["id"])
    if found.app != app:
        raise Mistaken("not_found", "There is no such rollout.", place="rollout")
    return found


def _app(request: Request, visit: Visit) -> str:
    if "release" not in visit.entry.scopes:
        raise Refused("key_scope", "the key has not the scope `release`", place="scopes")
    app: str = request.path_params["app"]
    if not visit.entry.sees(app):
        raise Mistaken("not_found", f"there is no app {app!r}", place="app")
    return app
