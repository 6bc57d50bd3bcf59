"""What people and programs see and do of knowledge: collections, their sources, documents with their chunks, the quarantine."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from rowen.jobs import Job, Queue
from rowen.retrieve.base import ChunkTable, RetrieveSettings
from rowen.retrieve.calibration import Calibration
from rowen.retrieve.chunk import chunking
from rowen.retrieve.chunk.context import free
from rowen.retrieve.load.catalog import tables_of
from rowen.retrieve.pick import Pin, Pins, picked, unpinned
from rowen.retrieve.state import Quarantined, SourceState, States
from rowen.retrieve.tables.sheets import Listed, Sheet, listed, sheet
from rowen.store.knowledge import Build, Collection, Knowledge
from rowen.values import Chunk, Clock, Document, Mistaken, Reader, Value

Health = Literal["well", "ill", "stale", "building", "empty"]


class Standing(Value, frozen=True, kw_only=True):
    """How one collection stands."""

    app: str
    name: str
    health: Health
    documents: int = 0
    chunks: int = 0
    quarantined: int = 0
    lag_s: float | None = None
    """Seconds since the source that is behind most was last seen whole; None where one never was."""
    live: Build | None = None
    builds: tuple[Build, ...] = ()
    needed: dict[str, tuple[str, ...]] = {}
    """By the id of an index that does not answer now, the versions that would miss it."""
    own: dict[str, tuple[str, ...]] = {}
    """By the id of an index, the versions that it is the own one of, and whole: they answer from it whichever is live.
    Told where there are several."""
    sources: tuple[SourceState, ...] = ()
    job: Job | None = None


class Switched(Build, frozen=True, kw_only=True):
    """An index that is live now, and who answers from another all the same."""

    unmoved: tuple[str, ...] = ()
    """The versions whose own index is another one, and whole."""


class Listing(Value, frozen=True, kw_only=True):
    """One document in a list, without its text."""

    id: str
    source: str
    uri: str
    title: str
    kind: str
    language: str
    characters: int
    chunks: int
    modified_ns: int
    read_ns: int
    flags: tuple[str, ...] = ()
    access: tuple[str, ...] = ()


class Shown(Value, frozen=True, kw_only=True):
    """One document, and how it is cut."""

    document: Document
    chunks: tuple[Chunk, ...]
    chunker: str


class Told(Value, frozen=True, kw_only=True):
    """A relation between two things, and who says so."""

    subject: str
    name: str
    object: str
    inverse: str
    """What leads back from the object to the subject."""
    document: str
    uri: str
    start: int
    end: int
    text: str
    """`text[start:end]` of the document: where it says so."""


class Desk:
    """Knowledge as it is managed.

    Args:
        knowledge: where it is.
        states: how its sources stand.
        defined: gives what the apps that are served define.
        wake: has a collection looked at now.
        jobs: where the jobs are, and the id of a collection's.
        clock: what time it is.
        pins: gives what versions need of a collection.

    """

    def __init__(
        self,
        knowledge: Knowledge,
        states: States,
        *,
        defined: Callable[[], Mapping[Collection, RetrieveSettings]],
        wake: Callable[[Collection, bool], Awaitable[Job]],
        jobs: Queue,
        job_of: Callable[[Collection], str],
        clock: Clock,
        pins: Pins = unpinned,
    ) -> None:
        self._pins = pins
        self._knowledge = knowledge
        self._states = states
        self._defined = defined
        self._wake = wake
        self._jobs = jobs
        self._job_of = job_of
        self._clock = clock

    def collection(self, app: str, name: str) -> Collection:
        """Return a collection by name.

        Raises:
            Mistaken: `not_found`.

        """
        for each in self._defined():
            if (each.app, each.name) == (app, name):
                return each
        raise Mistaken("not_found", f"no app served here has the knowledge {app}/{name}", place="name")

    async def all(self, tenant: str | None = None, apps: frozenset[str] = frozenset()) -> list[Standing]:
        """Return how collections stand: those of one tenant and of some apps, where any are named."""
        return [
            await self.standing(each)
            for each in self._defined()
            if tenant in {None, each.tenant} and (not apps or each.app in apps)
        ]

    async def standing(self, collection: Collection) -> Standing:
        """Return how a collection stands."""
        settings = self._defined()[collection]
        builds = await self._knowledge.builds(collection)
        sources = tuple((await self._states.of(collection)).values())
        live = next((each for each in builds if each.state == "live"), None)
        pins = await self._pins(collection) if any(each.state != "live" for each in builds) else ()
        now = self._clock.now_ns()
        seen = [each.synced_ns for each in sources]
        try:
            job = await self._jobs.get(self._job_of(collection))
        except Mistaken:
            job = None
        return Standing(
            app=collection.app,
            name=collection.name,
            health=_health(settings, live, builds, sources, now),
            documents=live.documents if live else 0,
            chunks=live.chunks if live else 0,
            quarantined=sum(each.quarantined for each in sources),
            lag_s=(now - min(seen)) / 1e9 if seen and all(seen) else None,
            live=live,
            builds=tuple(builds),
            needed=_needed(pins, builds),
            own=_own(pins, builds),
            sources=tuple(sorted(sources, key=lambda each: each.source)),
            job=job,
        )

    async def documents(
        self, collection: Collection, reader: Reader, *, source: str = "", after: str = "", limit: int = 50
    ) -> list[Listing]:
        """Return documents that a reader may read, by what they are called; beginning after the one of an id."""
        known = sorted(await self._knowledge.known(collection, source), key=lambda each: (each.uri, each.id))
        ids = [each.id for each in known]
        known = known[ids.index(after) + 1 :] if after in ids else known
        live = await self._live(collection)
        found: list[Listing] = []
        for each in known:
            if len(found) == limit:
                break
            document = await self._knowledge.document(collection, each.id, reader)
            if document is not None:
                chunks = await self._knowledge.chunks(live.id, each.id) if live else []
                found.append(_listing(document, len(chunks)))
        return found

    async def document(
        self, collection: Collection, id: str, reader: Reader, *, table: ChunkTable | None = None
    ) -> Shown:
        """Return a document with its chunks: as the index that answers has them, or as another chunker would cut it.

        Raises:
            Mistaken: `not_found`; `config_invalid` or `extra_missing` for the other chunker.

        """
        document = await self._knowledge.document(collection, id, reader)
        if document is None:
            raise Mistaken("not_found", "there is no such document, or you may not read it", place="id")
        live = await self._live(collection)
        if table is None and live is not None:
            return Shown(
                document=document,
                chunks=tuple(await self._knowledge.chunks(live.id, id)),
                chunker=live.manifest.chunker,
            )
        cutting = chunking(table or ChunkTable())

        def cut() -> tuple[Chunk, ...]:
            return tuple(
                Chunk(start=each.start, end=each.end, context=free(document, each.start, each.end), parent=each.parent)
                for each in cutting.cut(document)
            )

        # A large document takes seconds, which nobody else is to wait for.
        return Shown(document=document, chunks=await asyncio.to_thread(cut), chunker=cutting.written)

    async def related(self, collection: Collection, of: str, reader: Reader, *, limit: int = 50) -> list[Told]:
        """Return what documents that a reader may read say of a thing, as the index that answers has it in its graph."""
        live = await self._live(collection)
        ties = await self._knowledge.related(live.id, [of], reader=reader, limit=limit) if live else []
        documents: dict[str, Document | None] = {}
        found = []
        for tie in ties:
            if tie.document not in documents:
                documents[tie.document] = await self._knowledge.document(collection, tie.document, reader)
            document, said = documents[tie.document], tie.relation
            if document is not None:  # it may have gone meanwhile
                found.append(
                    Told(
                        subject=said.subject,
                        name=said.name,
                        object=said.object,
                        inverse=said.inverse,
                        document=document.id,
                        uri=document.uri,
                        start=said.start,
                        end=said.end,
                        text=document.text[said.start : said.end],
                    )
                )
        return found

    async def calibration(self, collection: Collection) -> Calibration | None:
        """Return how far searches can be believed that are so sure; None where nobody measured it."""
        return await self._states.calibration_of(collection)

    async def tables(self, collection: Collection, reader: Reader) -> list[Listed]:
        """Return the tables that a reader may read, by their names."""
        return await listed(self._knowledge, collection, reader)

    async def table(self, collection: Collection, id: str, reader: Reader) -> Sheet:
        """Return a table with its first rows.

        Raises:
            Mistaken: `not_found`.

        """
        return await sheet(self._knowledge, collection, id, reader)

    async def quarantine(self, collection: Collection) -> Sequence[Quarantined]:
        """Return what was put aside, the last first."""
        return list((await self._states.aside(collection)).values())

    async def sync(self, collection: Collection, *, removal: bool = False) -> Job:
        """Have a collection looked at now."""
        return await self._wake(collection, removal)

    async def switch(self, collection: Collection, build: str) -> Switched:
        """Let another build answer whoever has no whole one of its own: one that is ready, or was kept.

        Raises:
            Mistaken: `not_found`; `conflict` for one that lacks documents.

        """
        found = await self._build(collection, build)
        live = await self._knowledge.switch(found.id, now_ns=self._clock.now_ns())
        own = _own(await self._pins(collection), await self._knowledge.builds(collection))
        unmoved = tuple(who for id, whose in own.items() if id != live.id for who in whose)
        return Switched(**msgspec.structs.asdict(live), unmoved=unmoved)

    async def delete(self, collection: Collection, build: str, *, force: bool = False) -> Build:
        """Delete a build that does not answer; return it as it was.

        Args:
            collection: whose.
            build: its id.
            force: whether it goes though versions need it: they answer from the live one then, until theirs is made anew.

        Raises:
            Mistaken: `not_found`; `conflict` for the one that answers, and for one that versions need.

        """
        found = await self._build(collection, build)
        needed = _needed(await self._pins(collection), [found])
        if needed and not force:
            who = "; ".join(needed[found.id])
            message = f"the index {found.id} is needed by {who}: without it, that would answer from another index"
            raise Mistaken("conflict", f"{message}; say `force` to delete it all the same", place="build")
        await self._knowledge.drop(found.id)
        return found

    async def _live(self, collection: Collection) -> Build | None:
        builds = await self._knowledge.builds(collection)
        return next((each for each in builds if each.state == "live"), None)

    async def _build(self, collection: Collection, id: str) -> Build:
        for each in await self._knowledge.builds(collection):
            if each.id == id:
                return each
        raise Mistaken("not_found", f"the knowledge {collection.name} has no build {id}", place="build")


class Sized(NamedTuple):
    """How large the chunks of a document are, in characters."""

    least: int
    median: int
    most: int


def sized(chunks: Sequence[Chunk]) -> Sized:
    """Return how large chunks are."""
    sizes = sorted(chunk.end - chunk.start for chunk in chunks) or [0]
    return Sized(sizes[0], sizes[len(sizes) // 2], sizes[-1])


def _needed(pins: Sequence[Pin], builds: Sequence[Build]) -> dict[str, tuple[str, ...]]:
    """Return by id who needs the builds that do not answer."""
    others = [each for each in builds if each.state != "live"]
    found = {each.id: tuple(pin.why for pin in pins if pin.holds(each)) for each in others}
    return {id: who for id, who in found.items() if who}


def _own(pins: Sequence[Pin], builds: Sequence[Build]) -> dict[str, tuple[str, ...]]:
    """Return by id who answers from a build because it is the own one, whichever is live."""
    found: dict[str, tuple[str, ...]] = {}
    for pin in pins:
        one = picked(builds, pin.manifest) if pin.manifest else None
        if one is not None and not one.borrowed:
            found[one.build.id] = (*found.get(one.build.id, ()), pin.why)
    return found


def _health(
    settings: RetrieveSettings, live: Build | None, builds: Sequence[Build], sources: Sequence[SourceState], now: int
) -> Health:
    after = {name: table.stale_after for name, table in tables_of(settings).items()}
    if any(each.stale(after.get(each.source, 0), now) for each in sources):
        return "stale"
    if any(each.code for each in sources):
        return "ill"
    if live is None:
        return "building" if builds else "empty"
    return "well" if live.documents else "empty"


def _listing(document: Document, chunks: int) -> Listing:
    return Listing(
        id=document.id,
        source=document.source,
        uri=document.uri,
        title=document.title,
        kind=document.kind,
        language=document.language,
        characters=len(document.text),
        chunks=chunks,
        modified_ns=document.modified_ns,
        read_ns=document.read_ns,
        flags=document.flags,
        access=document.access,
    )
