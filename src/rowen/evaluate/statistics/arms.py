"""Bandits: how to split traffic between arms by what is known of them, with a floor that keeps inference possible.

Thompson sampling: W. R. Thompson, Biometrika 25 (1933). Top two: D. Russo, "Simple Bayesian Algorithms for Best-Arm
Identification", Operations Research 68 (2020). The probability that an arm is best is integrated, not drawn, so the
split is the same whenever it is computed, and can be stored with each choice.
"""

import math
from collections.abc import Sequence
from typing import Literal

from rowen.evaluate.statistics.arrays import Floats, np
from rowen.evaluate.statistics.base import Sums
from rowen.values import Value

Strategy = Literal["thompson", "top-two"]

_POINTS = 2001  # of the grid around each arm
_REACH = 10.0  # standard deviations


class Arm(Value, frozen=True, kw_only=True):
    """What is known of one arm."""

    name: str
    kept: Sums = Sums()
    """Of its rewards so far."""
    yes_or_no: bool = True
    """Whether a reward is 0 or 1. Its share then has a Beta posterior from a uniform prior; else its mean a normal one."""


def best(arms: Sequence[Arm], *, higher_is_better: bool = True) -> dict[str, float]:
    """Return for each arm the probability that it is the best one.

    A mean of fewer than two rewards is not known at all: while there is such an arm, all are as likely.

    Raises:
        ValueError: no arm, or two of one name.

    """
    names = [each.name for each in arms]
    if not names or len({*names}) != len(names):
        raise ValueError("name each arm once, and at least one")
    if any(not each.yes_or_no and each.kept.n < 2 for each in arms):
        return dict.fromkeys(names, 1 / len(arms))
    shapes = [_shape(each) for each in arms]
    if not higher_is_better:
        shapes = [(-middle, spread) for middle, spread in shapes]
    grid = np.unique(
        np.concatenate([middle + spread * np.linspace(-_REACH, _REACH, _POINTS) for middle, spread in shapes])
    )
    if all(each.yes_or_no for each in arms):
        edges = (0.0, 1.0) if higher_is_better else (-1.0, 0.0)
        grid = np.unique(np.clip(grid, *edges))
    steps = np.diff(grid)
    masses = []
    for arm, shape in zip(arms, shapes, strict=True):
        density = _density(arm, shape, grid, higher_is_better=higher_is_better)
        mass = (density[1:] + density[:-1]) / 2 * steps
        masses.append(mass / mass.sum())
    below = [np.concatenate([[0.0], np.cumsum(mass)]) for mass in masses]
    halves = [(each[1:] + each[:-1]) / 2 for each in below]
    found = np.array(
        [
            float((mass * np.prod([half for other, half in enumerate(halves) if other != place], axis=0)).sum())
            for place, mass in enumerate(masses)
        ]
    )
    return dict(zip(names, (found / found.sum()).tolist(), strict=True))


def allotment(
    arms: Sequence[Arm],
    *,
    strategy: Strategy = "thompson",
    floor: float = 0.05,
    leader: float = 0.5,
    higher_is_better: bool = True,
) -> dict[str, float]:
    """Return the share of traffic that each arm shall get next.

    Args:
        arms: what is known of each.
        strategy: `thompson` earns most while it learns; `top-two` finds the best one soonest.
        floor: what each arm gets at least, whatever is known. A weight of an off-policy estimate is then at most
            1 over it.
        leader: of `top-two`, how often the leader is taken rather than its challenger.
        higher_is_better: whether a high reward is wanted.

    Raises:
        ValueError: a floor that is not above 0, or that leaves nothing to decide.

    """
    if not 0 < floor <= 1 / len(arms):
        raise ValueError(f"a floor for {len(arms)} arms is above 0 and at most {1 / len(arms):.3g}, not {floor:g}")
    chances = best(arms, higher_is_better=higher_is_better)
    if strategy == "top-two" and len(arms) > 1:
        chances = _top_two(chances, leader)
    free = 1 - floor * len(arms)
    return {name: floor + free * chance for name, chance in chances.items()}


def drawn(shares: dict[str, float], unit: float) -> str:
    """Return the arm at a place in 0 to 1: that of a user's hash, so that they keep their arm while shares stay.

    Raises:
        ValueError: the place is not in 0 to 1.

    """
    if not 0 <= unit <= 1:
        raise ValueError(f"a place is in 0 to 1, not {unit}")
    passed = 0.0
    for name, share in shares.items():
        passed += share
        if unit < passed:
            return name
    return next(reversed(shares))


def _top_two(chances: dict[str, float], leader: float) -> dict[str, float]:
    """Return how often each is the leader, or the challenger that is best among the others."""
    found = {}
    for name, chance in chances.items():
        others = sum(other * chance / (1 - other) for each, other in chances.items() if each != name and other < 1)
        found[name] = leader * chance + (1 - leader) * others
    total = sum(found.values())
    return {name: share / total for name, share in found.items()}


def _shape(arm: Arm) -> tuple[float, float]:
    """Return the mean and the standard deviation of what is believed."""
    if not arm.yes_or_no:
        spread = math.sqrt(arm.kept.variance / arm.kept.n)
        return arm.kept.mean, max(spread, 1e-9 * max(1.0, abs(arm.kept.mean)))
    a, b = _beta(arm)
    return a / (a + b), math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))


def _beta(arm: Arm) -> tuple[float, float]:
    return 1 + arm.kept.total, 1 + arm.kept.n - arm.kept.total


def _density(arm: Arm, shape: tuple[float, float], grid: Floats, *, higher_is_better: bool) -> Floats:
    if not arm.yes_or_no:
        middle, spread = shape
        found: Floats = np.exp(-(((grid - middle) / spread) ** 2) / 2)
        return found
    a, b = _beta(arm)
    at = grid if higher_is_better else -grid
    with np.errstate(divide="ignore", invalid="ignore"):
        ups = (a - 1) * np.log(at) if a > 1 else np.zeros(len(at))
        downs = (b - 1) * np.log1p(-at) if b > 1 else np.zeros(len(at))
    log = ups + downs
    density: Floats = np.exp(log - log[np.isfinite(log)].max())
    return density
