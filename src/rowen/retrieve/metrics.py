"""How good a ranking, a context and a citation is: each for one question; means and intervals are made above.

Rankings are ids, best first, without repeats; `relevant` says how much each judged document is worth (0 or less: nothing).
Equal to trec_eval's `recall_K`, `ndcg_cut_K`, `recip_rank` and `P_K`: https://github.com/usnistgov/trec_eval
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise
from math import log2
from operator import add
from typing import NamedTuple

Relevant = Mapping[str, int]


def recall(ranked: Sequence[str], relevant: Relevant, k: int) -> float:
    """Return the share of the relevant documents that are among the first `k`; 0 when none is relevant."""
    wanted = {id for id, worth in relevant.items() if worth > 0}
    return len(wanted.intersection(ranked[:k])) / len(wanted) if wanted else 0.0


def precision(ranked: Sequence[str], relevant: Relevant, k: int) -> float:
    """Return the share of the first `k` places that hold a relevant document; a place left empty holds none."""
    return sum(relevant.get(id, 0) > 0 for id in ranked[:k]) / k


def ndcg(ranked: Sequence[str], relevant: Relevant, k: int) -> float:
    """Return the discounted gain of the first `k` against the best order there is, with the worth itself as gain.

    K. Järvelin and J. Kekäläinen, ACM TOIS 20(4), 2002, https://doi.org/10.1145/582415.582418
    """
    best = _gain(sorted((worth for worth in relevant.values() if worth > 0), reverse=True)[:k])
    return _gain([max(0, relevant.get(id, 0)) for id in ranked[:k]]) / best if best else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: Relevant, k: int = 0) -> float:
    """Return 1 over the place of the first relevant document, 0 when there is none among the first `k` (0: among all)."""
    return next((1 / at for at, id in enumerate(ranked[: k or None], 1) if relevant.get(id, 0) > 0), 0.0)


def average_precision(ranked: Sequence[str], relevant: Relevant) -> float:
    """Return the mean precision at the places of the relevant documents; one that was not found counts as 0."""
    wanted = sum(worth > 0 for worth in relevant.values())
    hits, total = 0, 0.0
    for at, id in enumerate(ranked, 1):
        if relevant.get(id, 0) > 0:
            hits += 1
            total += hits / at
    return total / wanted if wanted else 0.0


class Extent(NamedTuple):
    """A piece of a document's text, in characters."""

    document: str
    start: int
    end: int


class Share(NamedTuple):
    """How much of what was given was wanted, and how much of what was wanted was given; in characters."""

    precision: float
    recall: float


def context(given: Sequence[Extent], wanted: Sequence[Extent]) -> Share:
    """Return the precision and recall of a context against the passages that hold the answer.

    A character that is given twice counts once. Both are 0 when there is nothing to divide by.
    """
    gave, want = _covered(given), _covered(wanted)
    shared = sum(
        max(0, min(one.end, other.end) - max(one.start, other.start))
        for one in gave
        for other in want
        if one.document == other.document
    )
    size, needed = sum(each.end - each.start for each in gave), sum(each.end - each.start for each in want)
    return Share(shared / size if size else 0.0, shared / needed if needed else 0.0)


def citations(supported: Sequence[Sequence[bool]]) -> Share:
    """Return the precision and recall of an answer's citations.

    Args:
        supported: for each claim of the answer, for each of its citations, whether that passage supports it.

    Returns:
        `precision`: the share of the citations that support their claim; `recall`: the share of the claims that have a
        citation which supports them. After T. Gao and others, "Enabling Large Language Models to Generate Text with
        Citations", EMNLP 2023, where each citation is judged alone.

    """
    every = [each for claim in supported for each in claim]
    return Share(
        sum(every) / len(every) if every else 0.0,
        sum(any(claim) for claim in supported) / len(supported) if supported else 0.0,
    )


class Risk(NamedTuple):
    """Answering only what is at least so sure: the share that is answered, and the share of these that is wrong."""

    threshold: float
    coverage: float
    risk: float


def risk_coverage(judged: Sequence[tuple[float, bool]], weights: Sequence[float] = ()) -> list[Risk]:
    """Return risk against coverage for each threshold worth having, the strictest first.

    R. El-Yaniv and Y. Wiener, JMLR 11, 2010, https://jmlr.org/papers/v11/el-yaniv10a.html

    Args:
        judged: of each question, how sure the app was, and whether its answer was right.
        weights: how many questions each stands for; left out, each for itself.

    """
    weighed = zip(judged, weights or (1.0,) * len(judged), strict=True)
    ordered = sorted(((sure, right, weight) for (sure, right), weight in weighed), key=lambda each: -each[0])
    total = reduce(add, (weight for _, _, weight in ordered), 0.0)  # as below, so that the last share is 1
    curve: list[Risk] = []
    taken = wrong = 0.0
    for count, (sure, right, weight) in enumerate(ordered, 1):
        taken += weight
        wrong += 0.0 if right else weight
        if taken and (count == len(ordered) or ordered[count][0] != sure):
            curve.append(Risk(sure, taken / total, wrong / taken))
    return curve


def area_under(curve: Sequence[Risk]) -> float:
    """Return the mean risk over all coverages, by trapezoids from the strictest threshold on; less is better."""
    if not curve:
        return 0.0
    first = curve[0].coverage * curve[0].risk
    return first + sum((b.coverage - a.coverage) * (a.risk + b.risk) / 2 for a, b in pairwise(curve))


def _gain(worths: Sequence[float]) -> float:
    return sum(worth / log2(place + 1) for place, worth in enumerate(worths, 1))


def _covered(extents: Sequence[Extent]) -> list[Extent]:
    """Return extents that do not overlap and cover the same."""
    covered: list[Extent] = []
    for each in sorted(extents):
        last = covered[-1] if covered else None
        if last is not None and last.document == each.document and each.start <= last.end:
            covered[-1] = last._replace(end=max(last.end, each.end))
        elif each.end > each.start:
            covered.append(each)
    return covered
