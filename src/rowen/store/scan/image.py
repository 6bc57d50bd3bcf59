"""A build as arrays: a large part, and small ones of what changed since. A change makes a new image; searches keep theirs."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rowen.store.knowledge import Hit
from rowen.store.scan.base import Allowed, Lot, Shape
from rowen.store.scan.numbers import Floats, unpacked
from rowen.store.scan.part import Part, part_of
from rowen.store.scan.postings import Mask, weighed
from rowen.store.scan.rarity import most

_PARTS = 8  # small parts that are searched one after the other before they are joined
_STALE = 0.25  # share of rows outside the large part, or gone from it, from which it is worth making again


class Piece(NamedTuple):
    """A part, and which of its rows are still there."""

    part: Part
    alive: Mask


class Image:
    """What a build held at one moment.

    Args:
        pieces: the large part first.
        shape: how vectors are stored.
        seen: the number of the last change that is in it.

    """

    def __init__(self, pieces: Sequence[Piece], shape: Shape, seen: int) -> None:
        self.pieces = tuple(pieces)
        self.shape = shape
        self.seen = seen

    @property
    def small(self) -> list[int]:
        """The documents outside the large part that are still there: what a joined small part is made of."""
        found = [piece.part.arrays.documents[piece.alive] for piece in self.pieces[1:]]
        return np.unique(np.concatenate(found)).tolist() if found else []

    @property
    def crowded(self) -> bool:
        """Whether its small parts should be joined."""
        return len(self.pieces) > _PARTS

    @property
    def stale(self) -> bool:
        """Whether its large part should be made again."""
        first, *rest = self.pieces
        outside = sum(len(piece.part) for piece in rest) + int(np.count_nonzero(~first.alive))
        return outside > 2_000 + _STALE * len(first.part)

    def changed(self, documents: Sequence[int], lot: Lot, seen: int, *, join: bool = False) -> "Image":
        """Return the image after documents changed or went; `lot` is what is there of them, and of `small` if joined."""
        gone = np.asarray(documents, np.int64)
        kept = self.pieces[:1] if join else self.pieces
        pieces = [
            Piece(piece.part, piece.alive & ~np.isin(piece.part.arrays.documents, gone)) if len(gone) else piece
            for piece in kept
        ]
        pieces[1:] = [piece for piece in pieces[1:] if piece.alive.any()]
        part = part_of(lot, self.shape)
        if len(part):
            pieces.append(Piece(part, np.ones(len(part), np.bool_)))
        return Image(pieces, self.shape, seen)

    def dense(self, question: bytes, may: Allowed, limit: int) -> list[Hit]:
        """Return the nearest chunks by cosine, best first."""
        vector: Floats = np.frombuffer(question, "<f4")
        if not self.shape.dimensions or len(vector) != self.shape.dimensions or limit < 1:
            return []
        found = [
            (piece.part.arrays.numbers[near.rows], near.scores)
            for piece in self.pieces
            for near in [piece.part.dense(vector, may, piece.alive, limit)]
        ]
        return _merged(found, limit, 1.0)

    def lexical(self, asked: Mapping[int, float], may: Allowed, limit: int) -> list[Hit]:
        """Return the chunks that fit the terms best, best first."""
        if limit < 1:
            return []
        wanted = weighed([(piece.part.arrays.postings, piece.part.whose, piece.alive) for piece in self.pieces], asked)
        found = [
            (piece.part.arrays.numbers[near.rows], near.scores)
            for piece in self.pieces
            for near in [piece.part.lexical(wanted, may, piece.alive, limit)]
        ]
        return _merged(found, limit, most(wanted.weights))

    def vectors(self, chunks: Sequence[int]) -> dict[int, bytes]:
        """Return the vectors of chunks as float32; of those that are there."""
        wanted = np.asarray(chunks, np.int64)
        found: dict[int, bytes] = {}
        if self.shape.dimensions:
            for part, alive in self.pieces:
                rows = np.flatnonzero(np.isin(part.arrays.numbers, wanted) & alive)
                vectors = unpacked(part.arrays.vectors[rows], part.shape)
                numbers = part.arrays.numbers[rows].tolist()
                found |= {number: vector.tobytes() for number, vector in zip(numbers, vectors, strict=True)}
        return found


def image_of(lot: Lot, shape: Shape, seen: int, vectors: npt.NDArray[np.uint8] | None = None) -> Image:
    """Return the image of a whole build."""
    return whole(part_of(lot, shape, vectors), shape, seen)


def whole(part: Part, shape: Shape, seen: int) -> Image:
    """Return the image that has one part."""
    return Image([Piece(part, np.ones(len(part), np.bool_))], shape, seen)


def _merged(found: Sequence[tuple[npt.NDArray[np.int64], Floats]], limit: int, highest: float) -> list[Hit]:
    numbers = np.concatenate([each for each, _ in found])
    scores = np.concatenate([each for _, each in found])
    best = np.lexsort((numbers, -scores))[:limit]
    return [Hit(int(number), float(score), highest) for number, score in zip(numbers[best], scores[best], strict=True)]
