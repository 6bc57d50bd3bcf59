"""What a reranker is."""

from collections.abc import Sequence
from typing import Protocol


class Rerank(Protocol):
    """Judges how well texts answer a question."""

    async def __call__(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return one score a text in their order; larger is better. Raises `Problem`."""
        ...
