"""Keeps the knowledge of the apps that are served up to date: a job for each `[retrieve.NAME]`, by schedule and on change."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from rowen.config import Loaded
from rowen.flow import App, Apps
from rowen.flow.knowledge import TENANT, Bridges, Stale, collection_of
from rowen.jobs import Handler, Job, Queue, Task
from rowen.retrieve import RetrieveSettings
from rowen.retrieve.desk import Desk
from rowen.retrieve.load import Ports
from rowen.retrieve.load.catalog import tables_of
from rowen.retrieve.load.files import Files
from rowen.retrieve.parse import Reading
from rowen.retrieve.pick import Pins, unpinned
from rowen.retrieve.plan import Plan, Watched, plan_of
from rowen.retrieve.state import Behind, SourceState, States, behind
from rowen.retrieve.sync import Sync, told
from rowen.serve.reading import Web
from rowen.store.base import Store
from rowen.store.knowledge import Collection
from rowen.values import Answer, AskModel, Clock, Embed, Mistaken, Problem, Request, Value
from rowen.values.errand import INDEX

log = logging.getLogger(__name__)

SYNC = "retrieve.sync"
"""The kind of job that brings a collection up to date."""
_NEVER_NS = 100 * 365 * 86_400 * 1_000_000_000
_S = 1_000_000_000
_PATIENCE = 900.0
"""Seconds for which a source may fail before somebody is told, where its table says nothing."""

EmbedOf = Callable[[Loaded, RetrieveSettings], Embed | None]
"""Gives what makes the vectors of a `[retrieve.NAME]`; None for a lexical index."""


class Loads(Apps, Protocol):
    """Gives the apps as they were read."""

    def loaded(self) -> list[Loaded]: ...

    def answering(self, name: str) -> list[Loaded]:
        """Return every version of an app that answers somebody now, what is live first."""
        ...


class Changed(Value, frozen=True, kw_only=True):
    """What a job was asked for."""

    name: str
    settings: str = ""
    """A hash of the table: with another one there is something to do."""
    removal: bool = False
    """Whether a source may lose most of its documents at once, this time."""


@dataclass(frozen=True, slots=True)
class Known:
    """A `[retrieve.NAME]` of an app that is served."""

    collection: Collection
    settings: RetrieveSettings
    loaded: Loaded
    others: tuple["Known", ...] = ()
    """The same of versions that roll out beside what is live, where they make another index."""


class Indexing:
    """Queues and does the jobs.

    Args:
        store: where knowledge and states are.
        served: the apps.
        queue: where jobs are queued.
        clock: what time it is.
        embeds: gives what makes vectors; left out, every index is lexical.
        stale: is told which sources are.
        bridges: is told which there are from one embedder to another.
        pins: gives what versions need of a collection; left out, none needs any.

    """

    def __init__(
        self,
        store: Store,
        served: Loads,
        queue: Queue,
        clock: Clock,
        embeds: EmbedOf | None = None,
        stale: Stale | None = None,
        bridges: Bridges | None = None,
        pins: Pins = unpinned,
    ) -> None:
        self._store = store
        self._served = served
        self.queue = queue
        self._clock = clock
        self._embeds = embeds
        self._stale = stale or Stale()
        self.bridges = bridges or Bridges()
        self._pins = pins
        self._web = Web()
        self._kept: dict[Collection, Mapping[str, Watched]] = {}
        self._figures: dict[tuple[str, str, str], SourceState] = {}
        self._seen: dict[tuple[Collection, str], str] = {}
        self._loop: asyncio.Task[None] | None = None
        self.states = States(store.records)
        self.reading = Reading()

    def desk(self) -> Desk:
        """Return knowledge as it is managed."""

        async def wake(collection: Collection, removal: bool) -> Job:
            return await self.wake(collection, removal=removal)

        return Desk(
            self._store.knowledge,
            self.states,
            defined=lambda: {each.collection: each.settings for each in self.all()},
            wake=wake,
            jobs=self.queue,
            job_of=job_of,
            clock=self._clock,
            pins=self._pins,
        )

    @property
    def handlers(self) -> dict[str, Handler]:
        """Who does which kind of job."""
        return {SYNC: self.sync}

    def all(self) -> list[Known]:
        """Return what the apps that are served know, as they are live, and what of it only a rollout tries out."""
        found: dict[Collection, list[Known]] = {}
        for app in self._served.loaded():
            for loaded in self._served.answering(app.definition.app):
                for name, settings in loaded.tables["retrieve"].items():
                    known = Known(collection_of(loaded.definition.app, name), settings, loaded)
                    found.setdefault(known.collection, []).append(known)
        return [
            replace(first, others=tuple(each for each in others if each.settings != first.settings))
            for first, *others in found.values()
        ]

    def named(self, app: str, name: str) -> Known:
        """Return one of them; where an app has one alone, `name` may be empty.

        Raises:
            Mistaken: `not_found`.

        """
        found = [each for each in self.all() if app in {"", each.collection.app} and name in {"", each.collection.name}]
        if len(found) == 1:
            return found[0]
        names = ", ".join(f"{each.collection.app}/{each.collection.name}" for each in self.all()) or "none"
        raise Mistaken("not_found", f"there is no such knowledge here, or several; there are: {names}", place="name")

    async def queue_written(self) -> None:
        """See that every `[retrieve.NAME]` has its job, and that one whose table changed is due at once."""
        for each in self.all():
            await self._written(each)

    async def job(self, collection: Collection) -> Job:
        """Return the job of a collection.

        Raises:
            Mistaken: `not_found`.

        """
        return await self._written(self.named(collection.app, collection.name))

    async def wake(self, collection: Collection, *, removal: bool = False) -> Job:
        """Have a collection looked at now.

        Raises:
            Mistaken: `not_found`.

        """
        known = self.named(collection.app, collection.name)
        asked = Changed(name=collection.name, settings=_hash(known), removal=removal)
        return await self._again(await self._written(known), asked)

    async def unread(self, app: str) -> str:
        """Return the name of a knowledge of an app whose first look is not over yet; empty where there is none."""
        for each in self.all():
            if each.collection.app == app and not await self._read(each.collection):
                return each.collection.name
        return ""

    async def _read(self, collection: Collection) -> bool:
        if any(build.state == "live" for build in await self._store.knowledge.builds(collection)):
            return True
        try:
            job = await self.queue.get(job_of(collection))
        except Mistaken:
            return False
        return bool(job.runs or job.code)

    async def sync(self, task: Task) -> dict[str, object] | None:
        """Do a job: bring its collection up to date."""
        asked = msgspec.convert(dict(task.input), Changed)
        try:
            known = self.named(task.app, asked.name)
        except Mistaken:
            return {"gone": True}  # the app no longer has it, or another process serves it
        if asked.removal:  # once, not whenever the job comes back
            await self.queue.change(task.id, None, lambda job: job.but(input={**job.input, "removal": False}))
        plan = await self.plan(known)
        self._kept[known.collection] = plan.sources
        for name, watched in plan.sources.items():  # before the look, so that no change falls between
            if isinstance(watched.source, Files):
                self._seen[known.collection, name] = await asyncio.to_thread(watched.source.stamp)
        work = Sync(
            plan, self._store.knowledge, self.states, self.reading, self._clock, tell=task.progress, check=task.check
        )
        try:
            done = told(await work.run(removal=asked.removal))
            if known.others:
                done["beside"] = [await self._beside(each, task) for each in known.others]
            return done
        finally:
            await self.refresh()

    async def _beside(self, known: Known, task: Task) -> int:
        """Keep up the index of a version that rolls out; what it cannot have leaves the live one alone."""
        try:
            plan = await self.plan(known)
            return await Sync(
                plan, self._store.knowledge, self.states, self.reading, self._clock, check=task.check
            ).beside()
        except Problem as problem:
            log.warning("%s has no index of its own yet: %s", known.loaded.definition.hash[:12], problem)
            return 0

    async def plan(self, known: Known) -> Plan:
        """Return what it takes to bring a collection up to date.

        Raises:
            Problem: as `plan_of`.

        """
        return await plan_of(
            known.collection,
            known.settings,
            Ports(folder=known.loaded.path.parent, get=self._web, clock=self._clock),
            embed=self._embeds(known.loaded, known.settings) if self._embeds else None,
            ask=asking(known, lambda: self._served.named(known.collection.app)),
            kept=self._kept.get(known.collection),
        )

    def start(self, *, watch: bool) -> None:
        """Begin to keep the figures fresh; with `watch`, to look at once when files change."""
        self._loop = asyncio.create_task(self._look(watch=watch), name="indexing")

    async def close(self) -> None:
        """Stop, and close what was opened."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        await self.reading.close()
        await self._web.close()

    async def refresh(self) -> None:
        """Read how all sources stand, for the figures below."""
        self._figures = {
            (each.collection.app, each.collection.name, name): state
            for each in self.all()
            for name, state in (await self.states.of(each.collection)).items()
        }
        self.bridges.known = {
            (bridge.app, bridge.collection, bridge.new, bridge.old): bridge
            for each in self.all()
            for bridge in await self.states.bridges_of(each.collection)
        }
        now = self._clock.now_ns()
        self._stale.sources = frozenset(
            (each.collection.app, each.collection.name, name)
            for each in self.all()
            for name, table in tables_of(each.settings).items()
            if (state := self._figures.get((each.collection.app, each.collection.name, name))) is not None
            and state.stale(table.stale_after, now)
        )

    async def behind(self) -> list[Behind]:
        """Return the sources that fell behind: by their `stale_after`, else once two looks and a quarter of an hour failed."""
        now, found = self._clock.now_ns(), list[Behind]()
        for each in self.all():
            states = await self.states.of(each.collection)
            for name, table in tables_of(each.settings).items():
                state = states.get(name)
                after = table.stale_after or (
                    max(_PATIENCE, 2 * table.every) if state is not None and state.code else 0
                )
                if state is not None and after and (one := behind(state, after, now)) is not None:
                    found.append(one)
        return found

    def lag(self) -> dict[tuple[str, ...], float]:
        """Return by app, name and source for how many seconds it was not seen whole."""
        now = self._clock.now_ns()
        return {key: (now - state.synced_ns) / _S for key, state in self._figures.items() if state.synced_ns}

    def counted(self, what: str) -> dict[tuple[str, ...], float]:
        """Return by app, name and source how many `documents` it has, or are `quarantined`."""
        return {key: float(getattr(state, what)) for key, state in self._figures.items()}

    def ill(self) -> dict[tuple[str, ...], float]:
        """Return by app, name and source 1 for one whose last look did not go well."""
        return {key: float(bool(state.code)) for key, state in self._figures.items()}

    async def _written(self, each: Known) -> Job:
        asked = Changed(name=each.collection.name, settings=_hash(each))
        job = await self.queue.keep(
            SYNC,
            id=job_of(each.collection),
            app=each.collection.app,
            input=msgspec.to_builtins(asked),
            every_ns=_every_ns(each.settings),
            about=f"brings {each.collection.name} up to date",
        )
        known = msgspec.convert(job.input, Changed)
        return job if known.settings == asked.settings else await self._again(job, asked)

    async def _again(self, job: Job, asked: Changed) -> Job:
        def change(now: Job) -> Job:
            due = {"due_ns": self._clock.now_ns()} if now.state == "queued" else {}
            return now.but(input=msgspec.to_builtins(asked), **due)

        changed = await self.queue.change(job.id, None, change)
        self.queue.woken.set()
        return changed

    async def _look(self, *, watch: bool) -> None:
        while True:
            begun = self._clock.monotonic()
            try:
                await self.refresh()
                if watch:
                    await self._watch()
            except Problem as problem:
                log.warning("sources cannot be looked at: %s", problem.message)
            # Looking through 100,000 files takes five seconds of CPU: it is not to take more than a twentieth of a core.
            await asyncio.sleep(max(1.0, 20 * (self._clock.monotonic() - begun)) if watch else 15)

    async def _watch(self) -> None:
        """Wake the jobs of sources whose files have changed since the last look."""
        for collection, sources in list(self._kept.items()):
            for name, watched in sources.items():
                if isinstance(watched.source, Files):
                    stamp = await asyncio.to_thread(watched.source.stamp)
                    if self._seen.get((collection, name), stamp) != stamp:
                        self._seen[collection, name] = stamp
                        await self.wake(collection)


def asking(known: Known, app: Callable[[], App]) -> AskModel | None:
    """Return what asks the model that writes contexts or finds relations; None where none is named.

    Args:
        known: whose index is made.
        app: gives the app whose model is asked.

    Raises:
        Mistaken: `config_invalid` for a model that the app has not.

    """
    settings, collection = known.settings, known.collection
    named = {each.removeprefix("model:") for each in (settings.chunk.context, settings.graph) if ":" in each}
    if not named:
        return None
    for name in sorted(named.difference(known.loaded.tables["models"])):
        message = f'there is no model "{name}" in this app to write contexts or find relations'
        raise Mistaken("config_invalid", message, place=known.loaded.place("retrieve", collection.name))

    async def ask(request: Request) -> Answer:
        done = await app().ask(
            request,
            errand=INDEX,
            name=collection.name,
            tenant=TENANT,
        )
        return done.answer or Answer()

    return ask


def job_of(collection: Collection) -> str:
    """Return the id of the one job of a collection, which never runs twice at a time."""
    return f"{SYNC}:{collection.app}:{collection.name}"


def _every_ns(settings: RetrieveSettings) -> int:
    """Return how often all sources of a table are looked at: as often as the one that wants it most."""
    wanted = [table.every for table in tables_of(settings).values() if table.every]
    return round(min(wanted) * _S) if wanted else _NEVER_NS


def _hash(known: Known) -> str:
    said = [known.settings, *(each.settings for each in known.others)]
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()[:16]
