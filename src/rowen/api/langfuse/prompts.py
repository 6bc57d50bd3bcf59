"""Langfuse's prompts: the registry's versions in Langfuse's shape. A prompt of an app goes by `APP/NAME` there."""

from typing import Any

from rowen.api.langfuse.base import Asked, Body, paged, when
from rowen.prompt.registry import PRODUCTION, chosen
from rowen.prompt.version import LATEST, Kind, PromptVersion
from rowen.values import Mistaken
from rowen.values.whole import whole

_SILENT = "Sent by Langfuse's client, without a commit message."
"""The note of a version whose program gave none: Langfuse's clients need not."""


class PromptBody(Body):
    """A version that is sent."""

    name: str
    prompt: Any
    type: Kind | None = None
    config: Any = None
    labels: list[str] | None = None
    tags: list[str] | None = None
    commit_message: str | None = None


class LabelsBody(Body):
    """The labels that a version gets."""

    new_labels: list[str] = []


async def create(asked: Asked) -> Any:
    """Keep a new version. A label that it bears is taken from the others."""
    asked.may("manage")
    body: PromptBody = asked.read(PromptBody)
    await _versions(asked, body.name)
    made = await asked.langfuse.prompts.add(
        body.name,
        body.prompt,
        note=body.commit_message or _SILENT,
        tenant=asked.tenant,
        kind=body.type or ("chat" if isinstance(body.prompt, list) else "text"),
        config=body.config if body.config is not None else {},
        labels=body.labels or (),
        tags=body.tags,
        by=asked.entry.key.name,
    )
    return shown(made, latest=True)


async def get(asked: Asked) -> Any:
    """One version: by number, by label, or the one in production."""
    asked.may("call", "read")
    known = await _versions(asked, asked.place[0])
    wanted = asked.number("version", 0)
    label = asked.query.get("label") or PRODUCTION
    found = chosen(known, version=wanted, label=label)
    if found is None:
        said = f"version {wanted}" if wanted else f"label {label!r}"
        raise Mistaken("not_found", f"there is no prompt {asked.place[0]!r} with {said}", place="name")
    return shown(found, latest=found == known[0])


async def find(asked: Asked) -> Any:
    """List prompts by name."""
    asked.may("call", "read")
    name, label, tag = asked.query.get("name"), asked.query.get("label"), asked.query.get("tag")
    items = [
        {
            "name": each,
            "type": versions[0].kind,
            "versions": sorted(version.version for version in versions),
            "labels": sorted({label for version in versions for label in version.labels} | {LATEST}),
            "tags": list(versions[0].tags),
            "lastUpdatedAt": when(max(version.created_ns for version in versions)),
            "lastConfig": versions[0].config,
        }
        for (_, each), versions in (await asked.langfuse.prompts.all(asked.tenant)).items()
        if name in (None, "", each) and _seen(asked, versions)
    ]
    items = [item for item in items if label in (None, "", *item["labels"]) and tag in (None, "", *item["tags"])]
    page, limit = asked.number("page", 1), asked.number("limit", 50, 1000)
    return paged(items, page, limit)


async def label(asked: Asked) -> Any:
    """Give a version labels, which the others lose."""
    asked.may("manage")
    body: LabelsBody = asked.read(LabelsBody)
    known = await _versions(asked, asked.place[0])
    number = whole({"version": asked.place[1]}, "version", 1)
    made = await asked.langfuse.prompts.label(asked.place[0], asked.tenant, number, body.new_labels)
    return shown(made, latest=made.version == known[0].version)


async def remove(asked: Asked) -> Any:
    """Remove a prompt: a version, the versions with a label, or all."""
    asked.may("manage")
    await _versions(asked, asked.place[0])
    await asked.langfuse.prompts.remove(
        asked.place[0], asked.tenant, version=asked.number("version", 0), label=asked.query.get("label", "")
    )
    return None


async def _versions(asked: Asked, name: str) -> list[PromptVersion]:
    """The versions of a prompt, the newest first.

    Raises:
        Mistaken: `not_found` for one of an app that the key may not see.

    """
    found = await asked.langfuse.prompts.versions(name, asked.tenant)
    if not _seen(asked, found):
        raise Mistaken("not_found", f"there is no prompt {name!r}", place="name")
    return found


def _seen(asked: Asked, versions: list[PromptVersion]) -> bool:
    return not versions or not versions[0].app or asked.sees(versions[0].app)


def shown(prompt: PromptVersion, *, latest: bool) -> dict[str, Any]:
    """Return a version as Langfuse shows it."""
    return {
        "name": prompt.name,
        "version": prompt.version,
        "type": prompt.kind,
        "prompt": prompt.prompt,
        "config": prompt.config if prompt.config is not None else {},
        "labels": [*prompt.labels, *((LATEST,) if latest else ())],
        "tags": list(prompt.tags),
        "commitMessage": None if prompt.note == _SILENT else prompt.note,
        "resolutionGraph": None,
        "createdAt": when(prompt.created_ns),
        "updatedAt": when(prompt.created_ns),
    }
