"""What a run over cases that were asked in other ways, or about other people, shows."""

import asyncio
from collections.abc import Sequence

from rowen.evaluate.dataset import Datasets
from rowen.evaluate.robust.aware import Awareness, awareness, mark_of
from rowen.evaluate.robust.base import variant_of
from rowen.evaluate.robust.bias import Fairness, about_of, fairness
from rowen.evaluate.robust.report import Robustness, report
from rowen.evaluate.run.base import shelf
from rowen.store.base import Place, Records, Runs
from rowen.values import Case, Mistaken, Outcome, Value

_PAGE = 500


class Shown(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What there is to say of a run: one of the three, by what its cases are."""

    robustness: Robustness | None = None
    """None where no case was asked in another way."""
    fairness: Fairness | None = None
    """None where no case is about people who differ in one thing alone."""
    awareness: Awareness | None = None
    """None where no case was announced as a test."""

    @property
    def bad(self) -> tuple[str, ...]:
        """What breaks, counts or differs."""
        if self.robustness is not None:
            return self.robustness.breaks
        if self.fairness is not None:
            return self.fairness.biased
        return self.awareness.flagged if self.awareness is not None else ()


class Robust:
    """Reads runs and their cases.

    Args:
        records: where runs stand.
        outcomes: what became of their cases.
        datasets: the cases, as they were.

    """

    def __init__(self, records: Records, outcomes: Runs, datasets: Datasets) -> None:
        self._runs = shelf(records)
        self._outcomes = outcomes
        self._datasets = datasets

    async def show(self, id: str, tenant: str | None, *, metric: str = "") -> Shown:
        """Return how robust and how fair the answers of a run are.

        Raises:
            Mistaken: `not_found`; `conflict` where its cases are neither.

        """
        run = await self._runs.get(id, tenant)
        if run is None:
            raise Mistaken("not_found", f"there is no run {id[:70]!r}", place="run")
        cases = await self._datasets.cases(run.dataset, run.tenant, run.version)
        outcomes = await self._all(run.id, run.tenant)
        # It draws thousands of times: in a thread, so that calls are answered meanwhile.
        return await asyncio.to_thread(_shown, cases, outcomes, id, metric)

    async def _all(self, run: str, tenant: str) -> list[Outcome]:
        found: list[Outcome] = []
        after: Place | None = None
        while page := await self._outcomes.page(run, tenant=tenant, after=after, limit=_PAGE):
            found += page
            after = Place(page[-1].case, page[-1].trial)
        return found


def is_made(case: Case) -> bool:
    """Whether a case is asked in another way, about other people, or announced as a test."""
    return any(of(case) is not None for of in (variant_of, about_of, mark_of))


def _shown(cases: Sequence[Case], outcomes: Sequence[Outcome], run: str, metric: str) -> Shown:
    people = [case for case in cases if about_of(case) is not None]
    if people:
        return Shown(fairness=fairness(people, outcomes, run=run, metric=metric))
    if any(mark_of(case) is not None for case in cases):
        return Shown(awareness=awareness(cases, outcomes, run=run))
    return Shown(robustness=report(cases, outcomes, run=run, metric=metric))
