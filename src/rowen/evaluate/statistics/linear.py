"""Means of many cases without drawing any: by linearisation, with Student's t over the clusters.

The ratio estimator of survey sampling (W. G. Cochran, "Sampling Techniques", 3rd edition, 1977, section 6.4). With some
hundred clusters it says what the bootstrap says, in a thousandth of the time; with few of them take the bootstrap.
"""

import math
from collections.abc import Iterable

from rowen.evaluate.statistics.arrays import floats, grouped
from rowen.evaluate.statistics.base import Tested
from rowen.evaluate.statistics.means import upper_t
from rowen.values.interval import Interval, t_quantile


def linear(values: Iterable[float], *, clusters: Iterable[object] | None = None, level: float = 0.95) -> Interval:
    """Return the mean of values with its linearised interval; infinite for fewer than two clusters.

    Raises:
        ValueError: a value is no finite number, or there are not as many clusters as values.

    """
    centre, error, n = _centre(values, clusters)
    if centre is None or n < 2:
        return Interval(value=centre, low=-math.inf, high=math.inf, n=n, level=level, method="linearised")
    half = t_quantile(0.5 + level / 2, n - 1) * error
    return Interval(value=centre, low=centre - half, high=centre + half, n=n, level=level, method="linearised")


def linear_test(differences: Iterable[float], *, clusters: Iterable[object] | None = None) -> Tested:
    """Test whether the mean of paired differences is 0, both sides; it agrees with the interval of `linear`.

    Raises:
        ValueError: as for `linear`.

    """
    centre, error, n = _centre(differences, clusters)
    if not centre or n < 2:
        return Tested(p=1.0, statistic=0.0, n=n, method="t, linearised")
    t = centre / error if error else math.copysign(math.inf, centre)
    p = 2 * upper_t(abs(t), n - 1) if math.isfinite(t) else 0.0
    return Tested(p=p, statistic=t, n=n, method="t, linearised")


def _centre(values: Iterable[float], clusters: Iterable[object] | None) -> tuple[float | None, float, int]:
    """Return the mean, its standard error, and how many clusters there are."""
    sums, counts = grouped(floats(values), clusters)
    n = len(sums)
    if not n:
        return None, 0.0, 0
    total = float(counts.sum())
    centre = float(sums.sum()) / total
    if n < 2:
        return centre, 0.0, n
    rest = sums - centre * counts
    return centre, math.sqrt(n / (n - 1) * float((rest * rest).sum())) / total, n
