"""Differences that may be looked at at any time: always-valid p-values and intervals, from sums alone.

The mixture sequential probability ratio test: H. Robbins, "Statistical Methods Related to the Law of the Iterated
Logarithm", Annals of Mathematical Statistics 41 (1970); R. Johari, P. Koomen, L. Pekelis & D. Walsh, "Always Valid
Inference", Operations Research 70 (2022). Its inversion with estimated variances is the asymptotic confidence sequence of
I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy & A. Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences", Annals of Statistics 52 (2024).

Asymptotic: its level holds once the variances are known well enough. Do not look before `BURN_IN` observations of each
arm. For scores with bounds there are `bets`, which hold from the first one on.
"""

import math
from typing import Self

from rowen.evaluate.statistics.base import Sums
from rowen.values import Value
from rowen.values.interval import Interval

BURN_IN = 100
"""Observations of each arm before which nothing is said; what simulation needed for skewed costs and rare failures."""


class Watched(Value, frozen=True, kw_only=True):
    """What has been found at any time so far: hand the last one in with every look."""

    difference: Interval
    """Candidate less baseline; what every look so far agrees with."""
    p: float = 1.0
    """The smallest always-valid p-value of all looks."""
    looks: int = 0
    conflict: bool = False
    """Whether looks contradict one another, as they do when what is measured changes as time goes by."""

    @classmethod
    def nothing(cls, level: float = 0.95) -> Self:
        """Return what is known before the first look."""
        return cls(difference=Interval(value=None, low=-math.inf, high=math.inf, n=0, level=level, method="mixture"))


def look(
    candidate: Sums,
    baseline: Sums,
    *,
    expected: int,
    before: Watched | None = None,
    level: float = 0.95,
    burn_in: int = BURN_IN,
) -> Watched:
    """Look at two arms of an experiment, as often as you like; return what can be said.

    Args:
        candidate: the sums of all its observations so far.
        baseline: the same of the baseline.
        expected: observations of both arms together at which the interval shall be narrowest, such as those planned.
            It is set before the first look and stays.
        before: what the last look gave.
        level: how likely the interval holds the truth at all looks together.
        burn_in: observations of each arm before which nothing is said.

    Raises:
        ValueError: `expected` is not above 0.

    """
    if expected <= 0:
        raise ValueError("say at how many observations the interval shall be narrowest")
    last = before or Watched.nothing(level)
    n = candidate.n + baseline.n
    if min(candidate.n, baseline.n) < max(2, burn_in):
        gap = candidate.mean - baseline.mean if candidate.n and baseline.n else None
        return last.but(difference=last.difference.but(value=gap, n=n), looks=last.looks + 1)
    gap = candidate.mean - baseline.mean
    noise = candidate.variance / candidate.n + baseline.variance / baseline.n
    # The variance of the difference at `expected` observations, at the pace of now.
    spread = tuned(noise * n / expected, 1 - last.difference.level)
    half, p = _mixed(gap, noise, spread, 1 - last.difference.level)
    low, high = max(last.difference.low, gap - half), min(last.difference.high, gap + half)
    conflict = last.conflict or low > high
    if low > high:
        low, high = gap - half, gap + half
    return Watched(
        difference=last.difference.but(value=gap, low=low, high=high, n=n),
        p=min(last.p, p),
        looks=last.looks + 1,
        conflict=conflict,
    )


def tuned(noise: float, alpha: float) -> float:
    """Return the variance of the mixture whose interval is narrowest when the estimate has this variance.

    Waudby-Smith et al. (2024), appendix on tuning.
    """
    log = -2 * math.log(alpha)
    return noise * (log + math.log(log) + 1)


def _mixed(gap: float, noise: float, spread: float, alpha: float) -> tuple[float, float]:
    """Return half of the interval's width, and the p-value: one by the likelihood ratio of the normal mixture."""
    if noise == 0:
        return math.inf, 1.0
    ratio = (noise + spread) / noise
    half = math.sqrt(noise * (noise + spread) / spread * (math.log(ratio) - 2 * math.log(alpha)))
    log_odds = spread * gap * gap / (2 * noise * (noise + spread)) - math.log(ratio) / 2
    return half, min(1.0, math.exp(-log_odds)) if log_odds > -700 else 1.0
