"""Whether traffic was split as it should have been. Where it was not, no other figure of the experiment can be believed.

A. Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments", KDD 2019. At any time: M. Lindon &
A. Malek, "Anytime-Valid Inference For Multinomial Count Data", NeurIPS 2022. Plain Python.
"""

import math
from collections.abc import Sequence

from rowen.evaluate.statistics.base import Tested

CONCENTRATION = 1000.0
"""How near to the wanted shares a fault is looked for: the smaller, the larger the faults that are found first."""


def split(counts: Sequence[int], shares: Sequence[float]) -> Tested:
    """Test once, at the end, whether counts are as shares say, by Pearson's chi-squared test.

    Args:
        counts: how many were given to each arm.
        shares: how many should have been, as shares or weights.

    Raises:
        ValueError: fewer than two arms, or a share that is not above 0.

    """
    wanted = _wanted(counts, shares)
    n = sum(counts)
    if not n:
        return Tested(p=1.0, statistic=0.0, n=0, method="chi-squared")
    statistic = sum((seen - n * share) ** 2 / (n * share) for seen, share in zip(counts, wanted, strict=True))
    return Tested(p=_upper_gamma((len(counts) - 1) / 2, statistic / 2), statistic=statistic, n=n, method="chi-squared")


def split_so_far(counts: Sequence[int], shares: Sequence[float], *, before: float = 1.0) -> Tested:
    """Test at any time, as often as you like, whether counts are as shares say.

    Args:
        counts: how many were given to each arm so far.
        shares: how many should have been, as shares or weights.
        before: the p-value of the last look; it never rises again.

    Raises:
        ValueError: as for `split`.

    """
    wanted = _wanted(counts, shares)
    n = sum(counts)
    # The odds of a Dirichlet mixture around the wanted shares against these shares themselves.
    log_odds = math.lgamma(CONCENTRATION) - math.lgamma(CONCENTRATION + n)
    for seen, share in zip(counts, wanted, strict=True):
        prior = CONCENTRATION * share
        log_odds += math.lgamma(prior + seen) - math.lgamma(prior) - seen * math.log(share)
    p = math.exp(-log_odds) if log_odds > 0 else 1.0
    return Tested(p=min(before, p), statistic=log_odds, n=n, method="dirichlet mixture")


def _wanted(counts: Sequence[int], shares: Sequence[float]) -> list[float]:
    if len(counts) != len(shares) or len(counts) < 2:
        raise ValueError(f"{len(counts)} counts and {len(shares)} shares are no split")
    if min(counts) < 0 or not min(shares) > 0:
        raise ValueError("counts are 0 or more, and shares above 0")
    total = math.fsum(shares)
    return [each / total for each in shares]


def _upper_gamma(a: float, x: float) -> float:
    """Return the regularised upper incomplete gamma function Q(a, x): DLMF 8.11.4 below, its fraction 8.9.2 above."""
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        at = a
        while abs(term) > abs(total) * 1e-16:
            at += 1
            term *= x / at
            total += term
        return 1 - front * total
    b = x + 1 - a
    c, d = 1e300, 1 / b
    value = d
    for step in range(1, 10_000):
        b += 2
        d = 1 / (step * (a - step) * d + b)
        c = b + step * (a - step) / c
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * value
