"""Chunker: along the structure of Markdown, code (where its grammar is installed) or plain text, sized in characters."""

from rowen.retrieve.chunk.base import Cut, Cutter
from rowen.retrieve.chunk.splitter import by_characters, cut_with
from rowen.values import Document


def make(size: int, overlap: int) -> Cutter:
    """Return a cutter into pieces of at most `size` characters."""

    def cut(document: Document) -> list[Cut]:
        return cut_with(by_characters(document, size, overlap), document.text)

    return cut
