"""What makes vectors of texts."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from rowen.values import Embeddings


class Vectors(NamedTuple):
    """The vectors of some texts in their order, each of length 1, and the tokens that were read."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int


class Embedder(Protocol):
    """A loaded embedding model. Safe to use from several threads."""

    @property
    def dimensions(self) -> int:
        """Numbers in one vector."""
        ...

    @property
    def shorter(self) -> tuple[int, ...]:
        """Lengths to which its vectors may be cut."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that it reads; 0 for no end."""
        ...

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, uncut."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors; a text over `max_tokens` is cut. Blocks while it computes."""
        ...

    def floats(self, texts: Sequence[str], dimensions: int = 0) -> Embeddings:
        """Return the vectors as float32 in one piece, cut to one of the `shorter` lengths; 0 leaves them whole."""
        ...
