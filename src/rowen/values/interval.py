"""Intervals for what is estimated: proportions and means. Plain Python, so that every floor can use them.

Every figure that is shown as an estimate comes with one, and with the number of observations it rests on.
"""

import math
from collections.abc import Callable, Iterable
from statistics import NormalDist
from typing import Annotated, Literal

from msgspec import Meta

from rowen.values.base import Value

Method = Literal[
    "wilson",
    "clopper-pearson",
    "t",
    "lang-reiczigel",
    "bootstrap",
    "fisher-z",
    "normal",
    "newcombe",
    "welch",
    "linearised",
    "back-test",
    "studentised",
    "bca",
    "tango",
    "betting",
    "empirical-bernstein",
    "mixture",
    "cuped",
    "ips",
    "snips",
    "doubly-robust",
]

_STEPS = 30  # of Newton's: six bring him to the last bits, but far out in a tail
_EXP_MOST = 700.0  # beyond it a float has no exponential

Bound = Annotated[float, Meta(extra_json_schema={"x-endless": True})]
"""An end of an interval. JSON has no infinity: there, an interval without an end on that side has null."""


class Interval(Value, frozen=True, kw_only=True):
    """An estimate with the bounds between which the truth lies at a level, and what it rests on.

    `value` is None where there is nothing to estimate from; the bounds are then as wide as what is possible.
    """

    value: float | None
    low: Bound
    high: Bound
    n: int
    """How many observations."""
    level: float = 0.95
    method: Method

    @property
    def bounded(self) -> bool:
        """Whether it has an end on both sides. One case has none, nor have equal ones on a scale without an end."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def bounds(self, shape: str = ".3g") -> str:
        """Return its ends for people: `0.2 to 0.4`, or `no bounds` where the cases say nothing of them."""
        return f"{self.low:{shape}} to {self.high:{shape}}" if self.bounded else "no bounds"

    def __str__(self) -> str:
        said = "unknown" if self.value is None else f"{self.value:.3g}"
        ends = f"[{self.low:.3g}, {self.high:.3g}]" if self.bounded else "[no bounds]"
        return f"{said} {ends} (n = {self.n}, {self.level:.0%}, {self.method})"


def wilson(successes: float, n: int, level: float = 0.95) -> Interval:
    """Return a proportion with Wilson's score interval, which holds its level on average, small samples included.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927); recommended by
    Brown, Cai & DasGupta, "Interval Estimation for a Binomial Proportion", Statistical Science 16 (2001).

    Raises:
        ValueError: `successes` is not in 0 to `n`.

    """
    _check(successes, n)
    if not n:
        return Interval(value=None, low=0.0, high=1.0, n=0, level=level, method="wilson")
    z = z_at(level)
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return Interval(value=share, low=low, high=high, n=n, level=level, method="wilson")


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Return a proportion with the exact interval, which never covers the truth less often than its level says.

    C. J. Clopper & E. S. Pearson, "The Use of Confidence or Fiducial Limits", Biometrika 26 (1934).

    Raises:
        ValueError: `successes` is not in 0 to `n`.

    """
    _check(successes, n)
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else beta_quantile(tail, successes, n - successes + 1)
    high = 1.0 if successes == n else beta_quantile(1 - tail, successes + 1, n - successes)
    value = successes / n if n else None
    return Interval(value=value, low=low, high=high, n=n, level=level, method="clopper-pearson")


def mean(values: Iterable[float], level: float = 0.95) -> Interval:
    """Return the mean of numbers with Student's t interval. One number alone has no bounds."""
    found = list(values)
    n = len(found)
    if not n:
        return Interval(value=None, low=-math.inf, high=math.inf, n=0, level=level, method="t")
    centre = math.fsum(found) / n
    return mean_of_sums(n, centre * n, math.fsum((each - centre) ** 2 for each in found) + centre * centre * n, level)


def mean_of_sums(n: int, total: float, squares: float, level: float = 0.95) -> Interval:
    """Return a mean with Student's t interval from kept sums: how many, their sum, and the sum of their squares."""
    if not n:
        return Interval(value=None, low=-math.inf, high=math.inf, n=0, level=level, method="t")
    centre = total / n
    if n == 1:
        return Interval(value=centre, low=-math.inf, high=math.inf, n=1, level=level, method="t")
    variance = max(0.0, (squares - total * centre) / (n - 1))
    half = t_quantile(0.5 + level / 2, n - 1) * math.sqrt(variance / n)
    return Interval(value=centre, low=centre - half, high=centre + half, n=n, level=level, method="t")


def newcombe(good: int, n: int, other_good: int, other_n: int, level: float = 0.95) -> Interval:
    """Return how much one share is above another, with the hybrid score interval.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
    (1998), method 10.

    Raises:
        ValueError: there are more good ones than there are.

    """
    one, other = wilson(good, n, level), wilson(other_good, other_n, level)
    if one.value is None or other.value is None:
        return Interval(value=None, low=-1.0, high=1.0, n=n + other_n, level=level, method="newcombe")
    gap = one.value - other.value
    return Interval(
        value=gap,
        low=gap - math.hypot(one.value - one.low, other.high - other.value),
        high=gap + math.hypot(one.high - one.value, other.value - other.low),
        n=n + other_n,
        level=level,
        method="newcombe",
    )


def z_at(level: float) -> float:
    """Return how many standard deviations a two-sided level reaches: 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def t_quantile(p: float, freedom: float) -> float:
    """Return the quantile of Student's t distribution."""
    if p < 0.5:
        return -t_quantile(1 - p, freedom)
    if p == 0.5:
        return 0.0
    # P(|T| > t) = I_x(v/2, 1/2) with x = v / (v + t²); DLMF 8.17.
    x = beta_quantile(2 * (1 - p), freedom / 2, 0.5)
    return math.sqrt(freedom * (1 - x) / x)


def beta_quantile(p: float, a: float, b: float) -> float:
    """Return the quantile of the beta distribution: Newton's steps from its mean, bisection where they do not arrive."""
    low, high, x = 0.0, 1.0, a / (a + b)
    log_norm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    for _ in range(_STEPS):
        if not 0.0 < x < 1.0:
            break
        off = beta_cdf(x, a, b) - p
        low, high = (x, high) if off < 0 else (low, x)
        log_density = log_norm + (a - 1) * math.log(x) + (b - 1) * math.log1p(-x)
        nearer = x - off * math.exp(-log_density) if abs(log_density) < _EXP_MOST else low
        if abs(nearer - x) <= 1e-14 * x:
            return nearer
        x = nearer if low < nearer < high else (low + high) / 2
    return _bisect(lambda x: beta_cdf(x, a, b) - p, low, high)


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # there the fraction of the other side converges at once
        return 1.0 - beta_cdf(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / a * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction by Lentz's method (DLMF 3.10(iii))."""
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 2000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 + term * d
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = 1.0 + term / c
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return value


def _bisect(gives: Callable[[float], float], low: float, high: float) -> float:
    """Return where a rising function crosses 0, to the last bit."""
    while True:
        middle = (low + high) / 2
        if middle in {low, high}:
            return middle
        if gives(middle) < 0:
            low = middle
        else:
            high = middle


def _check(successes: float, n: int) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no proportion")
