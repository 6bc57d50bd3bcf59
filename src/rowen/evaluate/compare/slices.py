"""Where two runs differ: the metric that decides, on the cases of every slice.

Slices are many, and some differ by chance: their p-values are corrected by Benjamini & Hochberg, and the intervals of those
that remain are as wide as Y. Benjamini & D. Yekutieli, "False Discovery Rate-Adjusted Multiple Confidence Intervals", JASA
100 (2005), ask for, so that having looked for the largest differences does not flatter them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rowen.evaluate.compare.base import Cut
from rowen.evaluate.compare.differ import interval, tested
from rowen.evaluate.compare.pairs import Column
from rowen.evaluate.statistics import benjamini_hochberg

LEAST = 10
"""Cases of a slice, below which it is not looked at."""

VALUES = 50
"""Values that a slice may have; what has more is an id, and no slice."""


class Cuts(NamedTuple):
    """The slices that were looked at."""

    found: tuple[Cut, ...]
    small: int


def cut(column: Column, slices: Sequence[Mapping[str, str]], *, higher_is_better: bool, error: float = 0.05) -> Cuts:
    """Return the difference on every slice, the significant ones first, the worst of them leading.

    Args:
        column: the metric of the pairs.
        slices: of each pair what it can be cut by.
        higher_is_better: whether more of the metric is better.
        error: the share of false alarms among all alarms.

    """
    members: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, each in enumerate(slices):
        for by, value in each.items():
            members[by][value].append(place)
    sliced = [
        (by, value, places)
        for by, values in sorted(members.items())
        if 2 <= len(values) <= VALUES
        for value, places in sorted(values.items())
    ]
    large = [each for each in sliced if len(each[2]) >= LEAST]
    columns = [column.only(places) for _, _, places in large]
    chances = [tested(each).p for each in columns]
    corrected = benjamini_hochberg(chances)
    alarms = sum(q <= error for q in corrected)
    sign, found = 1 if higher_is_better else -1, []
    for (by, value, _), part, p, q in zip(large, columns, chances, corrected, strict=True):
        gap = interval(part, 1 - error * alarms / len(large) if q <= error else 1 - error)
        found.append(
            Cut(
                by=by,
                value=value,
                n=len(part),
                groups=part.groups,
                baseline=float(part.baseline.mean()),
                candidate=float(part.candidate.mean()),
                difference=gap,
                p=p,
                q=q,
                standing="undecided" if q > error else "better" if sign * (gap.value or 0.0) > 0 else "worse",
            )
        )
    found.sort(key=lambda one: (one.q > error, sign * (one.difference.value or 0.0), one.by, one.value))
    return Cuts(tuple(found), len(sliced) - len(large))
