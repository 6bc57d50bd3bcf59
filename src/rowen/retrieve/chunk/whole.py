"""Chunker: the whole document as one chunk, for short ones such as tickets, rows and questions with their answers."""

from rowen.retrieve.chunk.base import Cut, Cutter, Span, without_blanks
from rowen.values import Document


def make(_: int, __: int) -> Cutter:
    """Return a cutter that does not cut; an embedder reads of a long document as much as it can."""

    def cut(document: Document) -> list[Cut]:
        return without_blanks(document.text, [Span(0, len(document.text))])

    return cut
