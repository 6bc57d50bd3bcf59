"""Vectors of one scope, and which of them is nearest. Needs NumPy, so it is imported only where a cache by meaning is on."""

import numpy as np


class Nearest:
    """At most so many vectors of length 1; a new one takes the place of the oldest.

    Args:
        dimensions: numbers in a vector.
        most: vectors kept.

    """

    def __init__(self, dimensions: int, most: int) -> None:
        self._most = most
        self._rows = np.zeros((min(16, most), dimensions), dtype=np.float32)
        self._keys: list[int] = []
        self._next = 0

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: int, vector: bytes) -> int | None:
        """Take a vector under a key; return the key of the one that had to go, if one had to."""
        place, gone = self._next, None
        if place < len(self._keys):
            gone = self._keys[place]
            self._keys[place] = key
        else:
            if place == len(self._rows):
                self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])[: self._most]
            self._keys.append(key)
        self._rows[place] = np.frombuffer(vector, dtype="<f4")
        self._next = (place + 1) % self._most
        return gone

    def nearest(self, vector: bytes, most: int) -> list[tuple[int, float]]:
        """Return the keys of the nearest vectors with their cosines, the nearest first."""
        if not self._keys:
            return []
        cosines = self._rows[: len(self._keys)] @ np.frombuffer(vector, dtype="<f4")
        best = np.argsort(-cosines, kind="stable")[:most]
        return [(self._keys[place], float(cosines[place])) for place in best.tolist()]


def cosines(ours: bytes, theirs: bytes, dimensions: int) -> list[float]:
    """Return the cosine of each pair of rows."""
    one = np.frombuffer(ours, dtype="<f4").reshape(-1, dimensions)
    other = np.frombuffer(theirs, dtype="<f4").reshape(-1, dimensions)
    found: list[float] = np.einsum("ij,ij->i", one, other).tolist()
    return found
