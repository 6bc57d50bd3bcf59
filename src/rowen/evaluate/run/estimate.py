"""The mean of a metric over cases, with the interval that suits what it is a mean of."""

from collections.abc import Collection, Iterable
from math import isfinite

from rowen.evaluate.statistics import bootstrap, linear
from rowen.evaluate.statistics.bootstrap import How
from rowen.values.interval import Interval, mean, wilson

MANY = 300
"""Groups from which the mean of what they differ by is as good as normal, and nothing need be drawn."""


def estimate(
    values: Collection[float],
    *,
    clusters: Iterable[object] | None = None,
    level: float = 0.95,
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """Return the mean of values with its interval.

    Yes and no, each case for itself: Wilson's. Up to 300 cases or groups: the bootstrap, whole groups at a time,
    studentised on a bounded scale and BCa on an open one. More: Student's t, of groups by linearisation (`statistics.linear`).

    Args:
        values: one for each case.
        clusters: what each case belongs to; None where each stands for itself.
        level: how often the interval holds the truth.
        bounds: between which numbers a value can lie.

    """
    least, most = bounds or (float("-inf"), float("inf"))
    if clusters is None and bounds == (0.0, 1.0) and values and {*values} <= {0.0, 1.0}:
        return wilson(sum(values), len(values), level)
    # Of times and costs a few are far off, and the studentised interval goes as far as they may.
    how: How = "studentised" if isfinite(most) else "bca"
    if len(values) <= MANY:
        return bootstrap(list(values), clusters=clusters, level=level, how=how, bounds=bounds)
    if clusters is None:
        found = mean(values, level)
    else:
        clusters = list(clusters)
        found = linear(values, clusters=clusters, level=level)
        if found.n <= MANY:
            return bootstrap(list(values), clusters=clusters, level=level, how=how, bounds=bounds)
    if found.low == found.high and isfinite(most - least):  # all are equal: draws say nothing, the bound does
        return bootstrap(list(values), clusters=clusters, level=level, bounds=bounds)
    return found.but(low=max(found.low, least), high=min(found.high, most))
