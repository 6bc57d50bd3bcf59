"""Does runs: brings together what is tried, who judges and the cases, runs them, and keeps the result."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from rowen.config import Loaded
from rowen.evaluate.run.aim import Aim
from rowen.evaluate.run.desk import Plan, RunDesk, plan_in
from rowen.evaluate.run.judges import Judge
from rowen.evaluate.run.pace import Sleep
from rowen.evaluate.run.result import Result, Results, errors_of, result_of
from rowen.evaluate.run.runner import Runner
from rowen.store.base import Records
from rowen.values import Clock, Run


class Means(Protocol):
    """What runs are done with: apps, models and functions."""

    async def loaded(self, app: str, definition: str) -> Loaded:
        """Return an app as a Definition of it says.

        Raises:
            Mistaken: it was never kept, or cannot be run here.

        """
        ...

    async def aim(self, run: Run, plan: Plan) -> Aim:
        """Return what a run tries.

        Raises:
            Problem: it is not here, or not what it was when the run was begun.

        """
        ...

    def judges(self, run: Run, plan: Plan) -> list[Judge]:
        """Return who judges.

        Raises:
            Mistaken: one cannot be made.

        """
        ...


class RunWork:
    """Does runs.

    Args:
        desk: where they are.
        records: where their results are.
        means: what they are done with.
        clock: stamps outcomes.
        sleep: how it waits where a provider asks for it.

    """

    def __init__(
        self, desk: RunDesk, records: Records, means: Means, clock: Clock, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._desk = desk
        self._results = Results(records)
        self._means = means
        self._runner = Runner(desk.shelf, desk.outcomes, clock, sleep=sleep)

    async def done(self, run: Run, *, again: bool = False, told: Callable[[Run], object] = lambda _: None) -> Result:
        """Do a run to its end, or as far as it goes; return what came of it.

        Args:
            run: as it was begun, or made ready to go on.
            again: whether what failed is tried once more.
            told: called with the run after each outcome.

        Raises:
            Problem: it could not be begun.

        """
        plan = plan_in(run)
        cases = await self._desk.cases(run)
        aim = await self._means.aim(run, plan)
        judges = self._means.judges(run, plan)
        ended = await self._runner.run(run, cases, aim, judges, pace=plan.pace(again=again), cut=plan.cut, told=told)
        found = await counted(self._desk, ended)
        await self._results.put(found)
        return found


async def counted(desk: RunDesk, run: Run, *, slices: bool = True) -> Result:
    """Return what came of a run so far, counted from its outcomes."""
    loaded = await desk.loaded(run)
    return result_of(loaded, plan_in(run), await errors_of(desk.outcomes, loaded), slices=slices)


async def result(desk: RunDesk, records: Records, run: Run) -> Result:
    """Return what came of a run: as it was kept at its end, or counted so far."""
    if run.state not in {"running", "waiting"} and (kept := await Results(records).get(run)) is not None:
        return kept
    return await counted(desk, run, slices=False)
