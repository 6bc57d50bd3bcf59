"""Evaluation runs of the apps that are served: what they try, who judges, and the job that does them."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rowen.config import Loaded, kept
from rowen.evaluate.dataset import datasets_in
from rowen.evaluate.run.aim import Aim
from rowen.evaluate.run.app import Manner, of_app
from rowen.evaluate.run.desk import Plan, RunDesk
from rowen.evaluate.run.function import of_function
from rowen.evaluate.run.judges import Judge, Wanted, judges
from rowen.evaluate.run.office import RunOffice, Unread
from rowen.evaluate.run.work import RunWork
from rowen.flow import App
from rowen.flow.assemble import Assembled, Shared, assemble
from rowen.jobs import Queue
from rowen.prompt import Prompts
from rowen.score.base import Ports
from rowen.score.rule import Rule
from rowen.serve.apps import Served
from rowen.serve.beside import own_indexes
from rowen.serve.exampling import vet_examples
from rowen.serve.ground import ground_of
from rowen.serve.judging import AppModels, rules_of
from rowen.serve.settings import ServerSettings
from rowen.serve.sharing import shared_of
from rowen.serve.tables import TABLES
from rowen.store.base import Store
from rowen.trace import Buffer
from rowen.values import Clock, Index, Mistaken, Priority, Run

_STANDING = 16
"""Apps that stand at the same time; beyond them the first goes."""


class Apart:
    """Apps assembled to be tried, apart from those that answer: nothing of them is let out.

    Args:
        shared: what all apps of the process share.
        store: where every Definition is kept, so that a run of it can be run again, and what apps know.

    """

    def __init__(self, shared: Shared, store: Store) -> None:
        self._shared = shared
        self._store = store
        self._definitions = store.definitions
        self._made: dict[str, Assembled] = {}

    async def add(self, loaded: Loaded) -> App:
        """Assemble an app, unless it is; return it.

        Raises:
            Mistaken: `config_*`.

        """
        rules_of(loaded)
        vet_examples(loaded)
        hash = loaded.definition.hash
        made = self._made.pop(hash, None)
        if made is None:
            made = assemble(loaded, self._shared)
            await self._definitions.put(loaded.definition)
            await made.app.ready()
        self._made[hash] = made
        while len(self._made) > _STANDING:
            await self._made.pop(next(iter(self._made))).fleet.close()
        return made.app

    async def found(self, app: str, hash: str, path: Path) -> Assembled:
        """Return an app as a Definition of it says: one that stands, or one that was kept.

        Args:
            app: its name.
            hash: of the Definition.
            path: the app's file, which is not read: beside it is what a Definition names.

        Raises:
            Mistaken: `not_found` where the Definition was never kept; `config_*` where it cannot be run here.

        """
        if hash not in self._made:
            definition = await self._definitions.get(hash)
            if definition is None:
                raise Mistaken("not_found", f"the Definition {hash[:12]} was never kept here", place=app)
            await self.add(kept(definition, TABLES, path))
        return self._made[hash]

    async def indexes(self, made: Assembled) -> tuple[Index, ...]:
        """Return the indexes that an app answers from, its own made first where they are not there.

        Raises:
            Problem: one cannot be made.

        """
        return await own_indexes(made, self._store, self._shared)

    def named(self, name: str) -> App:
        """Return an app that was added.

        Raises:
            Mistaken: `app_unknown`.

        """
        alike = [each.app for each in self._made.values() if name in ("", each.app.name)]
        if not alike:
            raise Mistaken("app_unknown", f'there is no app "{name}" here', place="app")
        return alike[-1]

    def all(self) -> tuple[App, ...]:
        """Return all that were added."""
        return tuple(each.app for each in self._made.values())

    async def close(self) -> None:
        """Close their providers."""
        for each in self._made.values():
            await each.fleet.close()


class Means:
    """What runs are done with: apps that stand apart, and functions that this process can import.

    Args:
        apart: the apps.
        path: gives the file of an app by its name; raises where there is none.
        judge: the app whose models judge, where what is tried is no app that has any; empty for none.
        priority: of the calls, under load.

    """

    def __init__(
        self, apart: Apart, path: Callable[[str], Path], *, judge: str = "", priority: Priority = "low"
    ) -> None:
        self._apart = apart
        self._path = path
        self._models = AppModels(apart)
        self._judge = judge
        self._priority: Priority = priority

    async def aim(self, run: Run, plan: Plan) -> Aim:
        """Return what a run tries.

        Raises:
            Mistaken: `app_unknown`, `not_found`, `config_*`.
            Problem: an index of its own cannot be made.

        """
        if run.target.kind == "callable":
            return of_function(run.target.name)
        target = run.target
        found = await self._apart.found(target.app, target.definition, self._path(target.app))
        indexes = await self._apart.indexes(found)
        return of_app(
            found.app,
            found.loaded,
            self._manner(run, plan),
            kind=run.target.kind,
            name=run.target.name,
            indexes=indexes,
        )

    async def loaded(self, app: str, definition: str) -> Loaded:
        """Return an app as a Definition of it says.

        Raises:
            Mistaken: `app_unknown`, `not_found`, `config_*`.

        """
        return (await self._apart.found(app, definition, self._path(app))).loaded

    def judges(self, run: Run, plan: Plan) -> list[Judge]:
        """Return who judges.

        Raises:
            Mistaken: `config_*` or `extra_missing`.

        """
        return judges(plan.scorers, lambda wanted, within: self._ports(wanted, run, within))

    def _manner(self, run: Run, plan: Plan) -> Manner:
        return Manner(
            run=run.id,
            tenant=run.tenant,
            groups=plan.groups,
            params=plan.params,
            seed=plan.seed,
            use_cache=plan.cache,
            priority=self._priority,
        )

    def _ports(self, wanted: Wanted, run: Run, within: str) -> Ports:
        app = run.target.app if run.target.kind == "definition" else self._judge
        if not app:
            return Ports(ask=_nobody)
        rule = Rule(name=wanted.name, app=app, kind=wanted.kind, model=wanted.model)
        return Ports(
            ask=self._models.ask(rule, run.tenant, within),
            embed=self._models.embed(rule, run.tenant, within) if wanted.model and wanted.kind != "judge" else None,
        )


async def _nobody(_: object) -> Any:
    raise Mistaken("config_invalid", "a judge that is a model needs an app to ask: name one with --app", place="model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What runs on the command line are done with."""

    store: Store
    apart: Apart
    desk: RunDesk
    work: RunWork
    means: Means


@asynccontextmanager
async def bench(
    settings: ServerSettings, apps: Sequence[Loaded], clock: Clock, *, judge: str = ""
) -> AsyncIterator[Bench]:
    """Open the store and apps for runs in this process, without a server beside them.

    Args:
        settings: the deployment, of which the store is opened. Limits and budgets hold with those of its servers.
        apps: as they were read.
        clock: what time it is.
        judge: the app whose models judge, where what is tried has none.

    Raises:
        Problem: an app or the store is wrong.

    """
    async with AsyncExitStack() as stack:
        ground = await ground_of(settings, clock, stack)
        store = ground.store
        buffer = Buffer(store.traces.write, every=settings.trace_every, size=settings.trace_buffer)
        buffer.start()
        stack.push_async_callback(buffer.close)
        desk = desk_of(store, clock)
        prompts = Prompts(store.records, store.definitions, clock)
        shared = shared_of(ground, stack, buffer=buffer, prompts=prompts, datasets=desk.datasets)
        apart = Apart(shared, store)
        stack.push_async_callback(apart.close)
        for loaded in apps:
            await apart.add(loaded)
        paths = {loaded.definition.app: loaded.path for loaded in apps}
        means = Means(apart, lambda app: paths.get(app, Path("app.toml")), judge=judge, priority="normal")
        yield Bench(store=store, apart=apart, desk=desk, work=RunWork(desk, store.records, means, clock), means=means)


def runs_of(
    store: Store, shared: Shared, served: Served, queue: Queue, stack: AsyncExitStack, *, unread: Unread
) -> RunOffice:
    """Return the office of runs of a server, whose apps stand apart from those that answer."""
    apart = Apart(shared, store)
    stack.push_async_callback(apart.close)

    def path(app: str) -> Path:
        return next((each.path for each in served.loaded() if each.definition.app == app), Path("app.toml"))

    desk, means = desk_of(store, shared.clock), Means(apart, path)
    work = RunWork(desk, store.records, means, shared.clock)
    return RunOffice(desk, work, means, store.records, queue, shared.clock, served.loaded, unread)


def desk_of(store: Store, clock: Clock) -> RunDesk:
    """Return the desk of the runs of a store."""
    return RunDesk(store.records, store.runs, datasets=datasets_in(store, clock), clock=clock)
