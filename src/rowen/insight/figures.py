"""The statistics of this stage: tests of differences, corrected for how many were made. Plain Python.

Each function names its method. Intervals of single shares and means are those of `values.interval`.
"""

from collections.abc import Sequence
from math import erfc, exp, inf, lgamma, sqrt
from statistics import fmean, median

from rowen.values.interval import Interval, beta_cdf, t_quantile, wilson, z_at

_MAD_TO_SIGMA = 1.4826  # of normal data, Rousseeuw and Croux 1993


def upper_tail(z: float) -> float:
    """Return the chance that a standard normal value is at least `z`."""
    return 0.5 * erfc(z / sqrt(2))


def overrepresented(both: int, first: int, second: int, total: int) -> float:
    """Return the one-sided p-value of Fisher's exact test: the chance of at least `both` in common.

    Args:
        both: how many have the one and the other.
        first: how many have the one.
        second: how many have the other.
        total: how many there are.

    """
    most = min(first, second)
    if both <= max(0, first + second - total):
        return 1.0
    term = exp(_choose(first, both) + _choose(total - first, second - both) - _choose(total, second))
    chance = 0.0
    for number in range(both, most + 1):
        chance += term
        term *= (first - number) * (second - number) / ((number + 1) * (total - first - second + number + 1))
        if term < chance * 1e-17:
            break
    return min(1.0, chance)


def adjusted(chances: Sequence[float], tests: int = 0) -> list[float]:
    """Return p-values corrected by Benjamini and Hochberg (1995), in the order in which they were given.

    Args:
        chances: p-values.
        tests: how many tests were made, when only the smaller p-values are given.

    """
    many = max(tests, len(chances))
    order = sorted(range(len(chances)), key=chances.__getitem__, reverse=True)
    found, least = [0.0] * len(chances), 1.0
    for rank, index in zip(range(len(chances), 0, -1), order, strict=True):
        least = min(least, chances[index] * many / rank)
        found[index] = least
    return found


def between(hits: int, n: int, other_hits: int, other_n: int, level: float = 0.95) -> Interval:
    """Return the difference of two shares with Newcombe's hybrid score interval (1998, method 10)."""
    one, other = wilson(hits, n, level), wilson(other_hits, other_n, level)
    if one.value is None or other.value is None:
        return Interval(value=None, low=-1.0, high=1.0, n=n + other_n, level=level, method="newcombe")
    gap = one.value - other.value
    return Interval(
        value=gap,
        low=gap - sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2),
        high=gap + sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2),
        n=n + other_n,
        level=level,
        method="newcombe",
    )


def larger_mean(sample: Sequence[float], baseline: Sequence[float]) -> float:
    """Return the one-sided p-value of Welch's test (1947) that the sample's mean is not the larger one."""
    if min(len(sample), len(baseline)) < 2:
        return 1.0
    gap, error, freedom = _welch(sample, baseline)
    if error == 0:
        return 0.0 if gap > 0 else 1.0
    t = gap / error
    # P(|T| > t) = I_x(v/2, 1/2) with x = v / (v + t²); DLMF 8.17.
    tails = beta_cdf(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return tails if t > 0 else 1 - tails


def added(sample: Sequence[float], baseline: Sequence[float], level: float = 0.95) -> Interval:
    """Return the difference of two means with Welch's interval."""
    n = len(sample) + len(baseline)
    if min(len(sample), len(baseline)) < 2:
        return Interval(value=None, low=-inf, high=inf, n=n, level=level, method="welch")
    gap, error, freedom = _welch(sample, baseline)
    half = t_quantile(0.5 + level / 2, freedom) * error if error else 0.0
    return Interval(value=gap, low=gap - half, high=gap + half, n=n, level=level, method="welch")


def _welch(sample: Sequence[float], baseline: Sequence[float]) -> tuple[float, float, float]:
    """Return the gap of the means, its standard error, and Satterthwaite's degrees of freedom."""
    one, other = variance(sample) / len(sample), variance(baseline) / len(baseline)
    gap = fmean(sample) - fmean(baseline)
    if one + other == 0:
        return gap, 0.0, 1.0
    freedom = (one + other) ** 2 / (one**2 / (len(sample) - 1) + other**2 / (len(baseline) - 1))
    return gap, sqrt(one + other), freedom


def tends_larger(sample: Sequence[float], baseline: Sequence[float]) -> float:
    """Return the one-sided p-value of Mann and Whitney's test (1947), corrected for ties, normal approximation."""
    n, m = len(sample), len(baseline)
    if not n or not m:
        return 1.0
    every = sorted([(value, 1) for value in sample] + [(value, 0) for value in baseline])
    ranks = ties = 0.0
    start = 0
    while start < len(every):
        end = start
        while end < len(every) and every[end][0] == every[start][0]:
            end += 1
        size = end - start
        ranks += (start + end + 1) / 2 * sum(mine for _, mine in every[start:end])
        ties += size**3 - size
        start = end
    above = ranks - n * (n + 1) / 2
    many = n + m
    spread = n * m / 12 * (many + 1 - ties / (many * (many - 1)))
    if spread <= 0:
        return 1.0
    return upper_tail((above - n * m / 2 - 0.5) / sqrt(spread))


def variance(sample: Sequence[float]) -> float:
    """Return the variance estimated from a sample of at least two."""
    mean = fmean(sample)
    return sum((value - mean) ** 2 for value in sample) / (len(sample) - 1)


def spread(sample: Sequence[float]) -> float:
    """Return a standard deviation that outliers do not move: the median absolute deviation, scaled to normal data."""
    middle = median(sample)
    return _MAD_TO_SIGMA * median([abs(value - middle) for value in sample])


def slope(xs: Sequence[float], ys: Sequence[float], *, most: int = 400) -> float:
    """Return the slope that Theil (1950) and Sen (1968) give, which outliers do not move; 0 when `xs` do not differ.

    Of more than `most` points the pairs that are half the sample apart in `xs` are taken (Theil's incomplete method).
    """
    points = sorted(zip(xs, ys, strict=True))
    slopes: list[float] = []
    if len(points) <= most // 4:
        for index, (x, y) in enumerate(points):
            slopes.extend((other_y - y) / (other_x - x) for other_x, other_y in points[index + 1 :] if other_x > x)
    else:
        half = len(points) // 2
        pairs = zip(points[:half], points[half:], strict=False)
        slopes.extend((far_y - y) / (far_x - x) for (x, y), (far_x, far_y) in pairs if far_x > x)
    return median(slopes) if slopes else 0.0


def ratio(tops: Sequence[float], bottoms: Sequence[float], level: float = 0.95) -> Interval:
    """Return the ratio of two sums over the same units, its interval by linearisation (Cochran 1977, section 6.3)."""
    n, below = len(tops), sum(bottoms)
    if n < 2 or below <= 0:
        return Interval(value=None, low=0.0, high=inf, n=n, level=level, method="linearised")
    estimate = sum(tops) / below
    rest = sum((top - estimate * bottom) ** 2 for top, bottom in zip(tops, bottoms, strict=True))
    half = z_at(level) * sqrt(n / (n - 1) * rest) / below
    return Interval(
        value=estimate,
        low=max(0.0, estimate - half),
        high=estimate + half,
        n=n,
        level=level,
        method="linearised",
    )


def _choose(n: int, k: int) -> float:
    """Return the logarithm of how many ways there are to choose `k` of `n`."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
