"""How two rows of figures hang together: correlations with Fisher's z.

For Spearman's rho it has the variance of Bonett and Wright (2000, Psychometrika 65:23).
"""

from collections.abc import Sequence
from math import atanh, sqrt, tanh

from rowen.values.interval import Interval, z_at


def pearson(xs: Sequence[float], ys: Sequence[float], *, level: float = 0.95) -> Interval | None:
    """Return Pearson's correlation; None for fewer than four pairs, or where one side never changes."""
    return _correlation(xs, ys, level, 1.0)


def spearman(xs: Sequence[float], ys: Sequence[float], *, level: float = 0.95) -> Interval | None:
    """Return Spearman's correlation of ranks; None as for Pearson's."""
    found = _correlation(_ranks(xs), _ranks(ys), level, 1.0)
    if found is None or found.value is None:
        return None
    return _correlation(_ranks(xs), _ranks(ys), level, 1 + found.value**2 / 2)


def _correlation(xs: Sequence[float], ys: Sequence[float], level: float, variance: float) -> Interval | None:
    n = len(xs)
    if n < 4 or n != len(ys):
        return None
    x_mean, y_mean = sum(xs) / n, sum(ys) / n
    xx = sum((x - x_mean) ** 2 for x in xs)
    yy = sum((y - y_mean) ** 2 for y in ys)
    if xx == 0 or yy == 0:
        return None
    r = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / sqrt(xx * yy)
    r = min(1.0, max(-1.0, r))
    if abs(r) > 1 - 1e-12:
        return Interval(value=r, low=r, high=r, n=n, level=level, method="fisher-z")
    half = z_at(level) * sqrt(variance / (n - 3))
    return Interval(value=r, low=tanh(atanh(r) - half), high=tanh(atanh(r) + half), n=n, level=level, method="fisher-z")


def _ranks(values: Sequence[float]) -> list[float]:
    """Return ranks from 1; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    first = 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for place in order[first : last + 1]:
            ranks[place] = (first + last) / 2 + 1
        first = last + 1
    return ranks
