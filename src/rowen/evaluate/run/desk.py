"""The desk of runs: plans them from a suite, begins, lists, stops and removes them, and knows how to run one again."""

from collections.abc import Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from rowen.evaluate.dataset import Datasets
from rowen.evaluate.dated import holding
from rowen.evaluate.files import read
from rowen.evaluate.run.base import MEASURED, Loaded, load, shelf
from rowen.evaluate.run.cut import Cut, cut_of
from rowen.evaluate.run.judges import Wanted, wanted
from rowen.evaluate.run.must import Must
from rowen.evaluate.run.pace import Pace
from rowen.evaluate.run.suite import EvaluateTable, Undecided, dollars, musts, needed
from rowen.score import catalog
from rowen.score.rule import ScoreTable
from rowen.store.base import Records, Runs
from rowen.values import Case, Clock, Mistaken, Run, RunState, Target, Value, new_id

ENDED: frozenset[RunState] = frozenset({"done", "stopped"})


class Plan(Value, frozen=True, kw_only=True):
    """What a run is run with, kept with it to run it again."""

    source: str = ""
    """Where the cases came from, for people."""
    must: dict[str, str] = {}
    undecided: Undecided = "value"
    scorers: tuple[Wanted, ...] = ()
    trials: int = 1
    concurrency: int = 8
    budget: str = ""
    seed: int | None = None
    params: dict[str, Any] = {}
    cut: Cut = Cut()
    groups: tuple[str, ...] = ()
    cache: bool = False
    timeout: float = 600.0
    reuse: bool = True

    @property
    def musts(self) -> list[Must]:
        """What metrics must be."""
        return musts(self.must)

    def pace(self, *, again: bool = False) -> Pace:
        """Return how fast and how dear it may be."""
        return Pace(
            concurrency=self.concurrency,
            timeout=self.timeout,
            budget=dollars(self.budget) if self.budget else None,
            reuse=self.reuse,
            again=again,
        )


def plan_of(table: EvaluateTable, scores: Sequence[ScoreTable], cases: Sequence[Case]) -> Plan:
    """Return the plan of a suite over cases.

    Raises:
        Mistaken: `config_invalid` for a scorer that is none, or a `must` about what nothing gives.

    """
    scorers = wanted(table.score, scores, table.scorers, needed(musts(table.must)))
    if not scorers and any(each.metadata.get("assert") for each in cases):
        scorers.append(Wanted(kind="assertions", name="assertions"))  # the cases say themselves what must hold
    known = [*MEASURED, *(each.name for each in scorers)]
    for must in musts(table.must):
        if must.base not in MEASURED and not any(
            must.base == name or must.base.startswith(f"{name}.") for name in known
        ):
            near = get_close_matches(must.base, [*known, *catalog.kinds()], n=1)
            hint = f' — did you mean "{near[0]}"?' if near else ""
            raise Mistaken("config_invalid", f'nothing gives the metric "{must.base}"{hint}', place="must")
    return Plan(
        source=table.cases,
        must=table.must,
        undecided=table.undecided,
        scorers=tuple(scorers),
        trials=table.trials,
        concurrency=table.concurrency,
        budget=table.budget,
        seed=table.seed,
        params=table.params,
        cut=cut_of(cases, by=table.group, names=table.slices),
        groups=table.groups,
        cache=table.cache,
        timeout=table.timeout,
    )


def plan_in(run: Run) -> Plan:
    """Return the plan that a run was begun with."""
    return msgspec.convert(run.settings, Plan)


class RunDesk:
    """Runs and their outcomes.

    Args:
        records: where the runs are.
        outcomes: where their outcomes are.
        datasets: where their cases are.
        clock: stamps them.

    """

    def __init__(self, records: Records, outcomes: Runs, *, datasets: Datasets, clock: Clock) -> None:
        self.shelf = shelf(records)
        self.outcomes = outcomes
        self.datasets = datasets
        self._clock = clock

    async def brought(self, source: str, *, folder: Path, table: EvaluateTable, tenant: str) -> "Brought":
        """Return the cases that a suite names and that hold now, kept as a version that never changes.

        Args:
            source: a file, or `dataset:NAME`, or `dataset:NAME@VERSION`.
            folder: where a relative path of a file starts.
            table: says of what shape a file is.
            tenant: whose.

        Raises:
            Mistaken: there are none, or the file cannot be read.

        """
        if source.startswith("dataset:"):
            name, _, wanted_version = source.removeprefix("dataset:").partition("@")
            version = (
                await self.datasets.version(name, tenant, wanted_version)
                if wanted_version
                else await self.datasets.freeze(name, tenant, note="for a run")
            )
            found = await self.datasets.cases(name, tenant, version.hash)
            return Brought(dataset=name, version=version.hash, cases=self._holding(found, source))
        path = folder / source
        cases = [each.but(tenant=tenant) for each in read(path, table.shape)]
        if not cases:
            raise Mistaken("config_invalid", "the file has no cases", place=source)
        if len({each.id for each in cases}) < len(cases):
            raise Mistaken("config_invalid", "two cases have the same id", place=source)
        return await self.kept(cases, name=f"file:{path.name}", tenant=tenant)

    def _holding(self, cases: Sequence[Case], source: str) -> list[Case]:
        found = holding(cases, self._clock.now_ns())
        if cases and not found.cases:
            message = f"no case holds now: {found.coming} not yet, {found.over} no more"
            raise Mistaken("config_invalid", message, place=source)
        return found.cases

    async def kept(self, cases: Sequence[Case], *, name: str, tenant: str) -> "Brought":
        """Keep cases as a version of a data set under a name, without changing the cases that it has now."""
        version = await self.datasets.keep(name, tenant, cases, note="for a run")
        return Brought(dataset=name, version=version.hash, cases=self._holding(cases, name))

    async def begin(
        self, target: Target, brought: "Brought", plan: Plan, *, suite: str = "", tenant: str = "default",
        by: str = "", note: str = "",
    ) -> Run:  # fmt: skip
        """Write down a run that waits to be run; return it."""
        now = self._clock.now_ns()
        run = Run(
            id=new_id(now),
            tenant=tenant,
            app=target.app,
            suite=suite,
            target=target,
            dataset=brought.dataset,
            version=brought.version,
            metrics=tuple(each.name for each in plan.scorers),
            trials=plan.trials,
            cases=len(brought.cases),
            budget=dollars(plan.budget) if plan.budget else None,
            by=by,
            note=note,
            created_ns=now,
            settings=msgspec.to_builtins(plan),
        )
        await self.shelf.put(run)
        return run

    async def cases(self, run: Run) -> list[Case]:
        """Return the cases of a run: those of its version that held when it was begun.

        Raises:
            Mistaken: `not_found` where the version is gone.

        """
        found = await self.datasets.cases(run.dataset, run.tenant, run.version)
        return holding(found, run.created_ns).cases

    async def get(self, id: str, tenant: str | None) -> Run:
        """Return a run by its id, or by the beginning of it where only one begins so.

        Raises:
            Mistaken: `not_found`; `conflict` where several begin so.

        """
        found = await self.shelf.get(id, tenant)
        if found is not None:
            return found
        like = [
            run for run in await self.all(tenant) if len(id) >= 6 and (run.id.startswith(id) or run.id.endswith(id))
        ]
        if len(like) > 1:
            raise Mistaken("conflict", f"{len(like)} runs begin or end with {id!r}", place="run")
        if not like:
            raise Mistaken("not_found", f"there is no run {id[:60]!r}", place="run")
        return like[0]

    async def all(self, tenant: str | None, *, app: str = "", suite: str = "", limit: int = 1000) -> list[Run]:
        """Return runs, newest first."""
        return await self.shelf.find(tenant=tenant, app=app, group=suite, limit=limit)

    async def loaded(self, run: Run) -> Loaded:
        """Return a run with the figures of its outcomes so far."""
        return await load(self.outcomes, run)

    async def stop(self, id: str, tenant: str | None, *, by: str = "", state: RunState = "stopped") -> Run:
        """Tell a run to stop, or to pause; what is under way is finished.

        Raises:
            Mistaken: `not_found`; `conflict` for one that has ended.

        """
        run = await self.get(id, tenant)

        def change(run: Run) -> Run:
            if run.state in ENDED:
                raise Mistaken("conflict", f"the run is {run.state}", place="run")
            return run.but(state=state, why=f"{state} by {by}" if by else state)

        return await self.shelf.amend(run.id, change, run.tenant) or run

    async def ready(self, id: str, tenant: str | None, *, budget: str = "") -> Run:
        """Make a run that ended early ready to go on; return it. What has an outcome is not tried again.

        Raises:
            Mistaken: `not_found`; `field_invalid` for a budget that is none.

        """
        run = await self.get(id, tenant)
        plan = plan_in(run)
        plan = plan.but(budget=budget) if budget else plan
        try:
            amount: Decimal | None = dollars(plan.budget) if plan.budget else None
        except ValueError as error:
            raise Mistaken("field_invalid", str(error), place="budget") from error

        def change(run: Run) -> Run:
            return run.but(state="waiting", why="", budget=amount, settings=msgspec.to_builtins(plan))

        return await self.shelf.amend(run.id, change, run.tenant) or run

    async def delete(self, id: str, tenant: str | None) -> int:
        """Remove a run with its outcomes; return how many these were.

        Raises:
            Mistaken: `not_found`.

        """
        run = await self.get(id, tenant)
        await self.shelf.delete(run.id, run.tenant)
        return await self.outcomes.delete(run.id, run.tenant)


class Brought(Value, frozen=True, kw_only=True):
    """Cases with the version that they are."""

    dataset: str
    version: str
    cases: list[Case]
