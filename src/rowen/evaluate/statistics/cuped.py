"""CUPED: less noise in an experiment, by what was known of each user before it began.

A. Deng, Y. Xu, R. Kohavi & T. Walker, "Improving the Sensitivity of Online Controlled Experiments by Utilizing
Pre-Experiment Data", WSDM 2013. What is subtracted must have been fixed before the assignment: the same score of the same
user in the weeks before, never anything that the experiment may have changed.
"""

from collections.abc import Iterable

from rowen.evaluate.statistics.arrays import Floats, floats
from rowen.evaluate.statistics.base import Sums
from rowen.evaluate.statistics.means import welch
from rowen.values import Value
from rowen.values.interval import Interval


class Adjusted(Value, frozen=True, kw_only=True):
    """A difference with the noise of before taken out."""

    difference: Interval
    plain: Interval
    """The same without."""
    slope: float
    """How much of a unit of before was subtracted."""
    saved: float
    """The share of the variance that is gone, 0 to 1: an experiment needs that much fewer users."""
    candidate: Sums
    """The adjusted values of the candidate's arm: what `mixture.look` takes."""
    baseline: Sums


def cuped(
    candidate: Iterable[float],
    baseline: Iterable[float],
    *,
    candidate_before: Iterable[float],
    baseline_before: Iterable[float],
    level: float = 0.95,
) -> Adjusted:
    """Return how much higher the candidate's mean is, adjusted by what was before.

    Args:
        candidate: one value for each user of the candidate's arm.
        baseline: one for each user of the baseline's.
        candidate_before: what was known of the same users of the candidate's arm, in the same order. Who is new has
            what is usual: give them the mean.
        baseline_before: the same of the baseline's arm.
        level: how often the interval holds the truth.

    Raises:
        ValueError: rows differ in length, or an arm has fewer than two users.

    """
    ones, others = floats(candidate, "candidate"), floats(baseline, "baseline")
    befores, other_befores = floats(candidate_before, "candidate_before"), floats(baseline_before, "baseline_before")
    if len(ones) != len(befores) or len(others) != len(other_befores):
        raise ValueError("each user needs one value and one of before")
    if min(len(ones), len(others)) < 2:
        raise ValueError("each arm needs at least two users")
    spread = _together(befores, befores) + _together(other_befores, other_befores)
    slope = (_together(ones, befores) + _together(others, other_befores)) / spread if spread > 0 else 0.0
    middle = (float(befores.sum()) + float(other_befores.sum())) / (len(befores) + len(other_befores))
    before, after = (
        (_sums(ones), _sums(others)),
        (
            _sums(ones - slope * (befores - middle)),
            _sums(others - slope * (other_befores - middle)),
        ),
    )
    noise = sum(each.variance / each.n for each in before)
    left = sum(each.variance / each.n for each in after)
    return Adjusted(
        difference=welch(*after, level).but(method="cuped"),
        plain=welch(*before, level),
        slope=slope,
        saved=max(0.0, 1 - left / noise) if noise else 0.0,
        candidate=after[0],
        baseline=after[1],
    )


def _together(xs: Floats, ys: Floats) -> float:
    return float(((xs - xs.mean()) * (ys - ys.mean())).sum())


def _sums(values: Floats) -> Sums:
    return Sums.of(values.tolist())
