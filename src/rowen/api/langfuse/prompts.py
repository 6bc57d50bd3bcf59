"""Langfuse's prompts: versions under a name, of which labels name one each."""

from typing import Any

from rowen.api.langfuse.base import Asked, Body, paged, when
from rowen.store.base import Record
from rowen.store.shelf import Shelf
from rowen.values import Mistaken, Value

_VERSIONS = 10_000


class Prompt(Value, frozen=True, kw_only=True):
    """One version of a prompt, as it was sent."""

    name: str
    version: int
    tenant: str
    type: str = "text"
    prompt: Any = ""
    config: Any = None
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    message: str = ""
    created_ns: int = 0


class PromptBody(Body):
    """A version that is sent."""

    name: str
    prompt: Any
    type: str | None = None
    config: Any = None
    labels: list[str] | None = None
    tags: list[str] | None = None
    commit_message: str | None = None


class LabelsBody(Body):
    """The labels that a version gets."""

    new_labels: list[str] = []


def shelf(asked: Asked) -> Shelf[Prompt]:
    """Return where prompts stand."""
    return Shelf(asked.langfuse.records, "langfuse_prompt", Prompt, _described)


def _described(prompt: Prompt) -> Record:
    return Record(
        kind="",
        id=f"{prompt.name}\x1f{prompt.version}",
        tenant=prompt.tenant,
        group=prompt.name,
        at_ns=prompt.created_ns,
    )


async def create(asked: Asked) -> Any:
    """Keep a new version. A label that it bears is taken from the others."""
    asked.may("manage")
    body: PromptBody = asked.read(PromptBody)
    kind = body.type or ("chat" if isinstance(body.prompt, list) else "text")
    if not body.name or len(body.name) > 200 or not body.name.isprintable():
        raise Mistaken("field_invalid", "a prompt needs a name of 1 to 200 printable characters", place="name")
    if not isinstance(body.prompt, {"text": str, "chat": list}.get(kind, ())):
        raise Mistaken("field_invalid", "a text prompt is a text, a chat prompt a list of messages", place="prompt")
    prompts = shelf(asked)
    for _ in range(20):
        known = await _versions(asked, body.name)
        made = Prompt(
            name=body.name,
            version=max((each.version for each in known), default=0) + 1,
            tenant=asked.tenant,
            type=kind,
            prompt=body.prompt,
            config=body.config if body.config is not None else {},
            labels=tuple(dict.fromkeys(label for label in body.labels or () if label != "latest")),
            tags=tuple(body.tags) if body.tags is not None else known[0].tags if known else (),
            message=body.commit_message or "",
            created_ns=asked.langfuse.clock.now_ns(),
        )
        try:
            await prompts.put(made, expect=0)
        except Mistaken as problem:
            if problem.code != "conflict":
                raise
            continue  # somebody else has taken the number
        await _take_labels(asked, known, made)
        return shown(made, latest=True)
    raise Mistaken("conflict", "too many versions are being made at once", place="name")


async def get(asked: Asked) -> Any:
    """One version: by number, by label, or the one in production."""
    asked.may("call", "read")
    known = await _versions(asked, asked.place[0])
    number, label = asked.query.get("version"), asked.query.get("label")
    latest = known[0].version if known else 0
    if number:
        wanted = asked.number("version", 0)
        found = next((each for each in known if each.version == wanted), None)
    elif label == "latest":
        found = known[0] if known else None
    else:
        found = next((each for each in known if (label or "production") in each.labels), None)
    if found is None:
        said = f"version {number}" if number else f"label {label or 'production'!r}"
        raise Mistaken("not_found", f"there is no prompt {asked.place[0]!r} with {said}", place="name")
    return shown(found, latest=found.version == latest)


async def find(asked: Asked) -> Any:
    """List prompts by name."""
    asked.may("call", "read")
    by_name: dict[str, list[Prompt]] = {}
    for each in await shelf(asked).find(tenant=asked.tenant, limit=_VERSIONS):
        by_name.setdefault(each.name, []).append(each)
    name, label, tag = asked.query.get("name"), asked.query.get("label"), asked.query.get("tag")
    items = [
        {
            "name": each,
            "type": versions[0].type,
            "versions": sorted(version.version for version in versions),
            "labels": sorted({label for version in versions for label in version.labels} | {"latest"}),
            "tags": list(versions[0].tags),
            "lastUpdatedAt": when(max(version.created_ns for version in versions)),
            "lastConfig": versions[0].config,
        }
        for each, versions in sorted(by_name.items())
        if name in (None, "", each)
    ]
    items = [item for item in items if label in (None, "", *item["labels"]) and tag in (None, "", *item["tags"])]
    page, limit = asked.number("page", 1), asked.number("limit", 50, 1000)
    return paged(items, page, limit)


async def label(asked: Asked) -> Any:
    """Give a version labels, which the others lose."""
    asked.may("manage")
    body: LabelsBody = asked.read(LabelsBody)
    known = await _versions(asked, asked.place[0])
    found = next((each for each in known if str(each.version) == asked.place[1]), None)
    if found is None:
        raise Mistaken("not_found", "there is no such version", place="version")
    labels = tuple(dict.fromkeys((*found.labels, *(name for name in body.new_labels if name != "latest"))))
    made = found.but(labels=labels)
    await shelf(asked).put(made)
    await _take_labels(asked, known, made)
    return shown(made, latest=made.version == known[0].version)


async def remove(asked: Asked) -> Any:
    """Remove a prompt: a version, the versions with a label, or all."""
    asked.may("manage")
    number, wanted = asked.query.get("version"), asked.query.get("label")
    gone = [
        each
        for each in await _versions(asked, asked.place[0])
        if number in (None, "", str(each.version)) and (not wanted or wanted in each.labels)
    ]
    if not gone:
        raise Mistaken("not_found", "there is no such prompt", place="name")
    for each in gone:
        await shelf(asked).delete(_described(each).id, asked.tenant)
    return None


async def _versions(asked: Asked, name: str) -> list[Prompt]:
    """The versions of a prompt, the newest first."""
    found = await shelf(asked).find(tenant=asked.tenant, group=name, limit=_VERSIONS)
    return sorted(found, key=lambda each: each.version, reverse=True)


async def _take_labels(asked: Asked, known: list[Prompt], by: Prompt) -> None:
    for each in known:
        left = tuple(name for name in each.labels if name not in by.labels)
        if each.version != by.version and left != each.labels:
            await shelf(asked).put(each.but(labels=left))


def shown(prompt: Prompt, *, latest: bool) -> dict[str, Any]:
    """Return a version as Langfuse shows it."""
    return {
        "name": prompt.name,
        "version": prompt.version,
        "type": prompt.type,
        "prompt": prompt.prompt,
        "config": prompt.config,
        "labels": [*prompt.labels, *(("latest",) if latest else ())],
        "tags": list(prompt.tags),
        "commitMessage": prompt.message or None,
        "resolutionGraph": None,
        "createdAt": when(prompt.created_ns),
        "updatedAt": when(prompt.created_ns),
    }
