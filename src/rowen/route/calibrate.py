"""Which threshold a cache by meaning may have: from pairs of questions of which somebody said whether they are the same."""

from collections.abc import Sequence
from importlib import import_module

from rowen.route.differ import differ
from rowen.values import Embed, Value
from rowen.values.interval import Interval, clopper_pearson

BUDGET = 0.005
"""The share of near misses that may be given the wrong answer."""


class Pair(Value, frozen=True, kw_only=True):
    """Two questions, and whether one answer is right for both."""

    one: str
    other: str
    same: bool


class Rung(Value, frozen=True, kw_only=True):
    """What a threshold does."""

    threshold: float
    hits: Interval
    """Of the pairs that are the same, those that share an answer."""
    false_hits: Interval
    """Of the pairs that are not, those that do."""


class Calibration(Value, frozen=True, kw_only=True):
    """What thresholds do on a set of pairs, and the one to take."""

    rungs: tuple[Rung, ...]
    """From the strictest to the loosest."""
    threshold: float | None
    """The loosest whose false hits stay within the budget on these pairs; None when no threshold does."""
    proven: bool
    """Whether the upper end of the interval stays within the budget too."""
    needed: int
    """Near misses needed to prove the budget if none of them were shared."""


async def calibrated(pairs: Sequence[Pair], embed: Embed, *, budget: float = BUDGET) -> Calibration:
    """Return what each threshold would have done with the pairs, word rules included."""
    ours = await embed([pair.one for pair in pairs], role="query")
    theirs = await embed([pair.other for pair in pairs], role="query")
    cosines: list[float] = import_module("rowen.route.near").cosines(ours.data, theirs.data, ours.dimensions)
    shared = [
        (cosine if not differ(pair.one, pair.other) else -1.0, pair.same)
        for cosine, pair in zip(cosines, pairs, strict=True)
    ]
    same = sum(1 for _, is_same in shared if is_same)
    rungs = tuple(_rung(step / 100, shared, same) for step in range(99, 59, -1))
    within = [rung for rung in rungs if (rung.false_hits.value or 0.0) <= budget]
    # Rungs go from strict to loose: the last one before the first that breaks the budget.
    broken = next((place for place, rung in enumerate(rungs) if (rung.false_hits.value or 0.0) > budget), len(rungs))
    best = rungs[broken - 1] if broken and within else None
    return Calibration(
        rungs=rungs,
        threshold=best.threshold if best else None,
        proven=best is not None and best.false_hits.n > 0 and best.false_hits.high <= budget,
        needed=_needed(budget),
    )


def _rung(threshold: float, shared: Sequence[tuple[float, bool]], same: int) -> Rung:
    hits = sum(1 for cosine, is_same in shared if is_same and cosine >= threshold)
    wrong = sum(1 for cosine, is_same in shared if not is_same and cosine >= threshold)
    return Rung(
        threshold=threshold,
        hits=clopper_pearson(hits, same),
        false_hits=clopper_pearson(wrong, len(shared) - same),
    )


def _needed(budget: float) -> int:
    """The smallest sample without a single false hit whose interval stays within the budget."""
    low, high = 1, 1_000_000
    while low < high:
        middle = (low + high) // 2
        if clopper_pearson(0, middle).high <= budget:
            high = middle
        else:
            low = middle + 1
    return low
