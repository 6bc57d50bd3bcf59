"""Vectors as they are stored, and the nearest of them.

`float32` and `float16` are plain, and searched exactly; `int8` has a scale of its own for each vector, behind it; `binary`
keeps the signs. The last two are searched by differing signs first, which reads an eighth or less of what the numbers take,
and by the question's own numbers among the best of these.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rowen.store.scan.base import Shape

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

_BLOCK = 8_192  # rows turned into float32 at once: 12 MB at 384 dimensions
_WIDER = 16  # candidates by differing signs for each that is wanted
_LEAST = 1_000  # but no fewer than these, which cost nothing


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


def signs(stored: npt.NDArray[np.uint8], shape: Shape) -> npt.NDArray[np.uint8] | None:
    """Return the signs of stored vectors, 8 in a byte, where they are searched by them first."""
    if shape.storage == "binary":
        return stored
    if shape.storage == "int8":
        return np.packbits(stored[:, : shape.dimensions].view(np.int8) > 0, axis=1)
    return None


def nearest(
    stored: npt.NDArray[np.uint8],
    shape: Shape,
    question: Floats,
    *,
    rows: Places | None,
    limit: int,
    bits: npt.NDArray[np.uint8] | None = None,
) -> Nearest:
    """Return the `limit` nearest rows; of all, or of those given."""
    if bits is not None:
        rows = _by_bits(bits, question, rows, max(_LEAST, limit * _WIDER))
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


def _by_bits(bits: npt.NDArray[np.uint8], question: Floats, rows: Places | None, limit: int) -> Places | None:
    among = bits if rows is None else bits[rows]
    if len(among) <= limit:
        return rows
    asked = np.packbits(question > 0)
    word = next(size for size in (8, 4, 2, 1) if bits.shape[1] % size == 0)
    differing = np.bitwise_count(among.view(f"<u{word}") ^ asked.view(f"<u{word}")).sum(axis=1, dtype=np.int32)
    near: Places = np.argpartition(differing, limit)[:limit]
    return near if rows is None else rows[near]
