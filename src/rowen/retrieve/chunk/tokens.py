"""Chunker: as `structure`, but sized in tokens (o200k), for models that are paid or limited by them."""

from rowen.retrieve.chunk.base import Cut, Cutter
from rowen.retrieve.chunk.splitter import by_tokens, cut_with
from rowen.values import Document


def make(size: int, overlap: int) -> Cutter:
    """Return a cutter into pieces of at most `size` tokens."""

    def cut(document: Document) -> list[Cut]:
        return cut_with(by_tokens(document, size, overlap), document.text)

    return cut
