"""What of the apps is let out, in one process: the desk, the gate with what it looks at, and the error-budget policy."""

from collections.abc import Callable, Mapping
from typing import Any

from rowen.evaluate.dataset import Datasets, datasets_in
from rowen.flow.knowledge import collection_of
from rowen.prompt.registry import Propose
from rowen.release import PRODUCTION, Reason, Releases
from rowen.release.evidence import Kept
from rowen.release.freezer import Freezer
from rowen.release.gate import Budget, Gate
from rowen.release.office import Office
from rowen.release.remark import Remarks
from rowen.release.version import Version
from rowen.serve.pinning import Pinning
from rowen.serve.tables import stored
from rowen.serve.watching import watched_of
from rowen.store.base import Definitions, Store
from rowen.values import Clock, Definition
from rowen.watch.desk import Desk
from rowen.watch.engine import Watched
from rowen.watch.judge import Judges

_EVERY_NS = 60_000_000_000


class Objectives:
    """Tells the gate how error budgets stand."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def budget(self, app: str, objective: str) -> Budget | None:
        """Return how an objective stands; None when there is no such objective."""
        found = next((each for each in self._desk.apps(app) if objective in each.objectives.watch), None)
        if found is None:
            return None
        stands = (await self._desk.row(found, objective)).standing
        if stands.remaining is None or stands.state in ("none", "unstated", "few"):
            return Budget(
                name=objective, spent=False, why=f"there is too little to weigh yet ({stands.total:,} events)"
            )
        spent = stands.remaining <= 0
        left = "the error budget is used up" if spent else f"{stands.remaining:.0%} of the error budget is left"
        why = f"{left} ({stands.total - stands.good:,} bad of {stands.total:,}, target {stands.stated})"
        return Budget(name=objective, spent=spent, why=why)


def tables_of(definition: Definition) -> Mapping[str, Any]:
    """Return the settings of a Definition by table. Secrets are not read.

    Raises:
        Mistaken: `config_*` where this version of Rowen cannot read it.

    """
    return stored(definition).tables


def proposing(releases: Releases, definitions: Definitions) -> Propose:
    """Return what puts candidates forward as versions of their apps."""

    async def propose(definition: Definition, note: str, by: str) -> None:
        await definitions.put(definition)
        if all(each.definition != definition.hash for each in await releases.versions(definition.app)):
            await releases.propose(definition.app, definition.hash, Reason(by=by, note=note))

    return propose


async def office_in(store: Store, clock: Clock, *, signing: bytes) -> Office:
    """Return the office over a store that no server has open here: objectives are those of what is live."""
    desk = Releases(store.records, store.definitions, clock, signing=signing)
    watched: dict[str, Watched] = {}
    for live in await desk.lives():
        definition = await store.definitions.get(live.definition)
        if definition is not None and (live.app not in watched or live.environment == PRODUCTION):
            watched[live.app] = watched_of(stored(definition))
    objectives = Desk(store, lambda: [*watched.values()], clock, Judges(store, clock))
    return office_of(store, desk, objectives, datasets_in(store, clock), clock)


def office_of(store: Store, desk: Releases, objectives: Desk, datasets: Datasets, clock: Clock) -> Office:
    """Return the one way by which versions are let out."""
    pinning = Pinning(store, desk)
    gate = Gate(Kept(store.records, store.runs, datasets), Objectives(objectives), indexes=pinning.indexes)
    remarks = Remarks(store.records, clock)

    async def indexes(version: Version) -> dict[str, Any]:
        answers = {(each.name, each.build): each for each in await pinning.indexes(version.definition) if each.build}
        names = dict.fromkeys(name for name, _ in answers)
        found = {name: await store.knowledge.builds(collection_of(version.app, name)) for name in names}
        return {
            f"{name}/{build.id}": {
                "state": build.state,
                "documents": build.documents,
                "snapshot": build.snapshot,
                "answers": (name, build.id) in answers,
                **({"borrowed": True} if (name, build.id) in answers and answers[name, build.id].borrowed else {}),
            }
            for name, builds in found.items()
            for build in builds
            if build.state in ("live", "kept") or (name, build.id) in answers
        }

    return Office(desk, gate, remarks=remarks, definitions=store.definitions, tables=tables_of, content=indexes)


class Policy:
    """Freezes and thaws releases by the error budgets of the apps served here that say how they are let out, once a minute.

    Args:
        objectives: how budgets stand.
        desk: where it is done.
        clock: the time.
        governed: gives the environment of each of them.

    """

    def __init__(
        self, objectives: Desk, desk: Releases, clock: Clock, governed: Callable[[], Mapping[str, str]]
    ) -> None:
        self._objectives = objectives
        self._governed = governed
        self._freezer = Freezer(desk, clock)
        self._clock = clock
        self._next = 0

    async def settle(self) -> None:
        """Look at every app, if a minute has gone by."""
        now = self._clock.now_ns()
        if now < self._next:
            return
        self._next = now + _EVERY_NS
        environments = self._governed()
        for app in self._objectives.apps():
            name = app.objectives.app
            if app.objectives.watch and name in environments:
                frozen = await self._objectives.freeze(app)
                await self._freezer.settle(name, frozen.reasons, environment=environments[name])
