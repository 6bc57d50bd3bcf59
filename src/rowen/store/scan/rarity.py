"""What terms weigh in BM25, the same in every driver. Needs no NumPy.

S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the idf that is never
negative, as Lucene has it.
"""

from collections.abc import Mapping
from math import log1p

K1, B = 1.2, 0.75
ABOVE = 0.5
"""How much the words of a chunk's whole document count beside its own: what a chunk lost when it was cut out."""
COMMON = 0.5
"""A term in a larger share of the chunks tells next to nothing, and costs the most: it is left out if a question has others."""
MANY = 5_000
"""Chunks from which on that matters."""


def most(weights: Mapping[int, float]) -> float:
    """Return the score that a chunk comes near to when it and its document have all terms of a question, very often."""
    return (K1 + 1) * (1 + ABOVE) * sum(weights.values())


def rarity(asked: Mapping[int, float], found: Mapping[int, int], total: int) -> dict[int, float]:
    """Return what the terms of a question weigh, those that are worth looking for.

    Args:
        asked: the weights that the question gives them.
        found: how many chunks have each.
        total: how many chunks there are.

    """
    there = {term: count for term in asked if (count := found.get(term, 0))}
    rare = {term for term, count in there.items() if total < MANY or count <= total * COMMON}
    return {
        term: asked[term] * log1p((total - count + 0.5) / (count + 0.5))
        for term, count in there.items()
        if term in rare or not rare
    }
