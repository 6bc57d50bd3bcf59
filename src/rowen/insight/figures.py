"""The statistics of this stage: tests of differences. Plain Python.

Each function names its method. Intervals of single shares and means are those of `values.interval`.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from math import erfc, exp, inf, lgamma, sqrt
from statistics import median

from rowen.values.interval import Interval, z_at

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


def tends_larger(sample: Sequence[float], baseline: Sequence[float]) -> float:
    """Return the one-sided p-value of Mann and Whitney's test (1947), corrected for ties, normal approximation."""
    n, m = len(sample), len(baseline)
    if not n or not m:
        return 1.0
    ordered = sorted(baseline)
    # Of each pair one is larger; of two that are equal, each is by a half.
    above = sum([bisect_left(ordered, value) + bisect_right(ordered, value) for value in sample]) / 2
    ties = sum([size**3 - size for size in Counter([*sample, *baseline]).values()])
    many = n + m
    spread = n * m / 12 * (many + 1 - ties / (many * (many - 1)))
    if spread <= 0:
        return 1.0
    return upper_tail((above - n * m / 2 - 0.5) / sqrt(spread))


def spread(sample: Sequence[float]) -> float:
    """Return a standard deviation that outliers do not move: the median absolute deviation, scaled to normal data."""
    middle = median(sample)
    return _MAD_TO_SIGMA * median([abs(value - middle) for value in sample])


class Moving:
    """A sample that moves on: its median and its `spread` are there without sorting it again.

    Args:
        sample: what it begins with.

    """

    def __init__(self, sample: Iterable[float] = ()) -> None:
        self._ordered = sorted(sample)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._ordered)

    def move(self, come: float | None, gone: float | None) -> None:
        """Take one more, and let go of one that is there; None for neither."""
        if come is not None:
            insort(self._ordered, come)
        if gone is not None:
            del self._ordered[bisect_left(self._ordered, gone)]

    @property
    def median(self) -> float:
        """The value in the middle; at least one must be there."""
        half, odd = divmod(len(self._ordered), 2)
        return self._ordered[half] if odd else (self._ordered[half - 1] + self._ordered[half]) / 2

    @property
    def spread(self) -> float:
        """What `spread` gives of the sample."""
        half, odd = divmod(len(self._ordered), 2)
        if odd:
            return _MAD_TO_SIGMA * self._within(half + 1)
        return _MAD_TO_SIGMA * ((self._within(half) + self._within(half + 1)) / 2)

    def _within(self, count: int) -> float:
        """Return how far from the median the nearest so many lie.

        They are neighbours in order: of all such stretches, the one that ends as far above the median as it begins below.
        """
        ordered, middle = self._ordered, self.median
        low, high = 0, len(ordered) - count
        while low < high:
            at = (low + high) // 2
            if ordered[at + count - 1] - middle < middle - ordered[at]:
                low = at + 1
            else:
                high = at
        return min(
            max(middle - ordered[at], ordered[at + count - 1] - middle) for at in range(max(0, low - 1), low + 1)
        )


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
