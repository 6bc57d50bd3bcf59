"""Runs that are compared: read by their ids, and the answers of the cases that are shown."""

import asyncio
from collections.abc import Callable, Sequence

from rowen.evaluate.compare.base import Change, Comparison
from rowen.evaluate.compare.run import CHANGES, compare_all
from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.run.base import load, shelf
from rowen.store.base import Place, Records, Runs
from rowen.values import Mistaken, Outcome, Run

MOST = 10
"""Runs that are compared at once."""


class Comparing:
    """Compares runs of a store.

    Args:
        records: where runs stand.
        outcomes: what became of their cases.
        plan: gives the metric plan of an app by its name; one that decides nothing where there is none.

    """

    def __init__(self, records: Records, outcomes: Runs, plan: Callable[[str], MetricsTable]) -> None:
        self._runs = shelf(records)
        self._outcomes = outcomes
        self.plan = plan
        """Gives the metric plan of an app by its name."""

    async def found(self, ids: Sequence[str], tenant: str | None) -> list[Run]:
        """Return runs by their ids.

        Raises:
            Mistaken: `not_found`; `field_invalid` for fewer than two or too many, or one that is named twice.

        """
        if not 2 <= len(ids) <= MOST or len(set(ids)) < len(ids):
            message = f"name two to {MOST} different runs, the baseline first"
            raise Mistaken("field_invalid", message, place="runs")
        runs = []
        for id in ids:
            run = await self._runs.get(id, tenant)
            if run is None:
                raise Mistaken("not_found", f"there is no run {id[:70]!r}", place="runs")
            runs.append(run)
        return runs

    async def compare(self, runs: Sequence[Run], *, metric: str = "", changes: int = CHANGES) -> list[Comparison]:
        """Return each run against the first one, by the plan of its app, with the answers of the cases that differ most.

        Raises:
            Mistaken: as for `compare_all`.

        """
        plan = self.plan(runs[0].app)
        loaded = [await load(self._outcomes, run, lower=plan.lower) for run in runs]
        # A fifth of a second at ten thousand cases: in a thread, so that calls are answered meanwhile.
        found = await asyncio.to_thread(compare_all, loaded, plan, metric=metric, changes=changes)
        return [await self._filled(each, (runs[0], run)) for each, run in zip(found, runs[1:], strict=True)]

    async def _filled(self, found: Comparison, runs: tuple[Run, Run]) -> Comparison:
        places = [Place(each.case, each.trial) for each in found.changes]
        ones, others = [
            {(each.case, each.trial): each for each in await self._outcomes.find(run.id, places, tenant=run.tenant)}
            for run in runs
        ]
        return found.but(
            changes=tuple(
                _told(each, ones[each.case, each.trial], others[each.case, each.trial], found.metric)
                for each in found.changes
            )
        )


def _told(change: Change, one: Outcome, other: Outcome, metric: str) -> Change:
    """Return a case with what was answered."""
    return change.but(
        answers=(one.answer, other.answer),
        failed=(_why(one), _why(other)),
        reasons=(one.reasons.get(metric, ""), other.reasons.get(metric, "")),
    )


def _why(one: Outcome) -> str:
    return one.reasons.get("error", "it failed") if one.state == "failed" else ""
