"""Student's and Welch's: means, their differences, and the tests of these, from kept sums. Plain Python.

B. L. Welch, "The Generalization of 'Student's' Problem when Several Different Population Variances are Involved",
Biometrika 34 (1947). They hold for means of enough cases; for few cases or heavy tails take the bootstrap.
"""

import math
from collections.abc import Iterable

from rowen.evaluate.statistics.base import Side, Sums, Tested
from rowen.values.interval import Interval, beta_cdf, t_quantile


def welch(candidate: Sums, baseline: Sums, level: float = 0.95) -> Interval:
    """Return how much higher the candidate's mean is; infinite where one has fewer than two observations."""
    n = candidate.n + baseline.n
    if min(candidate.n, baseline.n) < 2:
        return Interval(value=None, low=-math.inf, high=math.inf, n=n, level=level, method="welch")
    gap, error, freedom = _apart(candidate, baseline)
    half = t_quantile(0.5 + level / 2, freedom) * error if error else 0.0
    return Interval(value=gap, low=gap - half, high=gap + half, n=n, level=level, method="welch")


def welch_test(candidate: Sums, baseline: Sums, *, side: Side = "both") -> Tested:
    """Test whether two groups of cases have the same mean."""
    n = candidate.n + baseline.n
    if min(candidate.n, baseline.n) < 2:
        return Tested(p=1.0, statistic=0.0, n=n, method="welch")
    return _tested(*_apart(candidate, baseline), side, n, "welch")


def t_test(differences: Iterable[float], *, side: Side = "both") -> Tested:
    """Test whether the mean of paired differences is 0."""
    kept = Sums.of(differences)
    if kept.n < 2:
        return Tested(p=1.0, statistic=0.0, n=kept.n, method="paired t")
    return _tested(kept.mean, math.sqrt(kept.variance / kept.n), kept.n - 1.0, side, kept.n, "paired t")


def upper_t(t: float, freedom: float) -> float:
    """Return the chance that Student's t is at least `t`."""
    # P(|T| > t) = I_x(v/2, 1/2) with x = v / (v + t²); DLMF 8.17.
    tail = beta_cdf(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return tail if t > 0 else 1 - tail


def _tested(gap: float, error: float, freedom: float, side: Side, n: int, method: str) -> Tested:
    t = gap / error if error else math.copysign(math.inf, gap) if gap else 0.0
    up = upper_t(t, freedom) if math.isfinite(t) else float(t < 0)
    p = {"both": 2 * min(up, 1 - up), "greater": up, "less": 1 - up}[side]
    return Tested(p=p, statistic=t, n=n, method=method)


def _apart(candidate: Sums, baseline: Sums) -> tuple[float, float, float]:
    """Return the gap of the means, its standard error, and Satterthwaite's degrees of freedom."""
    one, other = candidate.variance / candidate.n, baseline.variance / baseline.n
    gap = candidate.mean - baseline.mean
    if one + other == 0:
        return gap, 0.0, 1.0
    freedom = (one + other) ** 2 / (one**2 / (candidate.n - 1) + other**2 / (baseline.n - 1))
    return gap, math.sqrt(one + other), freedom
