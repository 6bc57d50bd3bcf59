"""Two runs paired by case and trial, and their metrics as rows of numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from rowen.evaluate.run.base import MEASURED, Loaded
from rowen.evaluate.statistics.arrays import Floats, Whole, np


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """What both runs have, in the order of the baseline."""

    baseline: Loaded
    candidate: Loaded
    places: tuple[Whole, Whole]
    """Where the outcomes of each pair stand in the figures of both."""
    clusters: Whole
    """What each pair belongs to, by number: its group, or else its case, since tries of one case are alike."""
    groups: int
    """How many clusters there are."""

    def __len__(self) -> int:
        return len(self.clusters)

    @property
    def metrics(self) -> list[str]:
        """Every metric of both: scores, then what was measured."""
        others = {*self.candidate.metrics}
        return [*(name for name in self.baseline.metrics if name in others), *MEASURED]

    def rows(self, metric: str) -> tuple[Floats, Floats]:
        """Return a metric of every pair, of the baseline and of the candidate; NaN where there is none."""
        ones, others = (
            np.array([np.nan if each is None else each for each in side.values(metric)], dtype=float)[places]
            for side, places in zip((self.baseline, self.candidate), self.places, strict=True)
        )
        return ones, others

    def column(self, metric: str) -> "Column":
        """Return a metric of the pairs that have it on both sides."""
        ones, others = self.rows(metric)
        both = np.isfinite(ones) & np.isfinite(others)
        return Column.of(
            ones[both],
            others[both],
            self.clusters[both],
            lacking=int((np.isfinite(ones) ^ np.isfinite(others)).sum()),
        )

    def slices(self) -> list[Mapping[str, str]]:
        """Return what each pair can be cut by."""
        ones, others = self.baseline.figures.slices, self.candidate.figures.slices
        return [ones[one] or others[other] for one, other in zip(*(each.tolist() for each in self.places), strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One metric of pairs that have it on both sides."""

    baseline: Floats
    candidate: Floats
    clusters: Whole
    """What each pair belongs to."""
    groups: int
    """How many clusters there are."""
    binary: bool
    """Whether it is yes or no everywhere."""
    lacking: int = 0
    """Pairs that have it on one side alone."""

    @classmethod
    def of(cls, baseline: Floats, candidate: Floats, clusters: Whole, *, lacking: int = 0) -> Self:
        """Return a column of two rows of numbers."""
        return cls(
            baseline=baseline,
            candidate=candidate,
            clusters=clusters,
            groups=len(np.unique(clusters)),
            binary=all(bool(((side == 0) | (side == 1)).all()) for side in (baseline, candidate)),
            lacking=lacking,
        )

    def __len__(self) -> int:
        return len(self.baseline)

    @property
    def alone(self) -> bool:
        """Whether every pair stands for itself."""
        return self.groups == len(self)

    def only(self, places: Sequence[int]) -> "Column":
        """Return some of the pairs."""
        at = np.asarray(places, dtype=np.int64)
        return Column.of(self.baseline[at], self.candidate[at], self.clusters[at])


def paired(baseline: Loaded, candidate: Loaded) -> Pairs:
    """Return two runs paired by case and trial."""
    ones, others = baseline.figures, candidate.figures
    there = {place: at for at, place in enumerate(zip(others.cases, others.trials, strict=True))}
    both = [(at, there[place]) for at, place in enumerate(zip(ones.cases, ones.trials, strict=True)) if place in there]
    known: dict[str, int] = {}
    clusters = [
        known.setdefault(ones.groups[one] or others.groups[other] or ones.cases[one], len(known)) for one, other in both
    ]
    return Pairs(
        baseline=baseline,
        candidate=candidate,
        places=(_whole(one for one, _ in both), _whole(other for _, other in both)),
        clusters=_whole(clusters),
        groups=len(known),
    )


def _whole(numbers: Iterable[int]) -> Whole:
    return np.array(list(numbers), dtype=np.int64)
