"""A part of a build as arrays: some documents with all of their chunks. It never changes."""

from collections import OrderedDict
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from rowen.store.facts import meets
from rowen.store.scan.base import Allowed, Lot, Shape
from rowen.store.scan.numbers import EXACT, Nearest, Places, best_of, nearest, searched, signs, unpacked, width
from rowen.store.scan.postings import Mask, Postings, Wanted, Whose, gathered, scored
from rowen.values import Condition

_KEPT = 16  # masks of filters that are kept, each a byte a row
_FEW = 0.3  # below this share of the rows, picking them out costs less than looking at all


class Arrays(NamedTuple):
    """The rows of a part."""

    numbers: npt.NDArray[np.int64]
    documents: npt.NDArray[np.int64]
    """The number of each row's document."""
    vectors: npt.NDArray[np.uint8]
    """As they are stored, one a row."""
    postings: Postings


class Part:
    """Rows that are searched together.

    Args:
        arrays: the rows.
        shape: how vectors are stored.
        documents: what filters need to know of each document, by its number.
        exact: up to how many plain vectors that may be found each is looked at.

    """

    def __init__(
        self,
        arrays: Arrays,
        shape: Shape,
        documents: dict[int, tuple[tuple[str, ...], bytes]],
        *,
        exact: int = EXACT,
    ) -> None:
        self._exact = exact
        self.arrays = arrays
        self.shape = shape
        self._signs = signs(arrays.vectors, shape, exact=exact)
        numbers, self._place = np.unique(arrays.documents, return_inverse=True)
        lengths = np.bincount(self._place, weights=arrays.postings.lengths, minlength=len(numbers))
        self.whose = Whose(self._place, lengths.astype(np.float32))
        nothing: tuple[tuple[str, ...], bytes] = (("",), b"{}")  # of a document that went meanwhile
        known = [documents.get(number, nothing) for number in numbers.tolist()]
        self._lists = list(dict.fromkeys(access for access, _ in known))
        places = {access: at for at, access in enumerate(self._lists)}
        self._access = np.asarray([places[access] for access, _ in known], np.int32)
        self._written = [facts for _, facts in known]
        self._facts: list[dict[str, Any]] | None = None
        self._masks: OrderedDict[Any, Mask] = OrderedDict()

    def __len__(self) -> int:
        return len(self.arrays.numbers)

    def dense(self, question: npt.NDArray[np.float32], may: Allowed, alive: Mask, limit: int) -> Nearest:
        """Return the nearest rows among those that may be found."""
        mask = self._mask(may, alive)
        count = int(np.count_nonzero(mask))
        if not count or not self.shape.dimensions:
            return Nearest(np.zeros(0, np.intp), np.zeros(0, np.float32))
        plain = self.shape.storage == "float32"
        bits = None if plain and count <= self._exact else self._signs
        if count == len(mask):
            return nearest(self.arrays.vectors, self.shape, question, rows=None, limit=limit, bits=bits)
        if count < len(mask) * _FEW or bits is not None or not plain:
            rows = np.flatnonzero(mask)
            return nearest(self.arrays.vectors, self.shape, question, rows=rows, limit=limit, bits=bits)
        scores = np.where(mask, self.arrays.vectors.view("<f4") @ question, np.float32(-2))
        best = best_of(scores, min(limit, count))
        return Nearest(best, scores[best])

    def lexical(self, wanted: Wanted, may: Allowed, alive: Mask, limit: int) -> Nearest:
        """Return the rows that fit best among those that may be found and have any of the terms."""
        scores = scored(self.arrays.postings, self.whose, wanted)
        rows: Places = np.flatnonzero((scores > 0) & self._mask(may, alive))
        best = best_of(scores[rows], limit)
        return Nearest(rows[best], scores[rows[best]])

    def _mask(self, may: Allowed, alive: Mask) -> Mask:
        if may.groups is None and not may.where:
            return alive
        mask = self._masks.get(key := may.key)
        if mask is None:
            documents = np.ones(len(self._written), np.bool_)
            if may.groups is not None:
                open_to = [not access or not may.groups.isdisjoint(access) for access in self._lists]
                documents &= np.asarray(open_to, np.bool_)[self._access]
            for condition in may.where:
                documents &= self._meeting(condition)
            mask = self._masks[key] = documents[self._place]
            while len(self._masks) > _KEPT:
                self._masks.popitem(last=False)
        return mask & alive

    def _meeting(self, condition: Condition) -> Mask:
        if self._facts is None:
            decoder = msgspec.json.Decoder(dict[str, Any])
            self._facts = [decoder.decode(facts) for facts in self._written]
        return np.fromiter((meets(facts, condition) for facts in self._facts), np.bool_, len(self._facts))


def part_of(lot: Lot, shape: Shape, vectors: npt.NDArray[np.uint8] | None = None) -> Part:
    """Return the part that some rows are; their vectors, as `searched` says, go to `vectors` when it is given."""
    held_as = searched(shape)
    wide = width(held_as)
    if vectors is None:
        vectors = np.empty((lot.size, wide), np.uint8)
    numbers, documents, sizes = np.empty(lot.size, np.int64), np.empty(lot.size, np.int64), []
    terms, counts = bytearray(), bytearray()
    held = 0
    for row in lot.rows:
        numbers[held], documents[held] = row.number, row.document
        if wide:
            stored = np.frombuffer(row.vector, np.uint8)
            vectors[held] = stored if held_as == shape else unpacked(stored[None], shape).view(np.uint8)[0]
        sizes.append(len(row.counts))
        terms += row.terms
        counts += row.counts
        held += 1
    arrays = Arrays(numbers[:held], documents[:held], vectors[:held], gathered(bytes(terms), bytes(counts), sizes))
    return Part(arrays, held_as, {each.number: (each.access, each.facts) for each in lot.documents})
