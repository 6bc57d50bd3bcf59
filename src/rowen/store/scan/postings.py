"""Which rows have a term, and how often: BM25 over arrays, as `rarity` weighs terms.

SQLite's own full text took 44 ms at 100,000 chunks for a question without its stop words, and
191 ms with them; this takes 1 to 3 ms, filters first, and counts only what is still there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rowen.store.scan.rarity import ABOVE, K1, B, rarity

Mask = npt.NDArray[np.bool_]


class Postings(NamedTuple):
    """The terms of some rows. `rows[starts[i]:starts[i + 1]]` have `terms[i]`, as often as `counts` says."""

    terms: npt.NDArray[np.uint32]
    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    counts: npt.NDArray[np.uint8]
    lengths: npt.NDArray[np.int32]
    """Of each row, in terms."""

    def places(self, asked: Iterable[int]) -> dict[int, slice]:
        """Return where the rows of terms stand; of those that any row has."""
        wanted = np.fromiter(asked, np.uint32)
        if not len(wanted) or not len(self.terms):
            return {}
        at = np.minimum(np.searchsorted(self.terms, wanted), len(self.terms) - 1)
        there = self.terms[at] == wanted
        found = zip(wanted[there].tolist(), self.starts[at[there]], self.starts[at[there] + 1], strict=True)
        return {term: slice(int(start), int(end)) for term, start, end in found}


def gathered(terms: bytes, counts: bytes, sizes: Sequence[int]) -> Postings:
    """Return the postings of rows whose terms and counts follow one another; `sizes` says how many each has."""
    every = np.frombuffer(terms, "<u4")
    often = np.frombuffer(counts, np.uint8)
    many = np.asarray(sizes, np.int64)
    rows = np.repeat(np.arange(len(many), dtype=np.int32), many)
    lengths = np.bincount(rows, weights=often, minlength=len(many)).astype(np.int32)
    order = np.argsort(every, kind="stable")
    every = every[order]
    first = np.flatnonzero(np.concatenate(([True], every[1:] != every[:-1]))) if len(every) else np.zeros(0, np.int64)
    return Postings(
        every[first].astype(np.uint32),
        np.append(first, len(every)).astype(np.int64),
        rows[order],
        often[order],
        lengths,
    )


class Wanted(NamedTuple):
    """What a question weighs: the terms that are worth looking for, and the mean lengths of a row and of a document."""

    weights: Mapping[int, float]
    mean: float
    mean_above: float


class Whose(NamedTuple):
    """Which document each row belongs to, numbered from 0, and the length of each document in terms."""

    places: npt.NDArray[np.intp]
    lengths: npt.NDArray[np.float32]


def weighed(parts: Sequence[tuple[Postings, Whose, Mask]], asked: Mapping[int, float]) -> Wanted:
    """Return the terms' weights by how rare they are among the rows that are still there."""
    total = sum(int(np.count_nonzero(alive)) for _, _, alive in parts)
    if not total:
        return Wanted({}, 1.0, 1.0)
    length = sum(int(each.lengths[alive].sum(dtype=np.int64)) for each, _, alive in parts)
    documents = sum(len(whose.lengths) for _, whose, _ in parts)
    found = dict.fromkeys(asked, 0)
    for each, _, alive in parts:
        whole = bool(alive.all())
        for term, place in each.places(asked).items():
            found[term] += place.stop - place.start if whole else int(np.count_nonzero(alive[each.rows[place]]))
    return Wanted(rarity(asked, found, total), max(1.0, length / total), max(1.0, length / documents))


def scored(postings: Postings, whose: Whose, wanted: Wanted) -> npt.NDArray[np.float32]:
    """Return the BM25 of each row, with a part of its document's, and 0 where it has none of the terms itself."""
    scores = np.zeros(len(postings.lengths), np.float32)
    above = np.zeros(len(whose.lengths), np.float32)
    document = K1 * (1 - B) + (K1 * B / wanted.mean_above) * whose.lengths
    for term, place in postings.places(wanted.weights).items():
        weight = wanted.weights[term]
        rows, often = postings.rows[place], postings.counts[place].astype(np.float32)
        damped = (K1 * B / wanted.mean) * postings.lengths[rows].astype(np.float32) + K1 * (1 - B)
        scores[rows] += weight * (K1 + 1) * often / (often + damped)
        together = np.bincount(whose.places[rows], weights=often, minlength=len(above)).astype(np.float32)
        above += weight * (K1 + 1) * together / (together + document)
    return np.where(scores > 0, scores + ABOVE * above[whose.places], scores)
