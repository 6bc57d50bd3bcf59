"""Numbers that were given, held against those that are right."""

import math
from collections.abc import Iterable, Sequence

from rowen.evaluate.statistics import bootstrap, bootstrap_of
from rowen.evaluate.statistics.arrays import Floats, floats
from rowen.values.interval import Interval


def absolute_error(
    right: Sequence[float], given: Sequence[float], *, clusters: Iterable[object] | None = None, level: float = 0.95
) -> Interval:
    """Return the mean absolute error with its interval.

    Raises:
        ValueError: the rows differ in length, or a number is not finite.

    """
    one, other = _rows(right, given)
    return bootstrap(abs(other - one), clusters=clusters, level=level)


def squared_error(
    right: Sequence[float], given: Sequence[float], *, clusters: Iterable[object] | None = None, level: float = 0.95
) -> Interval:
    """Return the mean squared error with its interval.

    Raises:
        ValueError: as for `absolute_error`.

    """
    one, other = _rows(right, given)
    return bootstrap((other - one) ** 2, clusters=clusters, level=level)


def explained(
    right: Sequence[float], given: Sequence[float], *, clusters: Iterable[object] | None = None, level: float = 0.95
) -> Interval:
    """Return R², the share of the variance that is explained, with its interval; below 0 it is worse than the mean.

    Raises:
        ValueError: as for `absolute_error`.

    """
    one, other = _rows(right, given)

    def share(right: Floats, given: Floats) -> float | None:
        spread = float(((right - right.mean()) ** 2).sum())
        return 1 - float(((given - right) ** 2).sum()) / spread if spread else None

    return bootstrap_of(
        lambda at: share(one[at], other[at]), len(one), clusters=clusters, level=level, bounds=(-math.inf, 1)
    )


def _rows(right: Sequence[float], given: Sequence[float]) -> tuple[Floats, Floats]:
    one, other = floats(right, "right numbers"), floats(given, "given numbers")
    if len(one) != len(other):
        raise ValueError(f"{len(one)} right numbers cannot be held against {len(other)} given ones")
    return one, other
