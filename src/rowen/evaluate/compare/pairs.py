"""Two runs paired by case and trial, and their metrics as rows of numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from rowen.evaluate.statistics.arrays import Floats, Whole, np
from rowen.values.evaluation import Outcome

MEASURED: Mapping[str, Callable[[Outcome], float | None]] = {
    "error_rate": lambda one: float(one.state == "failed"),
    "cost": lambda one: None if one.cost is None else float(one.cost),
    "latency": lambda one: one.duration_ms,
    "first_token": lambda one: one.first_ms,
    "input_tokens": lambda one: float(one.input_tokens) or None,
    "output_tokens": lambda one: float(one.output_tokens) or None,
}
"""What is known of an outcome beside its scores: shares, US dollars, milliseconds, tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """What both runs have, in the order of the baseline."""

    baseline: Sequence[Outcome]
    candidate: Sequence[Outcome]
    clusters: Sequence[int]
    """What each pair belongs to, by number: its group, or else its case, since tries of one case are alike."""
    only_baseline: int
    only_candidate: int

    def __len__(self) -> int:
        return len(self.baseline)

    @property
    def metrics(self) -> list[str]:
        """Every metric that both sides have a number of somewhere: what was measured first."""
        scores = set[str]().union(*(one.numbers for one in self.baseline)) & set[str]().union(
            *(one.numbers for one in self.candidate)
        )
        measured = [name for name in MEASURED if name not in scores]
        return [*measured, *sorted(scores)]

    def column(self, metric: str) -> "Column":
        """Return a metric of the pairs that have it on both sides."""
        ones, others = numbers(self.baseline, metric), numbers(self.candidate, metric)
        both = ~(np.isnan(ones) | np.isnan(others))
        return Column.of(
            ones[both],
            others[both],
            np.asarray(self.clusters)[both],
            lacking=int((np.isnan(ones) ^ np.isnan(others)).sum()),
        )


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


def paired(baseline: Sequence[Outcome], candidate: Sequence[Outcome]) -> Pairs:
    """Return the outcomes of two runs, paired by case and trial. Of one that stands there twice the later counts."""
    others = {(one.case, one.trial): one for one in candidate}
    ours = {(one.case, one.trial): one for one in baseline}
    both, known = [place for place in ours if place in others], dict[str, int]()
    return Pairs(
        baseline=[ours[place] for place in both],
        candidate=[others[place] for place in both],
        clusters=[known.setdefault(ours[place].group or others[place].group or place[0], len(known)) for place in both],
        only_baseline=len(ours) - len(both),
        only_candidate=len(others) - len(both),
    )


def number(outcome: Outcome, metric: str) -> float | None:
    """Return a metric of an outcome; a score goes before what was measured under the same name."""
    found = outcome.numbers.get(metric)
    if found is None and metric in MEASURED:
        return MEASURED[metric](outcome)
    return found


def numbers(outcomes: Sequence[Outcome], metric: str) -> Floats:
    """Return a metric of outcomes as a row; NaN where there is none."""
    found = [number(one, metric) for one in outcomes]
    row: Floats = np.array([np.nan if each is None else each for each in found], dtype=float)
    row[np.isinf(row)] = np.nan
    return row
