"""Data sets: cases under a name, of which any state can be kept for ever as a version named by its content."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Literal

import msgspec
import zstandard

from rowen.score.cases import Cases
from rowen.store.base import Record, Records, Store
from rowen.store.shelf import Shelf
from rowen.values import Case, Clock, Mistaken, Value
from rowen.values.clock import at

MOST = 100_000
"""Cases that a data set is read with."""

_CONTENT = (
    "id",
    "app",
    "input",
    "output",
    "expected",
    "metadata",
    "trace",
    "span",
    "source",
    "user",
    "session",
    "document",
)
"""What makes a case the same: not when and by whom it was written down."""

Age = Literal["fresh", "due", "expired"]


class Dataset(Value, frozen=True, kw_only=True):
    """What people say of a data set."""

    name: str
    tenant: str = "default"
    app: str = ""
    about: str = ""
    owner: str = ""
    """Who answers for it."""
    review: date | None = None
    """When somebody shall look whether it still is what users ask."""
    expires: date | None = None
    """From when on it decides nothing any more."""
    created_ns: int = 0
    changed_ns: int = 0

    def age(self, today: date) -> Age:
        """Return whether it may still be relied on."""
        if self.expires is not None and today >= self.expires:
            return "expired"
        return "due" if self.review is not None and today >= self.review else "fresh"


class Version(Value, frozen=True, kw_only=True):
    """A data set as it was once. It never changes, and is known by the hash of its cases."""

    dataset: str
    tenant: str = "default"
    hash: str
    n: int
    note: str = ""
    by: str = ""
    before: str = ""
    """The version that it followed."""
    erased: int = 0
    """How many of its cases were erased since, as a person's."""
    created_ns: int = 0


class Packed(Value, frozen=True, kw_only=True):
    """The cases of a version."""

    dataset: str
    tenant: str
    hash: str
    cases: str
    """JSON, compressed by Zstandard, in base 85."""
    left: str = ""
    """The hash of those that are left, where some were erased."""


class Changes(Value, frozen=True, kw_only=True):
    """How two states of a data set differ, by the ids of cases."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class Added(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What became of cases that were brought."""

    new: int = 0
    changed: int = 0
    same: int = 0


class Datasets:
    """Data sets with their cases and versions.

    Args:
        records: where they are kept.
        cases: the cases as they are now.
        clock: stamps them, and says whether one is past its day.

    """

    def __init__(self, records: Records, *, cases: Cases, clock: Clock) -> None:
        self._sets = Shelf(records, "dataset", Dataset, _of_set)
        self._versions = versions(records)
        self._packed = contents(records)
        self._cases = cases
        self._clock = clock

    async def put(self, dataset: Dataset) -> Dataset:
        """Say what a data set is."""
        now = self._clock.now_ns()
        before = await self._sets.get(dataset.name, dataset.tenant)
        kept = dataset.but(created_ns=before.created_ns if before else now, changed_ns=now)
        await self._sets.put(kept)
        return kept

    async def get(self, name: str, tenant: str) -> Dataset:
        """Return what is said of a data set; one that only has cases or versions is known too.

        Raises:
            Mistaken: `not_found`.

        """
        found = await self._sets.get(name, tenant)
        if found is not None:
            return found
        if await self._cases.all(tenant, dataset=name, limit=1) or await self._versions.find(
            tenant=tenant, group=name, limit=1
        ):
            return Dataset(name=name, tenant=tenant)
        raise Mistaken("not_found", f"there is no data set {name!r}", place="dataset")

    async def all(self, tenant: str | None, *, app: str = "") -> list[Dataset]:
        """Return all data sets by name, also those that nobody said anything of."""
        said = {(each.tenant, each.name): each for each in await self._sets.find(tenant=tenant, app=app, limit=MOST)}
        for case in await self._cases.all(tenant, app=app, limit=MOST):
            place = (case.tenant, case.dataset)
            if place not in said:
                said[place] = await self._sets.get(case.dataset, case.tenant) or Dataset(
                    name=case.dataset, tenant=case.tenant, app=case.app
                )
        return [said[place] for place in sorted(said)]

    async def delete(self, name: str, tenant: str) -> int:
        """Remove a data set with its cases and all its versions; return how many cases it had.

        Raises:
            Mistaken: `not_found`.

        """
        await self.get(name, tenant)
        found = await self._cases.all(tenant, dataset=name, limit=MOST)
        for case in found:
            await self._cases.delete(case.id, tenant)
        for version in await self.versions(name, tenant):
            await self._packed.delete(f"{name}:{version.hash}", tenant)
            await self._versions.delete(f"{name}:{version.hash}", tenant)
        await self._sets.delete(name, tenant)
        return len(found)

    async def add(self, cases: Sequence[Case], *, told: Callable[[], object] = lambda: None) -> Added:
        """Keep cases; under an id that is there, and differs, one takes the other's place.

        Args:
            cases: the cases.
            told: called after each of them, for whoever shows how far it is.

        """
        counts = {"new": 0, "changed": 0, "same": 0}
        known: dict[tuple[str, str], dict[str, Case]] = {}
        for case in cases:
            place = (case.tenant, case.dataset)
            if place not in known:
                there = await self._cases.all(case.tenant, dataset=case.dataset, limit=MOST)
                known[place] = {each.id: each for each in there}
            before = known[place].get(case.id)
            what = "new" if before is None else "same" if digest(before) == digest(case) else "changed"
            counts[what] += 1
            if what != "same":
                created = before.created_ns if before is not None else 0
                known[place][case.id] = await self._cases.put(case.but(created_ns=created))
            told()
        return Added(**counts)

    async def remove(self, id: str, tenant: str) -> bool:
        """Take a case out of its data set; versions keep it. Return whether it was there."""
        return await self._cases.delete(id, tenant)

    async def now(self, name: str, tenant: str) -> list[Case]:
        """Return the cases as they are now, oldest first.

        Raises:
            Mistaken: `not_found`.

        """
        await self.get(name, tenant)
        return [*reversed(await self._cases.all(tenant, dataset=name, limit=MOST))]

    async def freeze(self, name: str, tenant: str, *, note: str = "", by: str = "") -> Version:
        """Keep the cases as they are now as a version; the one that is there already where they have not changed.

        Raises:
            Mistaken: `not_found`, or `conflict` for a data set without cases.

        """
        return await self.keep(name, tenant, await self.now(name, tenant), note=note, by=by)

    async def keep(self, name: str, tenant: str, cases: Sequence[Case], *, note: str = "", by: str = "") -> Version:
        """Keep cases as a version of a data set, whatever its cases are now; the one that is there already if it is.

        Raises:
            Mistaken: `conflict` where there are no cases.

        """
        if not cases:
            raise Mistaken("conflict", f"the data set {name!r} has no cases to keep", place="dataset")
        hash = content_of(cases)
        known = await self.versions(name, tenant)
        if (same := next((each for each in known if each.hash == hash), None)) is not None:
            return same
        await self._packed.put(Packed(dataset=name, tenant=tenant, hash=hash, cases=packed(cases)))
        version = Version(
            dataset=name,
            tenant=tenant,
            hash=hash,
            n=len(cases),
            note=note,
            by=by,
            before=known[0].hash if known else "",
            created_ns=self._clock.now_ns(),
        )
        await self._versions.put(version)
        return version

    async def versions(self, name: str, tenant: str) -> list[Version]:
        """Return the versions of a data set, newest first."""
        return await self._versions.find(tenant=tenant, group=name)

    async def version(self, name: str, tenant: str, hash: str) -> Version:
        """Return a version by its hash, or by the beginning of it.

        Raises:
            Mistaken: `not_found`; `conflict` where several begin so.

        """
        found = [each for each in await self.versions(name, tenant) if hash and each.hash.startswith(hash)]
        if not found:
            raise Mistaken("not_found", f"the data set {name!r} has no version {hash[:70]!r}", place="version")
        if len(found) > 1:
            raise Mistaken("conflict", f"{len(found)} versions of {name!r} begin with {hash!r}", place="version")
        return found[0]

    async def cases(self, name: str, tenant: str, hash: str = "") -> list[Case]:
        """Return the cases of a version, or as they are now where none is named.

        Raises:
            Mistaken: `not_found`; `store_corrupt` where they are not what the hash says.

        """
        if not hash:
            return await self.now(name, tenant)
        version = await self.version(name, tenant, hash)
        kept = await self._packed.get(f"{name}:{version.hash}", tenant)
        if kept is None:
            raise Mistaken("not_found", f"the cases of version {version.hash[:12]} are gone", place="version")
        return unpacked(kept)

    async def changes(self, name: str, tenant: str, earlier: str, later: str = "") -> Changes:
        """Return how two versions differ; without a later one, the cases as they are now.

        Raises:
            Mistaken: `not_found`.

        """
        return between(await self.cases(name, tenant, earlier), await self.cases(name, tenant, later))

    def today(self) -> date:
        """Return what day it is, UTC."""
        return at(self._clock.now_ns()).date()


def versions(records: Records) -> Shelf[Version]:
    """Return where versions stand."""
    return Shelf(records, "dataset_version", Version, _of_version)


def contents(records: Records) -> Shelf[Packed]:
    """Return where the cases of versions stand."""
    return Shelf(records, "dataset_content", Packed, _of_packed)


def datasets_in(store: Store, clock: Clock) -> Datasets:
    """Return the data sets of a store."""
    cases = Cases(store.records, scores=store.scores, traces=store.traces, clock=clock)
    return Datasets(store.records, cases=cases, clock=clock)


def digest(case: Case) -> str:
    """Return the SHA-256 of what a case says."""
    said = {name: getattr(case, name) for name in _CONTENT}
    return hashlib.sha256(msgspec.json.encode(msgspec.to_builtins(said), order="sorted")).hexdigest()


def content_of(cases: Sequence[Case]) -> str:
    """Return the SHA-256 of cases, in whatever order they stand."""
    return hashlib.sha256("".join(sorted(digest(each) for each in cases)).encode()).hexdigest()


def between(earlier: Sequence[Case], later: Sequence[Case]) -> Changes:
    """Return how two states of a data set differ."""
    before, after = ({each.id: digest(each) for each in cases} for cases in (earlier, later))
    return Changes(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(sorted(id for id in before.keys() & after.keys() if before[id] != after[id])),
    )


def packed(cases: Sequence[Case]) -> str:
    """Return cases as a text to keep."""
    return base64.b85encode(zstandard.compress(msgspec.json.encode(cases))).decode()


def unpacked(kept: Packed) -> list[Case]:
    """Return what was packed.

    Raises:
        Mistaken: `store_corrupt` where the cases are not what the hash says.

    """
    found = msgspec.json.decode(zstandard.decompress(base64.b85decode(kept.cases)), type=list[Case])
    if content_of(found) != (kept.left or kept.hash):
        raise Mistaken("store_corrupt", f"the cases of version {kept.hash[:12]} are not what was kept", place="version")
    return found


def _of_set(each: Dataset) -> Record:
    return Record(kind="", id=each.name, tenant=each.tenant, app=each.app, at_ns=each.created_ns)


def _of_version(each: Version) -> Record:
    return Record(
        kind="", id=f"{each.dataset}:{each.hash}", tenant=each.tenant, group=each.dataset, at_ns=each.created_ns
    )


def _of_packed(each: Packed) -> Record:
    return Record(kind="", id=f"{each.dataset}:{each.hash}", tenant=each.tenant, group=each.dataset)


def asked(input: Any) -> str:
    """Return what was asked as one text: what users said of a conversation, else the input itself."""
    if isinstance(input, str):
        return input
    if isinstance(input, list) and input and all(isinstance(each, dict) and "role" in each for each in input):
        return "\n".join(_said(each.get("content")) for each in input if each["role"] == "user")
    return msgspec.json.encode(input, order="sorted").decode()


def _said(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""
