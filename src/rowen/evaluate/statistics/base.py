"""What the statistics give beside intervals: a test, and what has been counted so far."""

import math
from collections.abc import Iterable
from typing import Literal, Self

from rowen.values import Value
from rowen.values.interval import Interval

Side = Literal["both", "greater", "less"]
"""What is looked for: a difference, one above 0, or one below."""


class Tested(Value, frozen=True, kw_only=True):
    """What a test says: how likely what was seen, or more of it, would be if there were no difference."""

    p: float
    statistic: float
    n: int
    """How many observations, pairs or clusters decided."""
    method: str

    def __str__(self) -> str:
        return f"p = {self.p:.3g} (n = {self.n}, {self.method})"


class Sums(Value, frozen=True, kw_only=True):
    """Numbers as they are kept: how many, their sum, and the sum of their squares."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Return the sums of numbers."""
        found = list(values)
        return cls(n=len(found), total=math.fsum(found), squares=math.fsum(each * each for each in found))

    def plus(self, other: "Sums") -> "Sums":
        """Return the sums of both."""
        return Sums(n=self.n + other.n, total=self.total + other.total, squares=self.squares + other.squares)

    @property
    def mean(self) -> float:
        """Their mean; there must be at least one."""
        return self.total / self.n

    @property
    def variance(self) -> float:
        """The variance that they are estimated to be drawn from; there must be at least two."""
        return max(0.0, (self.squares - self.total * self.total / self.n) / (self.n - 1))


Standing = Literal["better", "not worse", "worse", "undecided"]


def standing(difference: Interval, margin: float = 0.0, *, higher_is_better: bool = True) -> Standing:
    """Return how a candidate stands to what it would replace, by the interval of its difference (candidate less other).

    *better*: all of the interval is above 0. *not worse*: all of it is above `-margin`. *worse*: all of it is below
    `-margin`. A test at one-sided 2.5 % is what an interval of 95 % gives. The margin is chosen before looking.

    G. Piaggio et al., "Reporting of Noninferiority and Equivalence Randomized Trials", JAMA 308 (2012), figure 1.

    Raises:
        ValueError: the margin is negative.

    """
    if not margin >= 0:
        raise ValueError(f"a margin is how much may be lost, 0 or more, not {margin}")
    low, high = (difference.low, difference.high) if higher_is_better else (-difference.high, -difference.low)
    if difference.value is None:
        return "undecided"
    if low > 0:
        return "better"
    if low > -margin:
        return "not worse"
    return "worse" if high < -margin else "undecided"
