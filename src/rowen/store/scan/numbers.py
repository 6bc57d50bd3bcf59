"""Vectors as they are stored, and the nearest of them.

`float32` and `float16` are plain; `int8` has a scale of its own for each vector, behind it; `binary` keeps the signs. The last two,
and of the others those that are more than `EXACT`, are searched by differing signs first, which reads a thirty-second of what the numbers
take, and by the question's own numbers among the best of these. So no other index is needed, and none has to be kept up to date.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rowen.store.scan.base import Shape

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]
Signs = npt.NDArray[np.uint64]

EXACT = 200_000
"""Vectors of plain numbers: up to so many that may be found, each is looked at."""

_BLOCK = 8_192  # rows turned into float32 at once: 12 MB at 384 dimensions
_WIDER = 16  # candidates by differing signs for each that is wanted
_LEAST = 1_000  # but no fewer than these, which cost nothing
_SHARE = 50
"""And one in so many: of 169,987 real texts that held 0.99 of the ten nearest, where one in 200 held 0.96."""
_LONG = 256  # numbers from which on signs say enough


class Nearest(NamedTuple):
    """Rows and their cosines; not sorted."""

    rows: Places
    scores: Floats


def width(shape: Shape) -> int:
    """Bytes of one stored vector."""
    match shape.storage:
        case "float32":
            return 4 * shape.dimensions
        case "float16":
            return 2 * shape.dimensions
        case "int8":
            return shape.dimensions + 4
        case "binary":
            return -(-shape.dimensions // 8)


def searched(shape: Shape) -> Shape:
    """Return how vectors are held to be searched: half numbers as whole ones, since turning them takes longer than reading."""
    return Shape("float32", shape.dimensions) if shape.storage == "float16" else shape


def packed(vectors: bytes, shape: Shape) -> list[bytes]:
    """Return float32 rows as they are stored, one after the other."""
    rows: Floats = np.frombuffer(vectors, "<f4").reshape(-1, shape.dimensions)
    match shape.storage:
        case "float32":
            return [row.tobytes() for row in rows]
        case "float16":
            return [row.tobytes() for row in rows.astype("<f2")]
        case "int8":
            scales = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-12) / 127
            whole = np.rint(rows / scales).astype(np.int8)
            return [row.tobytes() + scale.tobytes() for row, scale in zip(whole, scales.astype("<f4"), strict=True)]
        case "binary":
            return [row.tobytes() for row in np.packbits(rows > 0, axis=1)]


def unpacked(stored: npt.NDArray[np.uint8], shape: Shape) -> Floats:
    """Return stored rows as float32; those of `binary` have length 1 again."""
    match shape.storage:
        case "float32":
            return stored.view("<f4")
        case "float16":
            return stored.view("<f2").astype(np.float32)
        case "int8":
            whole = stored[:, : shape.dimensions].view(np.int8).astype(np.float32)
            scales: Floats = np.ascontiguousarray(stored[:, shape.dimensions :]).view("<f4")
            return whole * scales
        case "binary":
            signs = np.unpackbits(stored, axis=1, count=shape.dimensions).astype(np.float32)
            return (signs * 2 - 1) / np.float32(np.sqrt(shape.dimensions))


def signs(stored: npt.NDArray[np.uint8], shape: Shape, *, exact: int = EXACT) -> Signs | None:
    """Return the signs of stored vectors where they are searched by them first: 64 in a word, a row of words for each 64 numbers.

    So a comparison runs along the rows and sums up as it goes, which takes a fifth of what it does vector by vector.

    Args:
        stored: the vectors.
        shape: how they are stored.
        exact: up to how many plain ones each is looked at.

    """
    match shape.storage:
        case "binary":
            bits = stored
        case "int8":
            bits = np.packbits(stored[:, : shape.dimensions].view(np.int8) > 0, axis=1)
        case _ if len(stored) > exact and shape.dimensions >= _LONG:
            numbers = (unpacked(stored[at : at + _BLOCK], shape) for at in range(0, len(stored), _BLOCK))
            bits = np.concatenate([np.packbits(each > 0, axis=1) for each in numbers])
        case _:
            return None
    return np.ascontiguousarray(_words(bits).T)


def _words(bits: npt.NDArray[np.uint8]) -> Signs:
    whole = np.zeros((len(bits), -(-bits.shape[1] // 8) * 8), np.uint8)
    whole[:, : bits.shape[1]] = bits
    return whole.view("<u8")


def nearest(
    stored: npt.NDArray[np.uint8],
    shape: Shape,
    question: Floats,
    *,
    rows: Places | None,
    limit: int,
    bits: Signs | None = None,
) -> Nearest:
    """Return the `limit` nearest rows; of all, or of those given."""
    if bits is not None:
        there = len(stored) if rows is None else len(rows)
        rows = _by_bits(bits, question, rows, max(_LEAST, limit * _WIDER, there // _SHARE))
    if rows is None:
        scores = _scores(stored, shape, question)
        best = best_of(scores, limit)
        return Nearest(best, scores[best])
    scores = np.concatenate(
        [
            unpacked(stored[rows[start : start + _BLOCK]], shape) @ question
            for start in range(0, max(1, len(rows)), _BLOCK)
        ]
    )
    best = best_of(scores, limit)
    return Nearest(rows[best], scores[best])


def best_of(scores: Floats, limit: int) -> Places:
    """Return the places of the `limit` largest, not sorted."""
    if len(scores) <= limit:
        return np.arange(len(scores))
    found: Places = np.argpartition(scores, len(scores) - limit)[-limit:]
    return found


def _scores(stored: npt.NDArray[np.uint8], shape: Shape, question: Floats) -> Floats:
    if shape.storage == "float32":
        whole: Floats = stored.view("<f4") @ question
        return whole
    scores = np.empty(len(stored), np.float32)
    for start in range(0, len(stored), _BLOCK):
        scores[start : start + _BLOCK] = unpacked(stored[start : start + _BLOCK], shape) @ question
    return scores


def _by_bits(bits: Signs, question: Floats, rows: Places | None, limit: int) -> Places | None:
    """Return some `limit` rows whose signs differ least from the question's, more where many differ as much."""
    among = bits if rows is None else bits[:, rows]
    if among.shape[1] <= limit:
        return rows
    (asked,) = _words(np.packbits(question > 0)[None])
    narrow = 64 * len(among) <= np.iinfo(np.uint16).max
    differing: npt.NDArray[np.unsignedinteger] = np.zeros(among.shape[1], np.uint16 if narrow else np.uint32)
    for words, word in zip(among, asked, strict=True):
        differing += np.bitwise_count(words ^ word)
    last = int(np.searchsorted(np.cumsum(np.bincount(differing)), limit))
    near: Places = np.flatnonzero(differing <= last)
    if len(near) > 2 * limit:  # of very many that differ as much, as many as are wanted
        nearer = np.flatnonzero(differing < last)
        near = np.concatenate([nearer, np.flatnonzero(differing == last)[: limit - len(nearer)]])
    return near if rows is None else rows[near]
