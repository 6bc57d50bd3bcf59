"""Costs that are not what they use to be at this hour of the week.

Each value is held against the median of the same hour (or day) of the weeks before, as a logarithm of the ratio. How far
such ratios scatter is told by the median absolute deviation of the last weeks' own ratios, so a weekly pattern and a slow
growth are no anomaly, and anomalies of the past do not hide those of today.

False alarms, by simulation over weekly patterns with lognormal noise (`tests/insight/test_anomaly.py`): below 1 in 2,000
hours when the noise is normal in the logarithm, below 1 in 300 when its tails are as heavy as Student's t with 5 degrees
of freedom.
"""

from collections.abc import Sequence
from math import exp, log
from statistics import median
from typing import Literal

from rowen.insight import figures
from rowen.values import Value

_FEWEST_WEEKS = 3
_WEEKS = 8
_FEWEST_RATIOS = 21
_Z = 4.5
_LEAST_RATIO = 1.3
"""What is less than that above or below is nothing to wake somebody for."""
_FLOOR = 0.02
"""Of the median value: what is added to each, so that an hour of nearly nothing does not make a great ratio."""
_LEAST_SPREAD = 0.02


class Anomaly(Value, frozen=True, kw_only=True):
    """One value that is far from what was to be expected."""

    index: int
    """Its place in the history that was given."""
    value: float
    expected: float
    low: float
    high: float
    """Between these it would have been no anomaly."""
    z: float
    """Robust standard deviations above what is expected; below, when negative."""
    direction: Literal["up", "down"]


def anomalies(history: Sequence[float], *, season: int, last: int = 1, least: float = 0.0) -> list[Anomaly]:
    """Return which of the last values are anomalies.

    Args:
        history: values without gaps, oldest first; at least three seasons before the values that are judged.
        season: 168 for hours, 7 for days: how many values a week has.
        last: how many of the newest values to judge.
        least: a difference below this (dollars) is never one.

    """
    positive = [value for value in history if value > 0]
    if not positive:
        return []
    floor = _FLOOR * median(positive)
    first, span = max(0, len(history) - last), _WEEKS * season
    start = max(0, first - span)
    ratios = [_ratio(history, index, season, floor) for index in range(start, len(history))]
    before = figures.Moving(ratio for ratio in ratios[: first - start] if ratio is not None)
    found = []
    for index in range(first, len(history)):
        # What was usual for the value before this one has moved on by one.
        if index > first:
            before.move(ratios[index - 1 - start], ratios[index - 1 - span - start] if index > span else None)
        expected, ratio = _expected(history, index, season), ratios[index - start]
        if expected is None or ratio is None or len(before) < _FEWEST_RATIOS:
            continue
        middle, spread = before.median, max(_LEAST_SPREAD, before.spread)
        z = (ratio - middle) / spread
        usual = (expected + floor) * exp(middle)
        beyond = max(log(_LEAST_RATIO), _Z * spread)
        if abs(z) >= _Z and abs(ratio - middle) >= log(_LEAST_RATIO) and abs(history[index] - expected) >= least:
            found.append(
                Anomaly(
                    index=index,
                    value=history[index],
                    expected=max(0.0, usual - floor),
                    low=max(0.0, usual * exp(-beyond) - floor),
                    high=usual * exp(beyond) - floor,
                    z=z,
                    direction="up" if z > 0 else "down",
                )
            )
    return found


def _expected(history: Sequence[float], index: int, season: int) -> float | None:
    same = [history[index - week * season] for week in range(1, _WEEKS + 1) if index >= week * season]
    return median(same) if len(same) >= _FEWEST_WEEKS else None


def _ratio(history: Sequence[float], index: int, season: int, floor: float) -> float | None:
    # As many weeks as the value that is judged has: the median of two scatters more than that of four.
    expected = _expected(history, index, season)
    return None if expected is None else log((history[index] + floor) / (expected + floor))
