"""Prompts: their versions, how two differ, their labels, how one reads with its places filled, and tries of one."""

from typing import Annotated, Any

from msgspec import Meta

from rowen.api.manage.alerts import home
from rowen.api.manage.base import Asked, Name, NoParams, Page, Plain, Verb, Verbs
from rowen.flow.play import Tried, Try
from rowen.prompt import PromptVersion, Variable
from rowen.prompt.diff import DiffLine, differ
from rowen.prompt.version import LATEST
from rowen.values import Mistaken, Settings, Value

Prose = Annotated[str, Meta(max_length=200_000, pattern=r"^[^\u0000]*$")]
Note = Annotated[str, Meta(min_length=1, max_length=2_000, pattern=r"^[^\u0000]*[^\u0000\s][^\u0000]*$")]
Number = Annotated[int, Meta(ge=1, le=1_000_000)]
Label = Annotated[str, Meta(min_length=1, max_length=100, pattern="^[A-Za-z0-9_.-]+$")]
Word = Annotated[str, Meta(max_length=100, pattern="^[A-Za-z0-9_.-]*$")]
Key = Annotated[str, Meta(max_length=100, pattern="^[A-Za-z_][A-Za-z0-9_]*$")]


class PromptsParams(Settings, frozen=True, kw_only=True):
    """Which prompts."""

    tenant: Plain = ""
    app: Plain = ""


class NamedParams(Settings, frozen=True, kw_only=True):
    """Which prompt: `APP/NAME` for one of an app."""

    name: Name
    tenant: Plain = ""


class VersionParams(Settings, frozen=True, kw_only=True):
    """Which version: by its number, by a label, or else the one in production, and the newest where none is."""

    name: Name
    tenant: Plain = ""
    version: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    label: Word = ""


class DiffParams(Settings, frozen=True, kw_only=True):
    """Which two versions; without a later one, the newest."""

    name: Name
    tenant: Plain = ""
    earlier: Number
    later: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class ChatTurn(Settings, frozen=True, kw_only=True):
    """A message of a chat prompt."""

    role: Annotated[str, Meta(max_length=40, pattern="^[a-z]+$")]
    content: Prose


class NewPrompt(Settings, frozen=True, kw_only=True):
    """A new version, with why it is made."""

    name: Name
    prompt: Prose | Annotated[list[ChatTurn], Meta(min_length=1, max_length=200)]
    note: Note
    variables: dict[Key, Variable] | None = None
    """What its places may be filled with; left out, as in the version before."""
    config: Any = None
    labels: Annotated[tuple[Label, ...], Meta(max_length=20)] = ()
    base: Annotated[str, Meta(max_length=64, pattern="^[0-9a-f]*$")] = ""
    """The Definition to change for an app's prompt; default: the one that is served."""


class NewLabels(Settings, frozen=True, kw_only=True):
    """Labels for a version, which the others lose."""

    name: Name
    version: Number
    labels: Annotated[tuple[Label, ...], Meta(min_length=1, max_length=20)]


class Filling(Settings, frozen=True, kw_only=True):
    """A version with values for its places."""

    name: Name
    version: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    label: Word = ""
    variables: dict[Key, Any] = {}


class PromptRow(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A prompt as the list shows it."""

    name: str
    tenant: str
    app: str
    versions: int
    labels: dict[str, int]
    """The number of the version that each label names."""
    note: str
    by: str
    changed_ns: int


class Differing(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Two versions side by side."""

    earlier: PromptVersion
    later: PromptVersion
    lines: tuple[DiffLine, ...]
    declared: tuple[DiffLine, ...]
    """Of the variables and the configuration as JSON; empty where these are the same."""


class Rendered(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A prompt as a model would get it."""

    name: str
    version: int
    text: str


async def list_prompts(asked: Asked[PromptsParams, None]) -> Page[PromptRow]:
    """Prompts by name."""
    params = asked.params
    app = asked.app(params.app) if params.app else ""
    if params.tenant and not asked.actor.sees(params.tenant):
        return Page(items=())
    found = await asked.manage.prompts.all(asked.tenant(params.tenant), app=app)
    return Page(items=[row_of(versions) for versions in found.values() if _seen(asked, versions)])


async def add_prompt(asked: Asked[NoParams, NewPrompt]) -> PromptVersion:
    """The new version. Of an app's prompt it names the candidate Definition that carries it."""
    body = asked.body
    await _versions(asked, body.name)
    text = (
        body.prompt if isinstance(body.prompt, str) else [{"role": e.role, "content": e.content} for e in body.prompt]
    )
    await _note(asked, "prompt.add", body.name)
    return await asked.manage.prompts.add(
        body.name,
        text,
        note=body.note,
        tenant=home(asked),
        kind="text" if isinstance(text, str) else "chat",
        variables=body.variables,
        config=body.config,
        labels=body.labels,
        by=asked.entry.person,
        base=body.base,
    )


async def list_prompt_versions(asked: Asked[NamedParams, None]) -> Page[PromptVersion]:
    """The versions of a prompt, newest first."""
    return Page(items=await _versions(asked, asked.params.name))


async def get_prompt(asked: Asked[VersionParams, None]) -> PromptVersion:
    """One version of a prompt."""
    params = asked.params
    return await _one(asked, params.name, params.version, params.label)


async def prompt_diff(asked: Asked[DiffParams, None]) -> Differing:
    """How two versions differ, line by line."""
    params = asked.params
    one = await _one(asked, params.name, params.earlier)
    other = await _one(asked, params.name, params.later, "" if params.later else LATEST)
    declared = differ(one.declared, other.declared) if one.declared != other.declared else ()
    lines = differ(one.text, other.text)
    return Differing(earlier=one, later=other, lines=tuple(lines), declared=tuple(declared))


async def label_prompt(asked: Asked[NoParams, NewLabels]) -> PromptVersion:
    """The version with its labels."""
    body = asked.body
    await _one(asked, body.name, body.version)
    await _note(asked, "prompt.label", f"{body.name}:{body.version}")
    return await asked.manage.prompts.label(body.name, home(asked), body.version, body.labels)


async def render_prompt(asked: Asked[NoParams, Filling]) -> Rendered:
    """The text with its places filled."""
    body = asked.body
    found = await _one(asked, body.name, body.version, body.label)
    text = found.written().rendered(body.variables, found.hash)
    return Rendered(name=found.name, version=found.version, text=text)


async def delete_prompt(asked: Asked[VersionParams, None]) -> Page[PromptVersion]:
    """What is gone."""
    params = asked.params
    await _one(asked, params.name, params.version, params.label)
    await _note(asked, "prompt.delete", params.name)
    gone = await asked.manage.prompts.remove(params.name, _home(asked), version=params.version, label=params.label)
    return Page(items=gone)


async def try_prompt(asked: Asked[NoParams, Try]) -> Page[Tried]:
    """How each model answered."""
    body = asked.body
    found = await asked.manage.play(
        body.but(app=asked.app(body.app)), caller=asked.entry.caller, models=asked.entry.models
    )
    return Page(items=found)


def row_of(versions: list[PromptVersion]) -> PromptRow:
    """Return a prompt, by its versions, as lists show it."""
    newest = versions[0]
    labels = {label: each.version for each in versions for label in each.labels}
    return PromptRow(
        name=newest.name,
        tenant=newest.tenant,
        app=newest.app,
        versions=len(versions),
        labels=labels | {LATEST: newest.version},
        note=newest.note,
        by=newest.by,
        changed_ns=newest.created_ns,
    )


def _home(asked: Asked[Any, Any]) -> str:
    """Return the tenant whose prompts are meant: an admin may name another than his own."""
    named = getattr(asked.params, "tenant", "")
    return named if named and asked.actor.sees(named) else home(asked)


async def _versions(asked: Asked[Any, Any], name: str) -> list[PromptVersion]:
    """Return the versions of a prompt; none where nobody has made it.

    Raises:
        Mistaken: `not_found` for one of an app that the key may not see.

    """
    found = await asked.manage.prompts.versions(name, _home(asked))
    if found and not _seen(asked, found):
        raise Mistaken("not_found", f"there is no prompt {name!r}", place="name")
    return found


async def _one(asked: Asked[Any, Any], name: str, version: int, label: str = "") -> PromptVersion:
    await _versions(asked, name)
    return await asked.manage.prompts.get(name, _home(asked), version=version, label=label)


def _seen(asked: Asked[Any, Any], versions: list[PromptVersion]) -> bool:
    return not asked.entry.apps or versions[0].app in {"", *asked.entry.apps}


async def _note(asked: Asked[Any, Any], act: str, name: str) -> None:
    await asked.manage.register.recorder.note(asked.actor, act, tenant=_home(asked), target=name)


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/prompts",
        name="list_prompts",
        summary="Prompts by name, those of apps and those that programs fetch for themselves.",
        scope="read",
        run=list_prompts,
        gives=PromptRow,
        many=True,
        params=PromptsParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/prompts",
        name="add_prompt",
        summary="Keep a new version. Of an app's prompt this makes a candidate Definition, and changes no answer.",
        scope="manage",
        run=add_prompt,
        gives=PromptVersion,
        params=NoParams,
        body=NewPrompt,
        status=201,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="DELETE",
        path="/api/prompts",
        name="delete_prompt",
        summary="Remove a version, the version with a label, or a prompt with all its versions. What is served stays.",
        scope="manage",
        run=delete_prompt,
        gives=PromptVersion,
        many=True,
        params=VersionParams,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="GET",
        path="/api/prompts/versions",
        name="list_prompt_versions",
        summary="The versions of a prompt, newest first.",
        scope="read",
        run=list_prompt_versions,
        gives=PromptVersion,
        many=True,
        params=NamedParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/prompts/version",
        name="get_prompt",
        summary="One version of a prompt.",
        scope="read",
        run=get_prompt,
        gives=PromptVersion,
        params=VersionParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/prompts/diff",
        name="prompt_diff",
        summary="How two versions differ, line by line, and word by word where a line changed.",
        scope="read",
        run=prompt_diff,
        gives=Differing,
        params=DiffParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/prompts/labels",
        name="label_prompt",
        summary="Give a version labels, which the others lose.",
        scope="manage",
        run=label_prompt,
        gives=PromptVersion,
        params=NoParams,
        body=NewLabels,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST",
        path="/api/prompts/render",
        name="render_prompt",
        summary="The text of a version with its places filled, as a model would get it.",
        scope="read",
        run=render_prompt,
        gives=Rendered,
        params=NoParams,
        body=Filling,
        errors=("not_found", "prompt_variable"),
    ),
    Verb(
        method="POST",
        path="/api/playground",
        name="try_prompt",
        summary="Put a question to up to six models of an app at once, with a draft of a prompt. Calls are limited and traced.",
        scope="call",
        also=("manage",),
        run=try_prompt,
        gives=Tried,
        many=True,
        params=NoParams,
        body=Try,
        errors=("not_found", "app_unknown", "prompt_unknown"),
    ),
)
