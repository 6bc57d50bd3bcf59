"""Means of bounded scores that may be looked at at any time, valid from the first observation on.

Betting against each possible mean: I. Waudby-Smith & A. Ramdas, "Estimating means of bounded random variables by
betting", JRSS B 86 (2024), the hedged capital process of section 4.2 with its predictable plug-in bets; the empirical
Bernstein sequence is theorem 2 there. From sums alone: S. R. Howard, A. Ramdas, J. McAuliffe & J. Sekhon, "Time-uniform,
nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49 (2021), the two-sided normal mixture.

Nothing is assumed of the scores but their bounds, and that their mean is the same as time goes by, whatever came before.
"""

import math
from collections.abc import Iterable, Iterator

from rowen.evaluate.statistics.arrays import Floats, floats, np
from rowen.evaluate.statistics.base import Sums
from rowen.evaluate.statistics.mixture import tuned
from rowen.values.interval import Interval

_GRID = 1000  # steps between the bounds: an interval is at most one of them too wide
_MOST = 0.5  # of the capital that a bet can lose
_ROWS = 50
"""Scores that are bet on together: what is computed stays near the processor, and no product of so many bets is too large
for a number."""


class Bets:
    """A mean that is watched: add scores as they come, read the interval whenever you like.

    Args:
        bounds: between which numbers a score can lie.
        level: how likely the interval holds the truth at all times together.

    """

    def __init__(self, bounds: tuple[float, float] = (0.0, 1.0), level: float = 0.95) -> None:
        self._low, self._high = _checked(bounds)
        self._level = level
        self._kept = Sums()
        self._squares = 0.25  # of the distance of each score from the mean before it, with the prior's
        self._means = np.linspace(0.0, 1.0, _GRID + 1)
        with np.errstate(divide="ignore"):
            self._most = (_MOST / self._means, _MOST / (1 - self._means))
        self._ups, self._downs = np.zeros(_GRID + 1), np.zeros(_GRID + 1)  # logarithms of the capital
        self._peak = np.full(_GRID + 1, -math.inf)

    def add(self, values: Iterable[float]) -> "Bets":
        """Add scores in the order in which they came.

        Raises:
            ValueError: one lies outside the bounds.

        """
        found = _scaled(values, self._low, self._high)
        for start in range(0, len(found), _ROWS):
            self._bet(found[start : start + _ROWS])
        return self

    def path(self, values: Iterable[float]) -> Iterator[tuple[float, float]]:
        """Add scores, and yield the bounds after each.

        Raises:
            ValueError: one lies outside the bounds.

        """
        found = _scaled(values, self._low, self._high)
        for start in range(0, len(found), _ROWS):
            peak, before = self._peak, (self._ups, self._downs)
            won = self._bet(found[start : start + _ROWS])
            highest = (had + np.log(np.maximum.accumulate(side, axis=0)) for had, side in zip(before, won, strict=True))
            for each in np.maximum(peak, np.maximum(*highest)):
                yield self._ends(each)

    @property
    def interval(self) -> Interval:
        """The mean of the scores so far, and between which bounds the truth is."""
        low, high = self._ends(self._peak)
        value = self._low + (self._high - self._low) * self._kept.mean if self._kept.n else None
        return Interval(
            value=value,
            low=low,
            high=high,
            n=self._kept.n,
            level=self._level,
            method="betting",
        )

    def _bet(self, scores: Floats) -> tuple[Floats, Floats]:
        """Bet on scores in 0 to 1, one after another; return what each side's capital grew by until after each."""
        bet, _, self._squares = _plugged(scores, self._kept, self._squares, 1 - self._level)
        self._kept = self._kept.plus(Sums.of(scores.tolist()))
        away = scores[:, None] - self._means
        up, down = (np.minimum(bet[:, None], most) for most in self._most)
        up *= away
        up += 1
        down *= away
        np.subtract(1, down, out=down)
        for side in (up, down):
            np.multiply.accumulate(side, axis=0, out=side)
        highest = np.maximum(self._ups + np.log(up.max(axis=0)), self._downs + np.log(down.max(axis=0)))
        self._peak = np.maximum(self._peak, highest)
        self._ups, self._downs = self._ups + np.log(up[-1]), self._downs + np.log(down[-1])
        return up, down

    def _ends(self, peak: Floats) -> tuple[float, float]:
        """Return the ends of the interval: up to the first means on the grid against which enough was won."""
        # Half of the capital is bet on each side, so each must win twice as much.
        left = np.flatnonzero(peak < math.log(2 / (1 - self._level)))
        if not len(left):  # each mean of the grid is ruled out: the truth is at none of them, between two
            left = np.array([np.argmin(peak)])
        low, high = self._means[max(0, left[0] - 1)], self._means[min(_GRID, left[-1] + 1)]
        width = self._high - self._low
        return self._low + width * float(low), self._low + width * float(high)


def betting(values: Iterable[float], *, bounds: tuple[float, float] = (0.0, 1.0), level: float = 0.95) -> Interval:
    """Return the mean of scores with the interval that betting gives, the intersection of those of all times.

    Raises:
        ValueError: a score lies outside the bounds.

    """
    return Bets(bounds, level).add(values).interval


def betting_of_two(
    candidate: Iterable[float],
    baseline: Iterable[float],
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    level: float = 0.95,
) -> Interval:
    """Return how much higher the candidate's mean is over other cases, valid at any time in both arms.

    Each arm has its own interval at half of the error, so that both hold together however unevenly they fill.

    Raises:
        ValueError: a score lies outside the bounds.

    """
    each = 1 - (1 - level) / 2
    one, other = betting(candidate, bounds=bounds, level=each), betting(baseline, bounds=bounds, level=each)
    gap = one.value - other.value if one.value is not None and other.value is not None else None
    return Interval(
        value=gap, low=one.low - other.high, high=one.high - other.low, n=one.n + other.n, level=level, method="betting"
    )


def betting_path(
    values: Iterable[float], *, bounds: tuple[float, float] = (0.0, 1.0), level: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the lower and the upper bound after each score, as a page draws them.

    Raises:
        ValueError: a score lies outside the bounds.

    """
    ends = [*Bets(bounds, level).path(values)]
    return np.array([low for low, _ in ends]), np.array([high for _, high in ends])


def bernstein(values: Iterable[float], *, bounds: tuple[float, float] = (0.0, 1.0), level: float = 0.95) -> Interval:
    """Return the mean of scores with the empirical Bernstein sequence as it is after the last: quick, a little wider.

    Raises:
        ValueError: a score lies outside the bounds.

    """
    low, high = _checked(bounds)
    found = _scaled(values, low, high)
    n, alpha = len(found), 1 - level
    if not n:
        return Interval(value=None, low=low, high=high, n=0, level=level, method="empirical-bernstein")
    bet, guesses, _ = _plugged(found, Sums(), 0.25, alpha)
    bet = np.minimum(bet, _MOST)
    spent = np.cumsum((found - guesses) ** 2 * (-np.log1p(-bet) - bet))
    total = np.cumsum(bet)
    centre, half = np.cumsum(bet * found) / total, (math.log(2 / alpha) + spent) / total
    least, most = max(0.0, float((centre - half).max())), min(1.0, float((centre + half).min()))
    width = high - low
    return Interval(
        value=low + width * float(found.mean()),
        low=low + width * least,
        high=low + width * most,
        n=n,
        level=level,
        method="empirical-bernstein",
    )


def from_sums(kept: Sums, *, expected: int, bounds: tuple[float, float] = (0.0, 1.0), level: float = 0.95) -> Interval:
    """Return the mean of scores of which only sums were kept, valid at any time; wider, since it knows no variance.

    Args:
        kept: the sums of all scores so far.
        expected: scores at which the interval shall be narrowest; set before the first look.
        bounds: between which numbers a score can lie.
        level: how likely the interval holds the truth at all times together.

    """
    low, high = _checked(bounds)
    if not kept.n:
        return Interval(value=None, low=low, high=high, n=0, level=level, method="mixture")
    most = (high - low) ** 2 / 4  # the variance of no score within the bounds is larger
    noise, spread = most / kept.n, tuned(most / expected, 1 - level)
    reach = noise * (noise + spread) / spread * (math.log((noise + spread) / noise) - 2 * math.log(1 - level))
    half = math.sqrt(reach)
    return Interval(
        value=kept.mean,
        low=max(low, kept.mean - half),
        high=min(high, kept.mean + half),
        n=kept.n,
        level=level,
        method="mixture",
    )


def _plugged(scores: Floats, kept: Sums, squares: float, alpha: float) -> tuple[Floats, Floats, float]:
    """Return the bet on each score, from what came before it; the mean before it; and the squares for what follows."""
    at = kept.n + np.arange(1, len(scores) + 1)
    totals = kept.total + np.cumsum(scores)
    means = (0.5 + totals) / (at + 1)
    before = np.concatenate([[(0.5 + kept.total) / (kept.n + 1)], means[:-1]])
    grown = squares + np.cumsum((scores - means) ** 2)
    variances = np.concatenate([[squares], grown[:-1]]) / at
    bet = np.sqrt(2 * math.log(2 / alpha) / (variances * at * np.log1p(at)))
    return bet, before, float(grown[-1]) if len(grown) else squares


def _scaled(values: Iterable[float], low: float, high: float) -> Floats:
    found = floats(values, "scores")
    if len(found) and (found.min() < low or found.max() > high):
        raise ValueError(f"a score lies outside of the bounds {low:g} to {high:g}")
    return (found - low) / (high - low)


def _checked(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"{low:g} to {high:g} are no bounds")
    return low, high
