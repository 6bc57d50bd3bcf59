"""Labels that were given, held against those that are right: accuracy, precision, recall, F1, MCC. Plain Python.

Matthews' coefficient for any number of labels: J. Gorodkin, "Comparing two K-category assignments by a K-category
correlation coefficient", Computational Biology and Chemistry 28 (2004).
"""

import math
from collections import Counter
from collections.abc import Sequence

from rowen.score.agreement import cohen_kappa
from rowen.values import Value
from rowen.values.interval import Interval, wilson


class LabelFigures(Value, frozen=True, kw_only=True, omit_defaults=False):
    """How one label does."""

    precision: Interval
    """Of what was given this label, the share that is right."""
    recall: Interval
    """Of what is this label, the share that was given it."""
    f1: float
    """Their harmonic mean; 0 where there are neither hits nor misses, as scikit-learn has it."""
    support: int
    """How many are this label."""


class Labelled(Value, frozen=True, kw_only=True, omit_defaults=False):
    """How labels do, all together and one by one."""

    n: int
    accuracy: Interval
    balanced_accuracy: float | None
    """The mean of the labels' recalls, over the labels that occur: a rare one counts as much as a frequent one."""
    macro_precision: float
    macro_recall: float
    macro_f1: float
    weighted_f1: float
    mcc: float
    kappa: float | None
    labels: dict[str, LabelFigures]


def labelled(right: Sequence[object], given: Sequence[object], level: float = 0.95) -> Labelled:
    """Return how the given labels do against the right ones, of the same cases in the same order.

    Args:
        right: the labels that are right.
        given: the labels that were given. One that is never right counts as a label of its own, and lowers the means.
        level: of the intervals.

    Raises:
        ValueError: the rows differ in length, or are empty.

    """
    if len(right) != len(given) or not right:
        raise ValueError(f"{len(right)} right labels cannot be held against {len(given)} given ones")
    one, other = list(map(str, right)), list(map(str, given))
    n = len(one)
    hits = Counter(a for a, b in zip(one, other, strict=True) if a == b)
    are, said = Counter(one), Counter(other)
    figures = {
        label: LabelFigures(
            precision=wilson(hits[label], said[label], level),
            recall=wilson(hits[label], are[label], level),
            f1=2 * hits[label] / (are[label] + said[label]),
            support=are[label],
        )
        for label in sorted({*are, *said})
    }
    recalls = [each.recall.value for label, each in figures.items() if are[label] and each.recall.value is not None]
    return Labelled(
        n=n,
        accuracy=wilson(hits.total(), n, level),
        balanced_accuracy=math.fsum(recalls) / len(recalls) if recalls else None,
        macro_precision=_mean([each.precision.value or 0.0 for each in figures.values()]),
        macro_recall=_mean([each.recall.value or 0.0 for each in figures.values()]),
        macro_f1=_mean([each.f1 for each in figures.values()]),
        weighted_f1=math.fsum(each.f1 * each.support for each in figures.values()) / n,
        mcc=_matthews(hits.total(), n, are, said),
        kappa=cohen_kappa(one, other),
        labels=figures,
    )


def _matthews(hits: int, n: int, are: Counter[str], said: Counter[str]) -> float:
    together = sum(are[label] * said[label] for label in are)
    spread = (n * n - sum(each * each for each in said.values())) * (n * n - sum(each * each for each in are.values()))
    return (hits * n - together) / math.sqrt(spread) if spread else 0.0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
