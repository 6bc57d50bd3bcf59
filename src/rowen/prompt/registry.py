"""Every version of every prompt: those that the Definitions of apps carried, and those that programs fetch for themselves.

A prompt of an app is a file of its Definition. What is served records itself here, and bears the label of where it is
served. A new version of it is a candidate: a Definition with that file changed, which a release may let out; nothing that
is written here changes what is answered. A prompt of no app is a text with versions and labels that anybody may move.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from rowen.prompt.base import Role, Variable
from rowen.prompt.candidate import candidate
from rowen.prompt.version import LATEST, Kind, PromptVersion, answering, content_hash, hash_of
from rowen.prompt.written import Written, faulty
from rowen.store.base import Definitions, Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Clock, Definition, Mistaken

TENANT = "default"
"""Whose what an app's file defines is."""
PRODUCTION = "production"
"""The label that is meant where none is named."""

_MOST = 10_000  # versions that are read
_LARGEST = 200_000  # characters of a prompt
_TRIES = 20


Propose = Callable[[Definition, str, str], Awaitable[None]]
"""Keeps a candidate and puts it forward to be released, with why and by whom."""


class Prompts:
    """The registry.

    Args:
        records: where versions are kept.
        definitions: where candidates are kept.
        clock: stamps them.
        propose: puts candidates forward; None only keeps them.

    """

    def __init__(
        self, records: Records, definitions: Definitions, clock: Clock, *, propose: Propose | None = None
    ) -> None:
        self._versions = Shelf(records, "prompt", PromptVersion, _described)
        self._definitions = definitions
        self._clock = clock
        self._propose = propose
        self._numbers: dict[tuple[str, str], int] = {}

    async def record(self, definition: Definition, prompts: Iterable[Written], label: str) -> None:
        """Keep the prompts of a Definition that is let out now, and give them its label.

        Args:
            definition: what is served.
            prompts: what it carries.
            label: where, such as `production`.

        """
        for each in prompts:
            name = f"{definition.app}/{each.name}"
            hash = hash_of(each)
            known = await self.versions(name, TENANT)
            found = next((one for one in known if one.hash == hash), None)
            if found is None:
                found = await self._put(
                    PromptVersion(
                        name=name,
                        version=0,
                        app=definition.app,
                        prompt=each.text,
                        role=each.role,
                        variables=each.variables,
                        hash=hash,
                        note=f"As {each.path} had it in Definition {definition.hash[:12]}.",
                        by=definition.owner,
                        path=each.path,
                        definition=definition.hash,
                    )
                )
            if (found.definition, found.released) != (definition.hash, label) or label not in found.labels:
                labels = tuple(dict.fromkeys((*found.labels, label)))
                await self._versions.put(
                    found.but(definition=definition.hash, released=label, labels=labels, path=each.path)
                )
            await self._taken(known, found, (label,))
            self._numbers[definition.app, hash] = found.version

    def number(self, app: str, hash: str) -> int:
        """Return the number of a version that was recorded here, by what it says; 0 where none was."""
        return self._numbers.get((app, hash), 0)

    async def add(
        self,
        name: str,
        prompt: Any,
        *,
        note: str,
        tenant: str = TENANT,
        kind: Kind = "text",
        variables: Mapping[str, Variable] | None = None,
        config: Any = None,
        labels: Iterable[str] = (),
        tags: Iterable[str] | None = None,
        by: str = "",
        base: str = "",
    ) -> PromptVersion:
        """Keep a new version; of an app's prompt, with the candidate Definition that carries it.

        Args:
            name: of the prompt: `APP/NAME` for one of an app.
            prompt: a text, or a list of messages for a chat.
            note: why it is made; never empty.
            tenant: whose it is.
            kind: what `prompt` is.
            variables: what its places may be filled with; None leaves those of the version before.
            config: whatever a program wants to have beside it.
            labels: which it shall bear, and the others lose.
            tags: None leaves those of the version before.
            by: who made it.
            base: the hash of the Definition to change for an app's prompt; default: the one that is served.

        Raises:
            Mistaken: `field_invalid`, with the field as its place; `conflict` for a label that releases move.

        """
        if not name or len(name) > 200 or not name.isprintable():
            raise Mistaken("field_invalid", "a prompt needs a name of 1 to 200 printable characters", place="name")
        fits = isinstance(prompt, str) if kind == "text" else isinstance(prompt, list)
        if not fits:
            raise Mistaken("field_invalid", "a text prompt is a text, a chat prompt a list of messages", place="prompt")
        if len(str(prompt)) > _LARGEST:
            raise Mistaken("field_invalid", f"a prompt has at most {_LARGEST:,} characters", place="prompt")
        if not note.strip():
            raise Mistaken("field_invalid", "say in a note why the prompt changes", place="note")
        known = await self.versions(name, tenant)
        before = known[0] if known else None
        held = dict(variables) if variables is not None else (before.variables if before else {})
        app = before.app if before else ""
        if (app or held) and kind == "text" and (fault := faulty(prompt, held)):
            raise Mistaken("field_invalid", fault[1], place="prompt" if fault[0] == "variables" else fault[0])
        wanted = tuple(dict.fromkeys(label for label in labels if label != LATEST))
        _free(known, wanted)
        role: Role = before.role if before else "system"
        made = PromptVersion(
            name=name,
            version=0,
            tenant=tenant,
            app=app,
            kind=kind,
            prompt=prompt,
            role=role,
            variables=held,
            config=config,
            hash=content_hash(prompt, role, held, config),
            labels=wanted,
            tags=tuple(tags) if tags is not None else (before.tags if before else ()),
            note=note.strip(),
            by=by,
        )
        if app:
            if same := next((each for each in known if each.hash == made.hash), None):
                raise Mistaken("conflict", f"version {same.version} of {name!r} says the same", place="prompt")
            made = await self._candidate(made, known, base)
        made = await self._put(made)
        await self._taken(known, made, wanted)
        return made

    async def versions(self, name: str, tenant: str) -> list[PromptVersion]:
        """Return the versions of a prompt, the newest first; none where it is not known."""
        found = await self._versions.find(tenant=tenant, group=name, limit=_MOST)
        return sorted(found, key=lambda each: each.version, reverse=True)

    async def get(self, name: str, tenant: str, *, version: int = 0, label: str = "") -> PromptVersion:
        """Return one version: by its number, by a label, or else the one in production, and the newest where none is.

        Raises:
            Mistaken: `not_found`.

        """
        known = await self.versions(name, tenant)
        found = chosen(known, version=version, label=label or ("" if version else PRODUCTION))
        if found is None and known and not version and not label:
            found = known[0]
        if found is None:
            said = f" with version {version}" if version else f" with the label {label!r}" if label else ""
            raise Mistaken("not_found", f"there is no prompt {name[:200]!r}{said}", place="name")
        return found

    async def all(self, tenant: str | None = None, *, app: str = "") -> dict[tuple[str, str], list[PromptVersion]]:
        """Return all prompts by tenant and name, each with its versions, the newest first."""
        found: dict[tuple[str, str], list[PromptVersion]] = {}
        for each in await self._versions.find(tenant=tenant, app=app, limit=_MOST):
            found.setdefault((each.tenant, each.name), []).append(each)
        return {key: sorted(found[key], key=lambda each: -each.version) for key in sorted(found)}

    async def label(self, name: str, tenant: str, version: int, labels: Iterable[str]) -> PromptVersion:
        """Give a version labels, which the others lose.

        Raises:
            Mistaken: `not_found`; `conflict` for a label that releases move.

        """
        known = await self.versions(name, tenant)
        found = chosen(known, version=version)
        if found is None:
            raise Mistaken("not_found", f"there is no version {version} of the prompt {name[:200]!r}", place="version")
        wanted = tuple(dict.fromkeys(label for label in labels if label != LATEST))
        _free(known, tuple(each for each in wanted if each not in found.labels))
        made = found.but(labels=tuple(dict.fromkeys((*found.labels, *wanted))))
        await self._versions.put(made)
        await self._taken(known, made, wanted)
        return made

    async def remove(self, name: str, tenant: str, *, version: int = 0, label: str = "") -> list[PromptVersion]:
        """Remove a version, the versions with a label, or all of a prompt; return what is gone.

        Raises:
            Mistaken: `not_found`; `conflict` for what is served.

        """
        gone = [
            each
            for each in await self.versions(name, tenant)
            if version in (0, each.version) and (not label or label in each.labels)
        ]
        if not gone:
            raise Mistaken("not_found", f"there is no prompt {name[:200]!r} like that", place="name")
        if served := next((each for each in gone if each.released in each.labels and each.released), None):
            message = f"version {served.version} of {name!r} is served ({served.released}), and stays"
            raise Mistaken("conflict", message, place="version")
        for each in gone:
            await self._versions.delete(each.id, tenant)
        return gone

    async def _candidate(self, made: PromptVersion, known: list[PromptVersion], base: str) -> PromptVersion:
        """Keep the Definition that would carry a version, and return the version with its hash."""
        carried = answering(known) or known[0]
        hash = base or carried.definition
        definition = await self._definitions.get(hash)
        if definition is None:
            raise Mistaken("not_found", f"there is no Definition {hash[:12]!r} to change", place="base")
        if definition.app != made.app:
            raise Mistaken(
                "field_invalid", f"the Definition is of {definition.app!r}, not of {made.app!r}", place="base"
            )
        other = made.variables if made.variables != carried.variables else None
        found = candidate(definition, made.short, made.prompt, other)
        if self._propose is not None:
            await self._propose(found, made.note, made.by)
        else:
            await self._definitions.put(found)
        return made.but(definition=found.hash, path=carried.path)

    async def _put(self, made: PromptVersion) -> PromptVersion:
        """Keep a version under the next number, also while others do; of an app's prompt, what says the same is the same."""
        for _ in range(_TRIES):
            known = await self.versions(made.name, made.tenant)
            if made.app and (same := next((each for each in known if each.hash == made.hash), None)):
                return same
            number = max((each.version for each in known), default=0) + 1
            numbered = made.but(version=number, created_ns=made.created_ns or self._clock.now_ns())
            try:
                await self._versions.put(numbered, expect=0)
            except Mistaken as problem:
                if problem.code != "conflict":
                    raise
                continue  # somebody else has taken the number
            return numbered
        raise Mistaken("conflict", "too many versions are being made at once", place="name")

    async def _taken(self, known: list[PromptVersion], by: PromptVersion, labels: tuple[str, ...]) -> None:
        """Take labels from all versions but one."""
        for each in known:
            if each.version != by.version and not {*labels}.isdisjoint(each.labels):
                left = tuple(label for label in each.labels if label not in labels)
                await self._versions.put(each.but(labels=left))


def chosen(known: list[PromptVersion], *, version: int = 0, label: str = "") -> PromptVersion | None:
    """Return the version of that number, or with that label."""
    if version:
        return next((each for each in known if each.version == version), None)
    if label == LATEST:
        return known[0] if known else None
    return next((each for each in known if label in each.labels), None)


def _free(known: list[PromptVersion], labels: tuple[str, ...]) -> None:
    """Refuse labels that say where an app's prompt is served.

    Raises:
        Mistaken: `conflict`.

    """
    for label in labels:
        if any(each.released == label for each in known):
            message = f"{label!r} says where the app is served: release the Definition that carries the version"
            raise Mistaken("conflict", message, place="labels")


def _described(version: PromptVersion) -> Record:
    return Record(
        kind="",
        id=version.id,
        tenant=version.tenant,
        app=version.app,
        group=version.name,
        at_ns=version.created_ns,
    )
