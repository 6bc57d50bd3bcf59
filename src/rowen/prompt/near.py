"""Rows that are near a vector and unlike one another. Needs NumPy, so it is imported only where examples are chosen."""

from collections.abc import Collection, Sequence

import numpy as np

_LOOKED_AT = 50
"""Rows among which variety is looked for: those further away are no examples of the question."""


class Rows:
    """Vectors of length 1, float32, all of one size."""

    def __init__(self, rows: Sequence[bytes]) -> None:
        self._matrix = np.frombuffer(b"".join(rows), dtype=np.float32).reshape(len(rows), -1)

    def nearest(
        self, query: bytes, *, top: int, variety: float, least: float, without: Collection[int] = ()
    ) -> list[tuple[int, float]]:
        """Return places and cosines of rows in the order in which they are chosen by maximal marginal relevance.

        Args:
            query: a vector of length 1.
            top: how many at most.
            variety: what being like one that was chosen takes off, 0 to 1; 0 is the order of the cosines.
            least: cosine below which a row is not chosen.
            without: places that are not chosen.

        """
        cosines = self._matrix @ np.frombuffer(query, dtype=np.float32)
        cosines[list(without)] = -2.0
        # Equal ones in their order, on whatever machine.
        order = np.argsort(-cosines, kind="stable")[:_LOOKED_AT]
        order = order[cosines[order] >= least]
        near = self._matrix[order]
        gain = (1 - variety) * cosines[order]
        worst = np.zeros(len(order), dtype=np.float32)
        chosen: list[tuple[int, float]] = []
        left = np.ones(len(order), dtype=bool)
        while left.any() and len(chosen) < top:
            worth = np.where(left, gain - variety * worst, -np.inf)
            best = int(np.argmax(worth))
            left[best] = False
            chosen.append((int(order[best]), float(cosines[order[best]])))
            worst = np.maximum(worst, near @ near[best])
        return chosen
