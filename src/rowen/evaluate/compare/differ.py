"""How one metric differs between two runs: the interval and the test that fit its kind.

Yes and no, each case standing for itself: Tango's interval and McNemar's exact test. Else the paired bootstrap over
clusters and the permutation test that flips the signs of whole clusters; over many clusters both by linearisation, which
says the same and takes no time.
"""

from rowen.evaluate.compare.base import Difference
from rowen.evaluate.compare.pairs import Column
from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.statistics import bootstrap, linear, linear_test, mcnemar, permutation, standing, tango
from rowen.evaluate.statistics.arrays import Floats, Whole
from rowen.evaluate.statistics.base import Tested
from rowen.values.interval import Interval, wilson

MANY = 200
"""Clusters from which on nothing is drawn."""

_LEVEL = 0.95


def difference(column: Column, metric: str, plan: MetricsTable, *, share: int = 1) -> Difference:
    """Return how a metric differs.

    Args:
        column: the metric of the pairs.
        metric: its name.
        plan: says its role, its margin, which way is better, and the level of its interval.
        share: among how many comparisons the error is shared (Bonferroni): each interval is that much wider.

    """
    margin, higher = plan.margins.get(metric, 0.0), plan.higher_is_better(metric)
    gap = interval(column, 1 - (1 - plan.level(metric)) / share)
    test = tested(column)
    return Difference(
        metric=metric,
        role=plan.roles.get(metric),
        higher_is_better=higher,
        baseline=mean(column, column.baseline),
        candidate=mean(column, column.candidate),
        difference=gap,
        test=test,
        p_holm=test.p,
        standing=standing(gap, margin, higher_is_better=higher),
        margin=margin,
        n=len(column),
        lacking=column.lacking,
    )


def interval(column: Column, level: float = _LEVEL) -> Interval:
    """Return how much higher the candidate's mean is, over the same cases."""
    if column.binary and column.alone:
        return tango(column.candidate.tolist(), column.baseline.tolist(), level)
    gaps = column.candidate - column.baseline
    many = column.groups >= MANY
    if many and bool(gaps.any()):
        return linear(gaps, clusters=_clusters(column), level=level)
    width = _width(column)
    return bootstrap(gaps, clusters=_clusters(column), level=level, bounds=(-width, width) if width else None)


def tested(column: Column) -> Tested:
    """Test whether both means are the same."""
    if column.binary and column.alone:
        return mcnemar(column.candidate.tolist(), column.baseline.tolist())
    gaps = column.candidate - column.baseline
    if column.groups >= MANY:
        return linear_test(gaps, clusters=_clusters(column))
    return permutation(gaps, clusters=_clusters(column), draws=5_000)


def mean(column: Column, side: Floats, level: float = _LEVEL) -> Interval:
    """Return the mean of one side."""
    if column.binary and column.alone:
        return wilson(float(side.sum()), len(side), level)
    return linear(side, clusters=_clusters(column), level=level)


def _clusters(column: Column) -> Whole | None:
    return None if column.alone else column.clusters


def _width(column: Column) -> float:
    """Return how far apart two values can be, as far as is seen: scores of 0 to 1 by 1, else by the largest there is."""
    if not len(column):
        return 0.0
    least = float(min(column.baseline.min(), column.candidate.min()))
    most = float(max(column.baseline.max(), column.candidate.max()))
    return max(1.0, most) if least >= 0 and most <= 1 else most - min(0.0, least)
