"""What was found out about a version before it is let out: runs of an evaluation, and how long their cases may decide."""

from collections.abc import Sequence
from typing import Protocol

from rowen.evaluate.compare.differ import interval
from rowen.evaluate.compare.pairs import Column
from rowen.evaluate.dataset import Age, Datasets
from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.run.base import Loaded, load, shelf
from rowen.evaluate.statistics.arrays import floats, np
from rowen.store.base import Records, Runs
from rowen.values import Mistaken, Run
from rowen.values.interval import Interval

_MOST = 1_000


class Evidence(Protocol):
    """Gives the runs that were made, and what came of them."""

    async def runs(self, app: str, suite: str) -> Sequence[Run]:
        """Return the runs of a suite, the last made first."""
        ...

    async def loaded(self, run: Run) -> Loaded:
        """Return a run with its figures."""
        ...

    async def age(self, run: Run) -> tuple[Age, str]:
        """Return whether the data set of a run may still decide, and the hash of its latest version (empty: none kept)."""
        ...


class Kept:
    """Evidence from the store.

    Args:
        records: where runs and data sets stand.
        outcomes: what became of each case.
        datasets: whose versions and days are looked at.

    """

    def __init__(self, records: Records, outcomes: Runs, datasets: Datasets) -> None:
        self._runs = shelf(records)
        self._outcomes = outcomes
        self._datasets = datasets

    async def runs(self, app: str, suite: str) -> list[Run]:
        """Return the runs of a suite, the last made first."""
        return await self._runs.find(app=app, group=suite, limit=_MOST)

    async def loaded(self, run: Run) -> Loaded:
        """Return a run with its figures."""
        return await load(self._outcomes, run)

    async def age(self, run: Run) -> tuple[Age, str]:
        """Return whether the data set of a run may still decide, and the hash of its latest version."""
        try:
            said = await self._datasets.get(run.dataset, run.tenant)
        except Mistaken:
            return "fresh", ""
        versions = await self._datasets.versions(run.dataset, run.tenant)
        return said.age(self._datasets.today()), versions[0].hash if versions else ""


def differences(candidate: Loaded, baseline: Loaded, plan: MetricsTable) -> dict[str, Interval]:
    """Return candidate less baseline by metric of a plan, over the cases of which both have a value."""
    known: dict[str, int] = {}
    found: dict[str, Interval] = {}
    for metric in plan.roles:
        ours, theirs = candidate.cases(metric), baseline.cases(metric)
        both = sorted(ours.keys() & theirs.keys())
        if both:
            column = Column.of(
                floats([theirs[case] for case in both]),
                floats([ours[case] for case in both]),
                np.asarray([known.setdefault(candidate.groups[case], len(known)) for case in both], dtype=np.int64),
            )
            found[metric] = interval(column, plan.level(metric))
    return found
