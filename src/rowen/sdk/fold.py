"""The pieces of a stream as one output, of bounded size."""

from collections.abc import Callable
from typing import Any

from rowen.sdk.capture import plain_of

PIECES = 4096


class Fold:
    """Keeps pieces until there are too many, and counts the rest.

    Args:
        limit: characters to keep.
        whole: whether pieces are kept as they are, for somebody's own fold, or as what JSON can say of them.

    """

    __slots__ = ("_left", "_whole", "limit", "more", "pieces", "texts")

    def __init__(self, limit: int, *, whole: bool = False) -> None:
        self._whole = whole
        self.texts = True
        """Whether all pieces are texts."""
        self.pieces: list[Any] = []
        self.more = 0
        self.limit = self._left = limit

    @property
    def empty(self) -> bool:
        """Whether nothing has come yet."""
        return not self.pieces and not self.more

    def add(self, piece: Any) -> None:
        """Keep a piece."""
        if self._left <= 0 or len(self.pieces) >= PIECES:
            self.more += 1
            return
        if isinstance(piece, str):
            self._left -= len(piece)
        else:
            self.texts = False
            if not self._whole:
                piece = plain_of(piece, self._left)  # now: it may change, and may hold much
            self._left -= len(piece) if isinstance(piece, str | bytes) else 16
        self.pieces.append(piece)


def folded(fold: Fold, by: Callable[[list[Any]], Any] | None) -> Any:
    """Return the output: what `by` makes of the pieces, texts joined, or the list of them."""
    if by is not None:
        try:
            return by(fold.pieces)
        except Exception as error:  # noqa: BLE001 - a fold of somebody else must not break their stream
            return f"<{len(fold.pieces) + fold.more} pieces, which could not be folded: {type(error).__name__}>"
    if fold.texts:
        text = "".join(fold.pieces)
        return f"{text[: fold.limit - 40]}… ({fold.more} more pieces)" if fold.more else text
    return [*fold.pieces, f"… {fold.more} more"] if fold.more else fold.pieces
