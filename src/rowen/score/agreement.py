"""How well judges agree beyond chance: Cohen's kappa for two, Krippendorff's alpha for any number with gaps."""

import random
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import Literal, TypeVar

from rowen.values.interval import Interval

L = TypeVar("L", bound=Hashable)

Weights = Literal["none", "linear", "quadratic"]
"""Whether a near miss is a lesser one: by the distance of the labels' places, or its square."""

Level = Literal["nominal", "ordinal", "interval"]
"""What the labels are: names, an order, or numbers whose differences mean something."""


def cohen_kappa(
    ones: Sequence[L], others: Sequence[L], *, weights: Weights = "none", order: Sequence[L] = ()
) -> float | None:
    """Return Cohen's kappa of two raters' labels of the same items; None where chance alone explains everything.

    J. Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20 (1960);
    weighted: "Weighted kappa", Psychological Bulletin 70 (1968).

    Args:
        ones: the first rater's labels.
        others: the second rater's labels of the same items, in the same order.
        weights: how a disagreement counts.
        order: all labels from least to most, for weights; default: sorted.

    Raises:
        ValueError: the lists differ in length, or a label is not in `order`.

    """
    if len(ones) != len(others):
        raise ValueError(f"{len(ones)} labels cannot be held against {len(others)}")
    places = {label: place for place, label in enumerate(order or _sorted({*ones, *others}))}
    if missing := {*ones, *others} - places.keys():
        raise ValueError(f"{sorted(map(str, missing))} is not in the order of labels")
    if not ones:
        return None
    away: Callable[[int, int], float] = {
        "none": lambda a, b: float(a != b),
        "linear": lambda a, b: float(abs(a - b)),
        "quadratic": lambda a, b: float((a - b) ** 2),
    }[weights]
    first = Counter(places[each] for each in ones)
    second = Counter(places[each] for each in others)
    seen = sum(away(places[a], places[b]) for a, b in zip(ones, others, strict=True))
    by_chance = sum(away(a, b) * first[a] * second[b] for a in first for b in second) / len(ones)
    return 1 - seen / by_chance if by_chance else None


def krippendorff_alpha(units: Sequence[Sequence[L | None]], *, level: Level = "nominal") -> float | None:
    """Return Krippendorff's alpha; None where there is no variation or nothing to compare.

    K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011),
    https://www.asc.upenn.edu/sites/default/files/2021-03/Computing%20Krippendorff%27s%20Alpha-Reliability.pdf

    Args:
        units: for each item the labels it got, one for each rater; None where a rater gave none.
        level: what the labels are; anything but `nominal` needs labels that can be sorted, `interval` needs numbers.

    """
    rated = [labels for unit in units if len(labels := [each for each in unit if each is not None]) > 1]
    together: dict[tuple[L, L], float] = {}  # the coincidence matrix
    for labels in rated:
        counts = Counter(labels)
        for a, in_a in counts.items():
            for b, in_b in counts.items():
                pairs = in_a * (in_b - (a == b))
                if pairs:
                    together[a, b] = together.get((a, b), 0.0) + pairs / (len(labels) - 1)
    total: dict[L, float] = {}
    for (a, _), count in together.items():
        total[a] = total.get(a, 0.0) + count
    away = _difference(total, level)
    seen = sum(count * away(a, b) for (a, b), count in together.items())
    n = sum(total.values())
    by_chance = sum(total[a] * total[b] * away(a, b) for a in total for b in total)
    return 1 - (n - 1) * seen / by_chance if by_chance else None


def with_interval(
    estimate: Callable[[Sequence[L]], float | None],
    items: Sequence[L],
    *,
    level: float = 0.95,
    resamples: int = 1000,
    rng: random.Random | None = None,
) -> Interval:
    """Return an estimate over items with its percentile bootstrap interval, items drawn again as a whole.

    B. Efron & R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. Resamples that give no estimate
    are left out. The same `rng` gives the same interval; the default always begins at the same place.
    """
    rng = rng or random.Random(0)
    value = estimate(items)
    drawn = (
        sorted(found for _ in range(resamples) if (found := estimate(rng.choices(items, k=len(items)))) is not None)
        if value is not None
        else []
    )
    if not drawn:
        return Interval(value=value, low=-1.0, high=1.0, n=len(items), level=level, method="bootstrap")
    tail = (1 - level) / 2
    low, high = drawn[int(tail * (len(drawn) - 1))], drawn[round((1 - tail) * (len(drawn) - 1))]
    return Interval(value=value, low=low, high=high, n=len(items), level=level, method="bootstrap")


def _difference(total: dict[L, float], level: Level) -> Callable[[L, L], float]:
    """Return the squared difference of two labels at a level of measurement."""
    match level:
        case "nominal":
            return lambda a, b: float(a != b)
        case "interval":
            return lambda a, b: (float(a) - float(b)) ** 2  # type: ignore[arg-type]
        case "ordinal":
            order = _sorted(total)
            # How many labels lie before the middle of each: the sum between two, half of each end left out.
            middle: dict[L, float] = {}
            at = 0.0
            for before, here in pairwise([None, *order]):
                at += (total[before] / 2 if before is not None else 0.0) + total[here] / 2  # type: ignore[index]
                middle[here] = at  # type: ignore[index]
            return lambda a, b: (middle[a] - middle[b]) ** 2


def _sorted(labels: "set[L] | dict[L, float]") -> list[L]:
    try:
        return sorted(labels)  # type: ignore[type-var]
    except TypeError:
        return sorted(labels, key=str)
