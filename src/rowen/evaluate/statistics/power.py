"""How many cases a comparison needs, and what it can find with those there are.

Means: the exact power of Student's t (J. Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, chapter 2).
Shares: J. L. Fleiss, "Statistical Methods for Rates and Proportions" (1981), chapter 3. Pairs of yes and no: R. J. Connor,
"Sample Size for Testing Differences in Proportions for the Paired-Sample Design", Biometrics 43 (1987).

A `margin` turns each into a test of non-inferiority: how much may be lost, in the units of the effect. It is one-sided,
so give `alpha=0.025` and `sides=1`. Cases of one cluster are alike: multiply by `design_effect`.
"""

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist
from typing import Literal

from rowen.evaluate.statistics.arrays import Floats, np
from rowen.values.interval import t_quantile

Sides = Literal[1, 2]

MOST = 100_000_000
"""Cases beyond which nobody asks: what needs more cannot be found."""

_NORMAL = NormalDist()


def power_of_means(
    effect: float, n: int, *, other_n: int | None = None, alpha: float = 0.05, sides: Sides = 2, margin: float = 0.0
) -> float:
    """Return how likely a t test of two groups finds a difference of means.

    Args:
        effect: the true difference in standard deviations (Cohen's d).
        n: cases of the one group.
        other_n: cases of the other; default: as many.
        alpha: how often it may find one where there is none.
        sides: 1 where only a higher mean counts.
        margin: for non-inferiority, in standard deviations.

    """
    other = other_n or n
    if min(n, other) < 2:
        return 0.0
    return _t_power((effect + margin) * math.sqrt(n * other / (n + other)), n + other - 2, alpha, sides)


def power_of_pairs(effect: float, n: int, *, alpha: float = 0.05, sides: Sides = 2, margin: float = 0.0) -> float:
    """Return how likely a paired t test finds a difference; `effect` in standard deviations of the differences."""
    return _t_power((effect + margin) * math.sqrt(n), n - 1, alpha, sides) if n > 1 else 0.0


def power_of_shares(
    share: float,
    other_share: float,
    n: int,
    *,
    other_n: int | None = None,
    alpha: float = 0.05,
    sides: Sides = 2,
    margin: float = 0.0,
) -> float:
    """Return how likely two groups show that their shares of yes differ.

    Args:
        share: the true share of the candidate.
        other_share: the true share of the baseline.
        n: cases of the candidate.
        other_n: cases of the baseline; default: as many.
        alpha: how often it may find a difference where there is none.
        sides: 1 where only a higher share counts.
        margin: for non-inferiority: how much lower the share may be.

    """
    m = other_n or n
    if min(n, m) < 1:
        return 0.0
    alone = math.sqrt(share * (1 - share) / n + other_share * (1 - other_share) / m)
    pooled = (n * share + m * other_share) / (n + m)
    # Without a margin both shares are the pooled one if there is no difference; with one they are what they are.
    under = alone if margin else math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return _normal_power(share - other_share + margin, under, alone, alpha, sides)


def power_of_paired_shares(
    gained: float, lost: float, n: int, *, alpha: float = 0.05, sides: Sides = 2, margin: float = 0.0
) -> float:
    """Return how likely McNemar's test finds a difference.

    Args:
        gained: the true share of cases that only the candidate passes.
        lost: the true share of cases that only the baseline passes.
        n: cases.
        alpha: how often it may find a difference where there is none.
        sides: 1 where only a gain counts.
        margin: for non-inferiority: how much lower the share that passes may be.

    """
    gap = gained - lost
    apart = gained + lost
    if n < 1:
        return 0.0
    alone = math.sqrt(max(0.0, apart - gap * gap) / n)
    return _normal_power(gap + margin, alone if margin else math.sqrt(apart / n), alone, alpha, sides)


def cases_for(power: Callable[[int], float], wanted: float = 0.8) -> int:
    """Return the fewest cases at which a power is as wanted: `cases_for(lambda n: power_of_pairs(0.2, n))`.

    Raises:
        ValueError: a hundred million cases are too few, as they are for a difference of 0.

    """
    high = 2
    while power(high) < wanted:
        high *= 2
        if high > MOST:
            raise ValueError(f"no number of cases up to {MOST:,} finds this with a power of {wanted:.0%}")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= wanted else (middle, high)
    return high


def least_effect(power: Callable[[float], float], wanted: float = 0.8, most: float = 10.0) -> float | None:
    """Return the smallest effect that is found as often as wanted; None where even `most` is not."""
    if power(most) < wanted:
        return None
    low, high = 0.0, most
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= wanted else (middle, high)
    return high


def design_effect(size: float, alike: float) -> float:
    """Return by how much more cases are needed when they come in clusters.

    L. Kish, "Survey Sampling" (1965), section 5.4.

    Args:
        size: cases in a cluster, on average.
        alike: the correlation within a cluster, 0 to 1.

    """
    return 1 + (size - 1) * alike


def _normal_power(gap: float, under: float, alone: float, alpha: float, sides: Sides) -> float:
    if alone == 0:
        return float(gap > 0 or (sides == 2 and gap != 0))
    z = _NORMAL.inv_cdf(1 - alpha / sides) * under
    found = _NORMAL.cdf((gap - z) / alone)
    return found + _NORMAL.cdf((-gap - z) / alone) if sides == 2 else found


@cache
def _nodes() -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(128)


def _t_power(shift: float, freedom: int, alpha: float, sides: Sides) -> float:
    """Return how often a t statistic, shifted by what is true, is beyond its critical value.

    The noncentral t is a shifted normal over an independent chi: averaged over the chi by Gauss and Legendre.
    """
    critical = t_quantile(1 - alpha / sides, freedom)
    # w = chi / sqrt(v) lies within ten standard deviations of its mode, whatever v.
    centre, reach = math.sqrt(max(0.0, 1 - 1 / freedom)), 10 / math.sqrt(2 * freedom)
    low, high = max(1e-9, centre - reach), centre + reach
    nodes, weights = _nodes()
    w = (high - low) / 2 * nodes + (high + low) / 2
    log_density = (
        math.log(2)
        + freedom / 2 * math.log(freedom / 2)
        - math.lgamma(freedom / 2)
        + (freedom - 1) * np.log(w)
        - freedom * w * w / 2
    )
    mass = (high - low) / 2 * weights * np.exp(log_density)
    beyond = np.array([_NORMAL.cdf(shift - critical * each) for each in w])
    if sides == 2:
        beyond = beyond + np.array([_NORMAL.cdf(-shift - critical * each) for each in w])
    return min(1.0, float((mass * beyond).sum()))
