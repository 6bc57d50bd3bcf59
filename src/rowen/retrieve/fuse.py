"""Several ways of searching made one ranking, and a ranking made passages. Pure.

Fused is by a convex combination of each way's scores, which keeps how much better a hit is than the next; ranks alone lose it.
Scores are on scales that are the same for all questions: of the words, the share of what a text that says all of the question
would have; of the meaning, the part of the way from two texts that have nothing to do with each other to the same text
twice. So a way that finds little for a question has little to say on it, and one share does for all corpora.
S. Bruch, S. Gai and A. Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", ACM TOIS 42(1), 2023,
https://doi.org/10.1145/3596512, who stretch to the best hit instead.
"""

from array import array
from collections.abc import Mapping, Sequence
from operator import mul

from rowen.store.knowledge import Hit
from rowen.values import Passage

WEIGHT = 0.2
"""The share of the dense way."""
_LONGEST = 4_000  # characters up to which neighbouring passages become one


def scaled(hits: Sequence[Hit], limit: int, zero: float = 0.0) -> dict[int, float]:
    """Return the scores of one way as parts of the scale from `zero` to the most there could be.

    They begin at the last hit, since what comes after it may be as good; a way that found fewer than it was asked for found
    all that fit, so that its scores begin at nothing.
    """
    if not hits:
        return {}
    bottom = hits[-1].score if len(hits) >= limit else min(zero, hits[-1].score)
    return {hit.chunk: (hit.score - bottom) / (hit.most - zero) for hit in hits}


def fused(dense: Mapping[int, float], lexical: Mapping[int, float], weight: float) -> dict[int, float]:
    """Return the scaled scores of two ways as one; `weight` is the share of the dense way."""
    return {
        chunk: weight * dense.get(chunk, 0.0) + (1 - weight) * lexical.get(chunk, 0.0)
        for chunk in dense.keys() | lexical.keys()
    }


def together(rankings: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Return the mean of several rankings: of one question asked in several ways."""
    chunks = {chunk for ranking in rankings for chunk in ranking}
    return {chunk: sum(ranking.get(chunk, 0.0) for ranking in rankings) / len(rankings) for chunk in chunks}


def ordered(scores: Mapping[int, float]) -> list[int]:
    """Return chunks by their scores, best first; equal ones by their numbers."""
    return sorted(scores, key=lambda chunk: (-scores[chunk], chunk))


def aged(score: float, modified_ns: int, now_ns: int, half_life: float) -> float:
    """Return a score with the age of its document: half of it after `half_life` seconds; unknown ages do not count."""
    if not half_life or not modified_ns or modified_ns >= now_ns:
        return score
    return score * float(0.5 ** ((now_ns - modified_ns) / 1e9 / half_life))


def diverse(
    ranked: Sequence[int], scores: Mapping[int, float], vectors: Mapping[int, bytes], diversity: float, top: int
) -> list[int]:
    """Return `top` chunks that fit and differ: maximal marginal relevance, then the others in their order.

    J. Carbonell and J. Goldstein, SIGIR 1998, https://doi.org/10.1145/290941.291025. A chunk without a vector is like none.
    """
    numbers = {chunk: array("f", vector) for chunk, vector in vectors.items()}
    chosen: list[int] = []
    left = list(ranked)
    nearest = dict.fromkeys(left, 0.0)
    while left and len(chosen) < top:
        best = max(left, key=lambda chunk: (1 - diversity) * scores[chunk] - diversity * nearest[chunk])
        left.remove(best)
        chosen.append(best)
        if best in numbers:
            for chunk in left:
                if chunk in numbers:
                    nearest[chunk] = max(nearest[chunk], sum(map(mul, numbers[best], numbers[chunk])))
    return chosen + left


def merged(passages: Sequence[Passage], top: int, room: int) -> tuple[Passage, ...]:
    """Return the first `top` passages of a ranking; those of one document that overlap or touch are one.

    The room is given out in the order of the ranking: what comes after it is full makes no passage before it longer, or a
    neighbour that hardly fits would push out what fits better. What follows the first `top` is used up to the first
    passage that would have been one more.

    Args:
        passages: the best first.
        top: how many at most.
        room: characters that are read of them.

    """
    kept: list[Passage] = []
    for passage in passages:
        at = next((at for at, other in enumerate(kept) if _joins(other, passage)), None)
        if at is None:
            if len(kept) == top:
                break
            kept.append(passage)
            room -= passage.end - passage.start
        elif room > 0:
            whole = _joined(kept[at], passage)
            room -= (whole.end - whole.start) - (kept[at].end - kept[at].start)
            kept[at] = whole
    return tuple(kept)


def _joins(one: Passage, other: Passage) -> bool:
    start, end = min(one.start, other.start), max(one.end, other.end)
    return (
        (one.document, one.version) == (other.document, other.version)
        and one.start <= other.end
        and other.start <= one.end
        and (end - start <= _LONGEST or (start, end) == (one.start, one.end))
    )


def _joined(one: Passage, other: Passage) -> Passage:
    first, second = sorted((one, other), key=lambda each: (each.start, -each.end))
    text = first.text + second.text[max(0, first.end - second.start) :] if second.end > first.end else first.text
    legs = {way: max(one.legs.get(way, -1e9), other.legs.get(way, -1e9)) for way in one.legs.keys() | other.legs.keys()}
    return one.but(
        start=first.start, end=max(first.end, second.end), text=text, context=first.context, path=first.path, legs=legs
    )
