"""Rollouts that somebody writes: several versions that answer one app at once, and how they go."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from rowen.api.manage.base import Asked, Name, NoParams, Page, Plain, Verb, Verbs
from rowen.api.manage.releases import OUT, Note, Said, Share, Text, app_of, noted, why_of
from rowen.release import PRODUCTION
from rowen.release.course import Course
from rowen.release.office import Done
from rowen.release.practice import Practice, practice
from rowen.values import Arm, Mistaken, Rollout, Settings, Unit

_DAY_NS = 86_400 * 10**9
_ALL_LINES = 1_000_000

Seconds = Annotated[float, Meta(ge=0, le=10_000_000)]
Dollars = Annotated[float, Meta(ge=0, le=1_000_000)]


class Practised(Settings, frozen=True, kw_only=True):
    """Of how many days."""

    days: Annotated[int, Meta(ge=1, le=3_650)] = 90


class NewArm(Settings, frozen=True, kw_only=True):
    """A version that answers some."""

    name: Name
    version: Name
    """A number, a label, or the beginning of a hash."""
    share: Share


class NewRollout(Settings, frozen=True, kw_only=True):
    """What is live is the first arm, `baseline`; it has the rest of the shares."""

    strategy: Literal["canary", "experiment", "bandit", "shadow"]
    arms: Annotated[tuple[NewArm, ...], Meta(min_length=1, max_length=20)]
    note: Note
    environment: Name = PRODUCTION
    unit: Unit = "user"
    steps: Annotated[tuple[Share, ...], Meta(max_length=50)] = ()
    """Of a canary, the shares of its one arm in order, the first of them the arm's own; 1 at last."""
    floor: Share = 0.05
    """Of a bandit, what every arm keeps."""
    policy: Literal["thompson", "top-two"] = "thompson"
    budget: Dollars | None = None
    """Of a shadow, US dollars."""
    auto: bool = True
    """Whether the rule takes steps, promotes and rolls back by itself."""
    least: Annotated[int, Meta(ge=1, le=10_000_000)] = 100
    pause: Seconds = 0.0
    force: bool = False


class Promotion(Settings, frozen=True, kw_only=True):
    """Why an arm of a rollout shall answer everybody."""

    note: Text = ""
    arm: Plain = ""
    """The name of the arm; the candidate unless one is named."""
    force: bool = False


class Shift(Settings, frozen=True, kw_only=True):
    """Why a rollout takes its next step, or which shares its arms shall have."""

    note: Text = ""
    shares: dict[str, Share] | None = None


async def begin_rollout(asked: Asked[NoParams, NewRollout]) -> Rollout:
    """Let versions answer some, if the gate is open for each."""
    app, body, office = app_of(asked), asked.body, asked.manage.office
    live = await office.desk.live(app, body.environment)
    if live is None or not live.definition:
        raise Mistaken("conflict", f"nothing of {app} is live in {body.environment}: release a version first")
    arms = [
        Arm(name=arm.name, definition=(await office.desk.version(app, arm.version)).definition, share=arm.share)
        for arm in body.arms
    ]
    rest = 1.0 if body.strategy == "shadow" else 1 - sum(arm.share for arm in arms)
    if rest < -1e-9:
        raise Mistaken("field_invalid", "the arms' shares add up to 1 at most", place="arms")
    rollout = Rollout(
        id="",
        app=app,
        environment=body.environment,
        strategy=body.strategy,
        arms=(Arm(name="baseline", definition=live.definition, share=max(0.0, rest)), *arms),
        unit=body.unit,
        steps=(body.steps or (arms[0].share, 1.0)) if body.strategy == "canary" else (),
        floor=body.floor if body.strategy == "bandit" else 0.0,
        policy=body.policy,
        budget=body.budget if body.strategy == "shadow" else None,
        auto=body.auto,
        least=body.least,
        pause=body.pause,
    )
    begun = await office.begin(rollout, why_of(asked, body.note, force=body.force))
    return await noted(asked, "release.begin", app, begun)


async def list_rollouts(asked: Asked[NoParams, None]) -> Page[Rollout]:
    """The rollouts of an app, those that have ended too, the last begun first."""
    return Page(items=await asked.manage.office.desk.rollouts(app_of(asked)))


async def get_practice(asked: Asked[Practised, None]) -> Practice:
    """How changes of an app reached everybody: how many versions were compared with what was live first."""
    app, desk = app_of(asked), asked.manage.office.desk
    since = asked.manage.clock.now_ns() - asked.params.days * _DAY_NS
    return practice(await desk.log(app, limit=_ALL_LINES), await desk.rollouts(app, limit=_ALL_LINES), since)


async def get_rollout(asked: Asked[NoParams, None]) -> Rollout:
    """One rollout."""
    return await rollout_of(asked)


async def step_rollout(asked: Asked[NoParams, Shift]) -> Rollout:
    """Give a canary its next share, or any rollout the shares that are named."""
    rollout = await rollout_of(asked)
    found = await asked.manage.office.desk.step(rollout.id, why_of(asked, asked.body.note), shares=asked.body.shares)
    return await noted(asked, "release.step", rollout.app, found)


async def promote_rollout(asked: Asked[NoParams, Promotion]) -> Done:
    """Let an arm of a rollout answer everybody, if the gate is open."""
    rollout, body = await rollout_of(asked), asked.body
    done = await asked.manage.office.promote(rollout.id, why_of(asked, body.note, force=body.force), arm=body.arm)
    return await noted(asked, "release.promote", rollout.app, done)


async def stop_rollout(asked: Asked[NoParams, Said]) -> Rollout:
    """End a rollout; what is live answers everybody."""
    rollout = await rollout_of(asked)
    found = await asked.manage.office.desk.stop(rollout.id, why_of(asked, asked.body.note))
    return await noted(asked, "release.stop", rollout.app, found)


async def get_course(asked: Asked[NoParams, None]) -> Course:
    """How a rollout goes, as it was looked at last."""
    rollout = await rollout_of(asked)
    found = await asked.manage.office.desk.courses.get(rollout.id)
    return found or Course(id=rollout.id, app=rollout.app)


async def rollout_of(asked: Asked[Any, Any]) -> Rollout:
    """Return the rollout of the path.

    Raises:
        Mistaken: `not_found`.

    """
    rollout = await asked.manage.office.desk.rollout(asked.path["id"])
    if rollout.app != app_of(asked):
        raise Mistaken("not_found", f"there is no rollout {asked.path['id']!r}", place="rollout")
    return rollout


_ALL = "/api/releases/{app}/rollouts"

VERBS: Verbs = (
    Verb(
        method="GET", path=_ALL, name="list_rollouts", scope="release", run=list_rollouts, gives=Rollout,
        summary="The rollouts of an app, the last begun first.", many=True, params=NoParams,
    ),
    Verb(
        method="POST", path=_ALL, name="begin_rollout", scope="release", run=begin_rollout, gives=Rollout,
        summary="Let versions answer some, if the gate is open.", params=NoParams, body=NewRollout, status=201,
        errors=OUT,
    ),
    Verb(
        method="GET", path="/api/releases/{app}/practice", name="get_practice", scope="release", run=get_practice,
        summary="How many versions were compared with what was live before they answered everybody.", params=Practised,
        gives=Practice,
    ),
    Verb(
        method="GET", path=f"{_ALL}/{{id}}/course", name="get_course", scope="release", run=get_course, gives=Course,
        summary="How a rollout goes: units, intervals over time, and what the rule says.", params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET", path=f"{_ALL}/{{id}}", name="get_rollout", scope="release", run=get_rollout, gives=Rollout,
        summary="One rollout, running or ended.", params=NoParams, errors=("not_found",),
    ),
    Verb(
        method="POST", path=f"{_ALL}/{{id}}/step", name="step_rollout", scope="release", run=step_rollout,
        summary="Give a rollout its next share.", params=NoParams, body=Shift, gives=Rollout, errors=OUT,
    ),
    Verb(
        method="POST", path=f"{_ALL}/{{id}}/promote", name="promote_rollout", scope="release", run=promote_rollout,
        summary="Let an arm answer everybody, if the gate is open.", params=NoParams, body=Promotion, gives=Done, errors=OUT,
    ),
    Verb(
        method="POST", path=f"{_ALL}/{{id}}/stop", name="stop_rollout", scope="release", run=stop_rollout,
        summary="End a rollout.", params=NoParams, body=Said, gives=Rollout, errors=("not_found", "conflict"),
    ),
)  # fmt: skip
