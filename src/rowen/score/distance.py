"""How far two texts are from each other: edit distance, and how much of the first was kept.

Bit-parallel with Python's long integers: texts of 10,000 characters take a tenth of a second.
"""

from collections.abc import Hashable, Sequence

from rowen.values.words import words


def edit_distance(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """Return the Levenshtein distance: the fewest insertions, deletions and replacements that turn one into the other.

    V. I. Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals" (1966), computed as in
    H. Hyyrö, "A Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit Distances", Nordic Journal of Computing
    10 (2003). Of texts, by Unicode code point.
    """
    if not one or not other:
        return len(one) + len(other)
    at = _places(one)
    everything = (1 << len(one)) - 1
    last = 1 << (len(one) - 1)
    plus, minus, distance = everything, 0, len(one)
    for item in other:
        match = at.get(item, 0)
        diagonal = ((((match & plus) + plus) ^ plus) | match | minus) & everything
        right_plus = minus | (everything & ~(diagonal | plus))
        right_minus = plus & diagonal
        distance += bool(right_plus & last) - bool(right_minus & last)
        right_plus = ((right_plus << 1) | 1) & everything
        right_minus = (right_minus << 1) & everything
        plus = right_minus | (everything & ~(diagonal | right_plus))
        minus = right_plus & diagonal
    return distance


def normalised_distance(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Return the edit distance over the longer length: 0 for equal texts, 1 for texts with nothing in common."""
    longest = max(len(one), len(other))
    return edit_distance(one, other) / longest if longest else 0.0


def common_length(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """Return the length of the longest common subsequence.

    H. Hyyrö, "Bit-parallel LCS-length computation revisited" (2004).
    """
    if not one or not other:
        return 0
    at = _places(one)
    everything = (1 << len(one)) - 1
    rest = everything
    for item in other:
        hit = rest & at.get(item, 0)
        rest = ((rest + hit) | (rest - hit)) & everything
    return len(one) - rest.bit_count()


def kept_ratio(given: str, final: str) -> float:
    """Return how much of a text is still there, in order, after somebody edited it: 0 to 1, by words.

    1 for an empty text: nothing of it was lost.
    """
    before = words(given)
    return common_length(before, words(final)) / len(before) if before else 1.0


def _places(items: Sequence[Hashable]) -> dict[Hashable, int]:
    """Return for each item the bits of the places where it stands."""
    found: dict[Hashable, int] = {}
    for place, item in enumerate(items):
        found[item] = found.get(item, 0) | 1 << place
    return found
