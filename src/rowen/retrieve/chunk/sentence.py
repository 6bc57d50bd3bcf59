"""Chunker: whole sentences, as many as fit."""

from rowen.retrieve.chunk.base import Cut, Cutter, Span, without_blanks
from rowen.retrieve.chunk.places import SENTENCE, merged, pieces
from rowen.retrieve.chunk.recursive import split
from rowen.values import Document


def make(size: int, overlap: int) -> Cutter:
    """Return a cutter into whole sentences up to `size` characters; a longer sentence is cut between words."""

    def cut(document: Document) -> list[Cut]:
        text = document.text
        sentences = pieces(text, Span(0, len(text)), SENTENCE)
        parts = [part for sentence in sentences for part in split(text, sentence, size)]
        return without_blanks(text, merged(parts, size, overlap))

    return cut
