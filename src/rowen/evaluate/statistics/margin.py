"""Non-inferiority: not worse than what it would replace by more than a margin that was chosen beforehand.

Of means: Student's t against the margin. Of shares: C. P. Farrington & G. Manning, "Test statistics and sample size
formulae for comparative binomial trials with null hypothesis of non-zero risk difference", Statistics in Medicine 9
(1990). Of pairs of yes and no: T. Tango, "Equivalence test and confidence interval for the difference in proportions for
the paired-sample design", Statistics in Medicine 17 (1998).
"""

import math
from collections.abc import Callable, Iterable, Sequence

from rowen.evaluate.statistics.arrays import floats, grouped
from rowen.evaluate.statistics.base import Sums, Tested
from rowen.evaluate.statistics.means import upper_t
from rowen.values.interval import Interval, z_at


def not_worse(differences: Iterable[float], margin: float, *, clusters: Iterable[object] | None = None) -> Tested:
    """Test whether the mean of paired differences (candidate less baseline) is above `-margin`.

    With clusters the means of clusters are the observations.

    Raises:
        ValueError: the margin is not above 0.

    """
    _check(margin)
    sums, counts = grouped(floats(differences, "differences"), clusters)
    kept = Sums.of((sums / counts).tolist())
    if kept.n < 2:
        return Tested(p=1.0, statistic=0.0, n=kept.n, method="t against a margin")
    error = math.sqrt(kept.variance / kept.n)
    away = kept.mean + margin
    if error == 0:
        return Tested(
            p=0.0 if away > 0 else 1.0, statistic=math.copysign(math.inf, away), n=kept.n, method="t against a margin"
        )
    t = away / error
    return Tested(p=upper_t(t, kept.n - 1), statistic=t, n=kept.n, method="t against a margin")


def share_not_worse(good: int, n: int, other_good: int, other_n: int, margin: float) -> Tested:
    """Test whether the candidate's share is above the baseline's less a margin, over different cases.

    Raises:
        ValueError: the margin is not in 0 to 1, or there are more good ones than there are.

    """
    _check(margin, most=1.0)
    if not (0 <= good <= n and 0 <= other_good <= other_n and n and other_n):
        raise ValueError(f"{good} of {n} and {other_good} of {other_n} are no two shares")
    share, other = _restricted(good, n, other_good, other_n, -margin)
    error = math.sqrt(share * (1 - share) / n + other * (1 - other) / other_n)
    away = good / n - other_good / other_n + margin
    z = away / error if error else math.copysign(math.inf, away) if away else 0.0
    return Tested(p=_above(z), statistic=z, n=n + other_n, method="farrington-manning")


def paired_share_not_worse(candidate: Sequence[bool], baseline: Sequence[bool], margin: float) -> Tested:
    """Test whether the candidate's share is above the baseline's less a margin, over the same cases.

    Raises:
        ValueError: the margin is not in 0 to 1, or the rows differ in length.

    """
    _check(margin, most=1.0)
    gained, lost, n = _apart(candidate, baseline)
    if not n:
        return Tested(p=1.0, statistic=0.0, n=0, method="tango")
    z = _tango(gained, lost, n, -margin)
    return Tested(p=_above(z), statistic=z, n=n, method="tango")


def tango(candidate: Sequence[bool], baseline: Sequence[bool], level: float = 0.95) -> Interval:
    """Return how much more often the candidate passes on the same cases, with Tango's score interval.

    It holds its level for few pairs that differ, and for none: none of 100 differ is -0.037 to 0.037.

    Raises:
        ValueError: the rows differ in length.

    """
    gained, lost, n = _apart(candidate, baseline)
    if not n:
        return Interval(value=None, low=-1.0, high=1.0, n=0, level=level, method="tango")
    z, gap = z_at(level), (gained - lost) / n
    low = _crossed(lambda at: z - _tango(gained, lost, n, at), -1.0, gap)
    high = _crossed(lambda at: -z - _tango(gained, lost, n, at), gap, 1.0)
    return Interval(value=gap, low=low, high=high, n=n, level=level, method="tango")


def _tango(gained: int, lost: int, n: int, at: float) -> float:
    """Return the score statistic of a difference, the share that is lost estimated under it (Tango 1998, equation 5)."""
    a = 2.0 * n
    b = -gained - lost + (2 * n - gained + lost) * at
    c = -lost * at * (1 - at)
    q = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    spread = n * (2 * q + at * (1 - at))
    away = gained - lost - n * at
    if spread <= 1e-15:
        return 0.0 if abs(away) < 1e-12 else math.copysign(math.inf, away)
    return away / math.sqrt(spread)


def _restricted(good: int, n: int, other_good: int, other_n: int, gap: float) -> tuple[float, float]:
    """Return the likeliest shares whose difference is `gap` (Farrington & Manning 1990, appendix)."""
    ratio = other_n / n
    one, other = good / n, other_good / other_n
    a = 1 + ratio
    b = -(1 + ratio + one + ratio * other + gap * (ratio + 2))
    c = gap * gap + gap * (2 * one + ratio + 1) + one + ratio * other
    d = -one * gap * (1 + gap)
    v = b**3 / (3 * a) ** 3 - b * c / (6 * a * a) + d / (2 * a)
    u = math.copysign(math.sqrt(max(0.0, b * b / (3 * a) ** 2 - c / (3 * a))), v)
    turn = (math.pi + math.acos(max(-1.0, min(1.0, v / u**3 if u else 0.0)))) / 3
    share = min(1.0, max(0.0, 2 * u * math.cos(turn) - b / (3 * a)))
    return share, min(1.0, max(0.0, share - gap))


def _apart(candidate: Sequence[bool], baseline: Sequence[bool]) -> tuple[int, int, int]:
    if len(candidate) != len(baseline):
        raise ValueError(f"{len(candidate)} cases cannot be paired with {len(baseline)}")
    gained = sum(bool(one) and not other for one, other in zip(candidate, baseline, strict=True))
    lost = sum(bool(other) and not one for one, other in zip(candidate, baseline, strict=True))
    return gained, lost, len(candidate)


def _crossed(rises: Callable[[float], float], low: float, high: float) -> float:
    """Return where a rising function crosses 0; the end it never leaves where it does not."""
    if rises(low) >= 0:
        return low
    if rises(high) <= 0:
        return high
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if rises(middle) < 0 else (low, middle)
    return (low + high) / 2


def _above(z: float) -> float:
    return math.erfc(z / math.sqrt(2)) / 2


def _check(margin: float, most: float = math.inf) -> None:
    if not 0 < margin < most:
        raise ValueError(f"a margin is how much may be lost, above 0, not {margin}")
