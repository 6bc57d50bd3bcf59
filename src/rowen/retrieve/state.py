"""How sources stand, and what was put aside of them: what people look at when an answer is old or missing."""

from rowen.retrieve.bridge import Bridge
from rowen.retrieve.calibration import Calibration
from rowen.retrieve.gate import Print
from rowen.store.base import Record, Records
from rowen.store.knowledge import Collection
from rowen.store.shelf import Shelf
from rowen.values import Value
from rowen.values.interval import Interval, wilson

_MANY = 1_000_000


class SourceState(Value, frozen=True, kw_only=True):
    """One source of a collection, as the last look found it."""

    app: str
    collection: str
    source: str
    kind: str = "files"
    looked_ns: int = 0
    """When it was looked at last."""
    synced_ns: int = 0
    """When a look went well last: everything that was there then is known, or put aside."""
    code: str = ""
    message: str = ""
    """Why the last look did not go well."""
    documents: int = 0
    quarantined: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    """What the last look that went well did."""
    seconds: float = 0.0
    reached: str = ""
    """From where on the next look asks for what is new."""

    @property
    def taken(self) -> Interval:
        """How good it is as a source: the share of its documents that could be taken in, and were not put aside."""
        return wilson(self.documents, self.documents + self.quarantined)

    def stale(self, after: float, now_ns: int) -> bool:
        """Whether it could not be read for so many seconds; never where `after` is 0."""
        return bool(after) and now_ns - self.synced_ns > after * 1e9


class Behind(Value, frozen=True, kw_only=True):
    """A source that what is known of it falls behind of."""

    state: SourceState
    since_ns: int
    """From when on that was too long."""


def behind(state: SourceState, after: float, now_ns: int) -> Behind | None:
    """Return a source that was not read whole for so many seconds; None while it may be so."""
    since = (state.synced_ns or state.looked_ns) + round(after * 1e9)
    return Behind(state=state, since_ns=since) if now_ns > since else None


class Quarantined(Value, frozen=True, kw_only=True):
    """A document that was put aside, with the reason."""

    id: str
    app: str
    collection: str
    source: str
    uri: str
    code: str
    message: str
    flags: tuple[str, ...] = ()
    raw: str = ""
    """The original that was looked at: another one is looked at again."""
    of: str = ""
    """The document that it is a copy of; looked at again when that one is gone."""
    at_ns: int = 0
    kept: bool = False
    """Whether an earlier version of it still answers."""


class States:
    """The states of all collections of one deployment."""

    def __init__(self, records: Records) -> None:
        self.sources = Shelf(records, "retrieve.source", SourceState, _source)
        self.quarantine = Shelf(records, "retrieve.quarantine", Quarantined, _aside)
        self.calibrations = Calibration.shelf(records)
        self.bridges = Shelf(records, "retrieve.bridge", Bridge, _bridge)
        self.prints = records

    async def of(self, collection: Collection) -> dict[str, SourceState]:
        """Return the sources of a collection by name."""
        found = await self.sources.find(app=collection.app, group=collection.name, limit=_MANY)
        return {each.source: each for each in found}

    async def aside(self, collection: Collection) -> dict[str, Quarantined]:
        """Return what was put aside of a collection, by id, the last first."""
        found = await self.quarantine.find(app=collection.app, group=collection.name, limit=_MANY)
        return {each.id: each for each in found}

    async def calibration_of(self, collection: Collection) -> Calibration | None:
        """Return how far searches of a collection can be believed, as it was measured last."""
        return next(iter(await self.calibrations.find(app=collection.app, group=collection.name, limit=1)), None)

    async def bridges_of(self, collection: Collection) -> list[Bridge]:
        """Return the bridges from one embedder to another that were learnt for a collection."""
        return await self.bridges.find(app=collection.app, group=collection.name)

    def prints_of(self, collection: Collection) -> Shelf[Print]:
        """Return the prints of a collection's documents."""

        def describe(print: Print) -> Record:
            return Record(
                kind="",
                id=f"{collection.app}:{collection.name}:{print.document}",
                app=collection.app,
                group=collection.name,
            )

        return Shelf(self.prints, "retrieve.print", Print, describe)

    async def prints_in(self, collection: Collection) -> list[Print]:
        """Return the prints of a collection."""
        return await self.prints_of(collection).find(app=collection.app, group=collection.name, limit=_MANY)

    async def forget_print(self, collection: Collection, document: str) -> None:
        """Remove the print of a document."""
        await self.prints_of(collection).delete(f"{collection.app}:{collection.name}:{document}")

    async def forget_source(self, state: SourceState) -> None:
        """Remove the state of a source that is no more."""
        await self.sources.delete(_source(state).id)

    async def release(self, id: str) -> None:
        """Remove a document from the quarantine, for it has been read or is gone."""
        await self.quarantine.delete(id)


def _source(state: SourceState) -> Record:
    return Record(
        kind="",
        id=f"{state.app}:{state.collection}:{state.source}",
        app=state.app,
        group=state.collection,
        state="ill" if state.code else "well",
        at_ns=state.looked_ns,
    )


def _aside(one: Quarantined) -> Record:
    return Record(kind="", id=one.id, app=one.app, group=one.collection, state=one.code, at_ns=one.at_ns)


def _bridge(bridge: Bridge) -> Record:
    id = f"{bridge.app}:{bridge.collection}:{bridge.new}:{bridge.old}"
    return Record(kind="", id=id, app=bridge.app, group=bridge.collection)
