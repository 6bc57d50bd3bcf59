"""Releases: what is live, versions and what is said of them, the gate, and every act that lets something out or takes it back."""

from typing import Annotated, Any, TypeVar

from msgspec import Meta

from rowen.api.manage.base import Asked, Limited, Name, NoParams, Page, Plain, Verb, Verbs, Whole
from rowen.release import PRODUCTION, Fault, Reason, Version
from rowen.release.differ import Diff, differ
from rowen.release.mirror import Difference, mirror
from rowen.release.office import Done
from rowen.release.remark import Remark
from rowen.release.ruling import Ruling
from rowen.values import Live, Mistaken, ReleaseLine, Settings, Value

T = TypeVar("T")

Text = Annotated[str, Meta(max_length=4_000, pattern=r"^[^\u0000]*$")]
Note = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=4_000,
        pattern=r"^[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff][^\u0000]*$",
    ),
]
"""A text that begins with something to be seen."""
Label = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,59}$")]
Share = Annotated[float, Meta(ge=0, le=1)]


class LiveParams(Settings, frozen=True, kw_only=True):
    """Of which app; empty for all that the key may see."""

    app: Plain = ""


class LogParams(Settings, frozen=True, kw_only=True):
    """Which lines of the log, newest first; `before` is the `next` of the page before."""

    environment: Plain = ""
    before: Whole = 0
    limit: Limited = 100


class Where(Settings, frozen=True, kw_only=True):
    """In which environment."""

    environment: Name = PRODUCTION


class Two(Settings, frozen=True, kw_only=True):
    """Two versions: numbers, labels, or beginnings of hashes."""

    left: Name
    right: Name


class Environments(Settings, frozen=True, kw_only=True):
    """Two environments, whose live versions are held against each other."""

    left: Name = "staging"
    right: Name = PRODUCTION


class NewVersion(Settings, frozen=True, kw_only=True):
    """A Definition that is put forward."""

    definition: Name
    note: Note


class Wanted(Settings, frozen=True, kw_only=True):
    """Why it is done, and where."""

    note: Text = ""
    environment: Name = PRODUCTION
    force: bool = False
    """Whatever the gate says. It needs a note and the scope `admin`, and stands in the log."""


class Freeze(Settings, frozen=True, kw_only=True):
    """Why nothing may be let out."""

    note: Note
    environment: Name = PRODUCTION


class Thaw(Settings, frozen=True, kw_only=True):
    """Why it may again."""

    note: Text = ""
    environment: Name = PRODUCTION


class Back(Settings, frozen=True, kw_only=True):
    """Why something is taken back, and how far."""

    note: Text = ""
    environment: Name = PRODUCTION
    to: Plain = ""
    """A version to go to at once; empty undoes the last thing."""


class Said(Settings, frozen=True, kw_only=True):
    """A note."""

    note: Text = ""


class Labelled(Settings, frozen=True, kw_only=True):
    """A label for a version; another version that has it loses it."""

    label: Label
    note: Text = ""


class NewRemark(Settings, frozen=True, kw_only=True):
    """What somebody says of a version."""

    text: Note
    blocks: bool = False
    """Whether the version may not be let out until this is resolved."""


class Held(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Whether the log of an app holds: no line was changed, taken out or slipped in."""

    holds: bool
    fault: Fault | None = None


async def list_live(asked: Asked[LiveParams, None]) -> Page[Live]:
    """What is live in each environment of each app, with what rolls out there."""
    app, allowed = asked.app(asked.params.app), asked.entry.apps
    found = await asked.manage.office.desk.lives(app)
    return Page(items=[one for one in found if not allowed or one.app in allowed])


async def list_release_lines(asked: Asked[LogParams, None]) -> Page[ReleaseLine]:
    """What was done, newest first."""
    params = asked.params
    found = await asked.manage.office.desk.log(
        app_of(asked), environment=params.environment, before=params.before, limit=params.limit
    )
    return Page(items=found, next=str(found[-1].number) if len(found) == params.limit and found[-1].number > 1 else "")


async def verify_releases(asked: Asked[NoParams, None]) -> Held:
    """Whether the log holds, and where it first does not."""
    fault = await asked.manage.office.desk.verify(app_of(asked))
    return Held(holds=fault is None, fault=fault)


async def list_versions(asked: Asked[NoParams, None]) -> Page[Version]:
    """The versions of an app, the last one first."""
    return Page(items=(await asked.manage.office.desk.versions(app_of(asked)))[::-1])


async def create_version(asked: Asked[NoParams, NewVersion]) -> Version:
    """Put a Definition that is kept here forward, under a note."""
    app, body = app_of(asked), asked.body
    definition = await asked.manage.definitions.get(body.definition)
    if definition is None or definition.app != app:
        raise Mistaken("not_found", f"{app} has no definition {body.definition[:12]!r}", place="definition")
    version = await asked.manage.office.propose(definition, why_of(asked, body.note))
    return await noted(asked, "release.propose", app, version)


async def get_version(asked: Asked[NoParams, None]) -> Version:
    """One version: its author, labels, approvals."""
    return await asked.manage.office.desk.version(app_of(asked), asked.path["version"])


async def get_ruling(asked: Asked[Where, None]) -> Ruling:
    """What the gate says of a version now; nothing is let out by asking."""
    return await asked.manage.office.ruling(app_of(asked), asked.path["version"], environment=asked.params.environment)


async def diff_versions(asked: Asked[Two, None]) -> Diff:
    """How two versions differ: prompts word by word, settings by place, what would cost more or less."""
    app, office = app_of(asked), asked.manage.office
    left, right = [
        await office.definition(await office.desk.version(app, name))
        for name in (asked.params.left, asked.params.right)
    ]
    return differ(left, right)


async def mirror_environments(asked: Asked[Environments, None]) -> Page[Difference]:
    """What two environments do not share: first what nobody said might differ, then what must."""
    app, office = app_of(asked), asked.manage.office
    left, right = [await office.answering(app, name) for name in (asked.params.left, asked.params.right)]
    return Page(items=mirror(left, right, office.may_differ(right)))


async def release_version(asked: Asked[NoParams, Wanted]) -> Done:
    """Let a version out by its app's strategy, if the gate is open."""
    app, body = app_of(asked), asked.body
    done = await asked.manage.office.let_out(
        app, asked.path["version"], why_of(asked, body.note, force=body.force), environment=body.environment
    )
    return await noted(asked, "release.out", app, done)


async def roll_back(asked: Asked[NoParams, Back]) -> Live:
    """Undo what was done last: end what rolls out, or let what was live before answer again."""
    app, body = app_of(asked), asked.body
    desk = asked.manage.office.desk
    to = (await desk.version(app, body.to)).definition if body.to else ""
    live = await desk.rollback(app, why_of(asked, body.note), environment=body.environment, to=to)
    return await noted(asked, "release.rollback", app, live)


async def freeze_releases(asked: Asked[NoParams, Freeze]) -> Live:
    """Let nothing be let out until it is thawed. What goes back goes back all the same."""
    app, body = app_of(asked), asked.body
    live = await asked.manage.office.desk.freeze(app, why_of(asked, body.note), environment=body.environment)
    return await noted(asked, "release.freeze", app, live)


async def thaw_releases(asked: Asked[NoParams, Thaw]) -> Live:
    """Let things be let out again."""
    app, body = app_of(asked), asked.body
    live = await asked.manage.office.desk.thaw(app, why_of(asked, body.note), environment=body.environment)
    return await noted(asked, "release.thaw", app, live)


async def approve_version(asked: Asked[NoParams, Said]) -> ReleaseLine:
    """Approve of a version. The author's own approval does not count at the gate."""
    app = app_of(asked)
    line = await asked.manage.office.desk.approve(app, asked.path["version"], why_of(asked, asked.body.note))
    return await noted(asked, "release.approve", app, line)


async def label_version(asked: Asked[NoParams, Labelled]) -> ReleaseLine:
    """Give a version a label."""
    app, body = app_of(asked), asked.body
    line = await asked.manage.office.desk.label(app, asked.path["version"], body.label, why_of(asked, body.note))
    return await noted(asked, "release.label", app, line)


async def list_remarks(asked: Asked[NoParams, None]) -> Page[Remark]:
    """What was said of a version, the oldest first."""
    app, office = app_of(asked), asked.manage.office
    version = await office.desk.version(app, asked.path["version"])
    return Page(items=await office.remarks.of(app, version.definition))


async def create_remark(asked: Asked[NoParams, NewRemark]) -> Remark:
    """Say something of a version; it may block it."""
    app, office = app_of(asked), asked.manage.office
    version = await office.desk.version(app, asked.path["version"])
    remark = await office.remarks.add(
        app, version.definition, asked.body.text, by=asked.entry.person, blocks=asked.body.blocks
    )
    return await noted(asked, "release.remark", app, remark)


async def resolve_remark(asked: Asked[NoParams, Said]) -> Remark:
    """Say that a remark holds nothing up any more."""
    app = app_of(asked)
    remark = await asked.manage.office.remarks.resolve(
        asked.path["id"], app, by=asked.entry.person, answer=asked.body.note
    )
    return await noted(asked, "release.resolve", app, remark)


def app_of(asked: Asked[Any, Any]) -> str:
    """Return the app of the path.

    Raises:
        Mistaken: `not_found` for one that the key may not see.

    """
    app = asked.path["app"]
    if not asked.entry.sees(app):
        raise Mistaken("not_found", f"there is no app {app!r}", place="app")
    return app


def why_of(asked: Asked[Any, Any], note: str, *, force: bool = False) -> Reason:
    """Return why somebody does it; whoever forces it must administer."""
    if force:
        asked.actor.must_administer()
    return Reason(by=asked.entry.person, note=note, force=force)


async def noted(asked: Asked[Any, Any], act: str, app: str, done: T) -> T:
    """Note an act of somebody's in the audit log; return what came of it."""
    await asked.manage.register.recorder.note(asked.actor, act, tenant=asked.actor.tenant, target=app)
    return done


_APP = "/api/releases/{app}"
_ONE = f"{_APP}/versions/{{version}}"
OUT = ("not_found", "conflict", "release_refused", "release_frozen", "field_invalid", "key_scope")

VERBS: Verbs = (
    Verb(
        method="GET", path="/api/releases", name="list_live", scope="read", run=list_live, gives=Live,
        summary="What is live in each environment of each app.", many=True, params=LiveParams, errors=("not_found",),
    ),
    Verb(
        method="GET", path=_APP, name="list_release_lines", scope="release", run=list_release_lines, gives=ReleaseLine,
        summary="The log of an app: what was let out, by whom, on what grounds.", many=True, params=LogParams,
    ),
    Verb(
        method="GET", path=f"{_APP}/verify", name="verify_releases", scope="release", run=verify_releases, gives=Held,
        summary="Whether the log is as it was written.", params=NoParams,
    ),
    Verb(
        method="GET", path=f"{_APP}/diff", name="diff_versions", scope="release", run=diff_versions, gives=Diff,
        summary="How two versions differ.", params=Two, errors=("not_found",),
    ),
    Verb(
        method="GET", path=f"{_APP}/mirror", name="mirror_environments", scope="release", run=mirror_environments,
        summary="What two environments do not share.", many=True, params=Environments, gives=Difference,
        errors=("not_found",),
    ),
    Verb(
        method="POST", path=f"{_APP}/rollback", name="roll_back", scope="release", run=roll_back, gives=Live,
        summary="Undo what was done last, all of it together.", params=NoParams, body=Back,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST", path=f"{_APP}/freeze", name="freeze_releases", scope="release", run=freeze_releases, gives=Live,
        summary="Let nothing be let out for now.", params=NoParams, body=Freeze, errors=("conflict",),
    ),
    Verb(
        method="POST", path=f"{_APP}/thaw", name="thaw_releases", scope="release", run=thaw_releases, gives=Live,
        summary="Let things be let out again.", params=NoParams, body=Thaw, errors=("conflict",),
    ),
    Verb(
        method="GET", path=f"{_APP}/versions", name="list_versions", scope="release", run=list_versions, gives=Version,
        summary="The versions of an app, the last one first.", many=True, params=NoParams,
    ),
    Verb(
        method="POST", path=f"{_APP}/versions", name="create_version", scope="release", run=create_version, gives=Version,
        summary="Put a Definition forward.", params=NoParams, body=NewVersion, status=201,
        errors=("not_found", "field_invalid"),
    ),
    Verb(
        method="GET", path=_ONE, name="get_version", scope="release", run=get_version, gives=Version,
        summary="One version: its author, labels, approvals.", params=NoParams, errors=("not_found",),
    ),
    Verb(
        method="GET", path=f"{_ONE}/gate", name="get_ruling", scope="release", run=get_ruling, gives=Ruling,
        summary="What the gate says of a version now.", params=Where, errors=("not_found",),
    ),
    Verb(
        method="POST", path=f"{_ONE}/release", name="release_version", scope="release", run=release_version, gives=Done,
        summary="Let a version out, if the gate is open.", params=NoParams, body=Wanted, errors=OUT,
    ),
    Verb(
        method="POST", path=f"{_ONE}/approve", name="approve_version", scope="release", run=approve_version,
        summary="Approve of a version.", params=NoParams, body=Said, gives=ReleaseLine, errors=("not_found",),
    ),
    Verb(
        method="POST", path=f"{_ONE}/label", name="label_version", scope="release", run=label_version, gives=ReleaseLine,
        summary="Give a version a label.", params=NoParams, body=Labelled, errors=("not_found", "field_invalid"),
    ),
    Verb(
        method="GET", path=f"{_ONE}/remarks", name="list_remarks", scope="release", run=list_remarks, gives=Remark,
        summary="What was said of a version.", many=True, params=NoParams, errors=("not_found",),
    ),
    Verb(
        method="POST", path=f"{_ONE}/remarks", name="create_remark", scope="release", run=create_remark, gives=Remark,
        summary="Say something of a version; it may block it.", params=NoParams, body=NewRemark, status=201,
        errors=("not_found",),
    ),
    Verb(
        method="POST", path=f"{_APP}/remarks/{{id}}/resolve", name="resolve_remark", scope="release", run=resolve_remark,
        summary="Say that a remark holds nothing up any more.", params=NoParams, body=Said, gives=Remark,
        errors=("not_found", "conflict"),
    ),
)  # fmt: skip
