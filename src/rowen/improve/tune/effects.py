"""Which choice mattered: each level against the baseline on the same questions, and which differences are noise."""

from collections.abc import Mapping, Sequence
from typing import Any

from rowen.evaluate.statistics import holm, paired, permutation
from rowen.values import Value
from rowen.values.interval import Interval

ALPHA = 0.05


class Effect(Value, frozen=True, kw_only=True):
    """What one choice made otherwise changed, all else as the app has it."""

    choice: str
    level: Any
    gain: Interval
    p: float
    """By flipping signs, corrected after Holm for how many were tried."""

    @property
    def matters(self) -> bool:
        """Whether it is no noise."""
        return self.p <= ALPHA


def effects(
    tried: Mapping[tuple[str, Any], Sequence[float]], baseline: Sequence[float], groups: Sequence[object]
) -> tuple[Effect, ...]:
    """Return all effects, the largest gain first.

    Args:
        tried: by choice and level, the quality of each question.
        baseline: the same of the baseline.
        groups: what each question belongs to.

    """
    chances = [
        permutation([one - other for one, other in zip(values, baseline, strict=True)], clusters=groups).p
        for values in tried.values()
    ]
    found = [
        Effect(choice=choice, level=level, gain=paired(values, baseline, clusters=groups, bounds=(0.0, 1.0)), p=p)
        for ((choice, level), values), p in zip(tried.items(), holm(chances), strict=True)
    ]
    return tuple(sorted(found, key=lambda each: -(each.gain.value or 0.0)))


def front(rows: Sequence[tuple[float, ...]]) -> list[bool]:
    """Return for each row whether no other is at least as large in all and larger in one: the Pareto front."""
    return [
        not any(other != row and all(one >= own for one, own in zip(other, row, strict=True)) for other in rows)
        for row in rows
    ]
