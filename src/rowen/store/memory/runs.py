"""Outcomes of runs in a dict."""

from collections.abc import Sequence

from rowen.store.base import Figures, Place
from rowen.store.outcomes import COLUMNS, figures_of, row
from rowen.values import Outcome


class MemoryRuns:
    """Outcomes by tenant and run, then by case and trial."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], dict[Place, Outcome]] = {}

    async def put(self, run: str, outcomes: Sequence[Outcome], *, tenant: str) -> None:
        """Keep outcomes; one that is there is replaced."""
        self._runs.setdefault((tenant, run), {}).update({Place(each.case, each.trial): each for each in outcomes})

    async def figures(self, run: str, tenant: str) -> Figures:
        """Return the figures of all outcomes."""
        return figures_of([row(each)[: len(COLUMNS)] for _, each in self._sorted(run, tenant)])

    async def find(self, run: str, places: Sequence[Place], *, tenant: str) -> list[Outcome]:
        """Return outcomes whole, in the order asked for."""
        found = self._runs.get((tenant, run), {})
        return [found[Place(*place)] for place in places if Place(*place) in found]

    async def page(self, run: str, *, tenant: str, after: Place | None = None, limit: int = 100) -> list[Outcome]:
        """Return outcomes whole, from behind a place."""
        found = self._sorted(run, tenant)
        return [each for place, each in found if after is None or place > after][:limit]

    async def known(self, keys: Sequence[str], *, tenant: str) -> dict[str, Outcome]:
        """Return the latest outcome of each content key."""
        wanted, found = {*keys} - {""}, dict[str, Outcome]()
        for (owner, _), outcomes in self._runs.items():
            for each in outcomes.values() if owner == tenant else ():
                for key in {each.key if each.state == "answered" else "", each.asked} & wanted:
                    if key not in found or found[key].at_ns < each.at_ns:
                        found[key] = each
        return found

    async def delete(self, run: str, tenant: str) -> int:
        """Remove the outcomes of a run; return how many."""
        return len(self._runs.pop((tenant, run), {}))

    def _sorted(self, run: str, tenant: str) -> list[tuple[Place, Outcome]]:
        return sorted(self._runs.get((tenant, run), {}).items(), key=lambda each: each[0])
