"""Cases that were tried several times: how often any of k tries passes, and how often all of them do."""

from collections.abc import Mapping
from dataclasses import dataclass

from rowen.evaluate.run.base import Loaded
from rowen.evaluate.statistics.trials import Tries, pass_all, pass_at
from rowen.values.interval import Interval


@dataclass(frozen=True, slots=True)
class Tried:
    """A yes-or-no metric by case: how many tries passed, of how many."""

    cases: Mapping[str, Tries]
    groups: Mapping[str, str]

    @property
    def least(self) -> int:
        """Tries that every case has."""
        return min((tries for _, tries in self.cases.values()), default=0)


def tries_of(run: Loaded, metric: str) -> Tried | None:
    """Return the tries of a metric; None where it is not one of yes and no. What failed did not pass."""
    found: dict[str, list[float]] = {}
    for case, value in zip(run.figures.cases, run.values(metric), strict=True):
        if value is not None:
            found.setdefault(case, []).append(value)
    if not found or any(value not in {0.0, 1.0} for values in found.values() for value in values):
        return None
    return Tried({case: (int(sum(values)), len(values)) for case, values in found.items()}, run.groups)


def passes(tried: Tried, k: int, any_of: bool) -> Interval:
    """Return pass@k (any of k tries) or pass^k (all of them), with the interval over cases.

    Raises:
        ValueError: some case was not tried k times.

    """
    clusters = [tried.groups[case] for case in tried.cases]
    return (pass_at if any_of else pass_all)(k, list(tried.cases.values()), clusters=clusters)
