"""What is to come: a seasonal forecast with a trend, how wrong it was on the past, and so how far it can be trusted.

The level of a week and its growth are the line of Theil and Sen through the last weeks' sums; each day of the week has the
median share it had of them. With fewer than three whole weeks the days of the last ones stand for the next; with fewer
than two the mean does. This is the seasonal naive method with drift (Hyndman and Athanasopoulos, Forecasting, 3rd ed.,
section 5.2) with medians where it takes the last value, so that one odd week does not bend it.

The error is measured by forecasting the last four weeks from what was known on each of their days (rolling origin,
section 5.10), and the interval is that of those errors at the same distance.
"""

from collections.abc import Sequence
from math import inf, sqrt
from statistics import fmean, median

from rowen.insight import figures
from rowen.values import Value
from rowen.values.interval import Interval, t_quantile

_WEEKS = 8
"""How far back the pattern is looked for."""
_TESTED = 28
_FEWEST = 8
"""Forecasts that must have been tested before an interval is given."""


class Forecast(Value, frozen=True, kw_only=True):
    """The next values, their sum, and how wrong such a forecast was."""

    values: tuple[float, ...]
    total: Interval
    mape: float | None = None
    """Mean absolute percentage error of single values in the back-test, 0.1 for ten percent; None when untested."""
    tested: int = 0
    """How many values were forecast in the back-test."""
    method: str = ""
    """`seasonal trend`, `seasonal`, or `mean`."""


def forecast(history: Sequence[float], steps: int, *, season: int = 7, level: float = 0.9) -> Forecast:
    """Return the values that follow a history.

    Args:
        history: one value for each day (or hour, with a `season` of 168), oldest first, without gaps.
        steps: how many to forecast.
        season: how many values the pattern repeats after.
        level: of the interval of their sum.

    """
    values, method = _ahead(history, steps, season)
    errors, sums, tested = _back_test(history, steps, season)
    total = sum(values)
    low, high = -inf, inf
    if len(sums) >= _FEWEST:
        spread = sqrt(sum(error * error for error in sums) / len(sums))
        # The forecasts overlap, so they are worth fewer: as many as there are seasons between them.
        half = t_quantile(0.5 + level / 2, max(2.0, len(sums) / season)) * spread
        low, high = total - half, total + half
    return Forecast(
        values=tuple(values),
        total=Interval(value=total, low=max(0.0, low), high=high, n=len(sums), level=level, method="back-test"),
        mape=fmean(errors) if errors else None,
        tested=tested,
        method=method,
    )


def _ahead(history: Sequence[float], steps: int, season: int) -> tuple[list[float], str]:
    whole = min(_WEEKS, len(history) // season)
    if whole < 2:
        return [fmean(history) if history else 0.0] * steps, "mean"
    recent = history[len(history) - whole * season :]
    weeks = [recent[start : start + season] for start in range(0, len(recent), season)]
    sums = [sum(week) for week in weeks]
    shares = [
        median([week[day] * season / all_ for week, all_ in zip(weeks, sums, strict=True) if all_] or [1.0])
        for day in range(season)
    ]
    scale = fmean(shares) or 1.0
    growth = figures.slope([float(week) for week in range(whole)], sums) if whole > 2 else 0.0
    # The line's height at the middle of the last week, from the middle of the points.
    height = median([all_ - growth * week for week, all_ in enumerate(sums)]) + growth * (whole - 1)
    found = []
    for step in range(steps):
        weeks_on = (step % season - (season - 1) / 2) / season + step // season + 1
        level = max(0.0, height + growth * weeks_on) / season
        found.append(level * shares[step % season] / scale)
    return found, "seasonal trend" if whole > 2 else "seasonal"


def _back_test(history: Sequence[float], steps: int, season: int) -> tuple[list[float], list[float], int]:
    """Return the relative errors of single values, and the errors of sums of `steps`, of forecasts of the past."""
    errors: list[float] = []
    sums: list[float] = []
    tested = 0
    first = max(2 * season, len(history) - _TESTED * season // 7)
    for origin in range(first, len(history)):
        length = min(steps, len(history) - origin)
        values, _ = _ahead(history[:origin], max(length, 1), season)
        actual = history[origin : origin + length]
        tested += length
        errors += [abs(value - true) / true for value, true in zip(values, actual, strict=True) if true > 0]
        if length == steps:
            sums.append(sum(values) - sum(actual))
        elif length >= season:
            # Shorter than asked: the error of a sum grows at least as the root of its length.
            sums.append((sum(values) - sum(actual)) * steps / length)
    return errors, sums, tested
