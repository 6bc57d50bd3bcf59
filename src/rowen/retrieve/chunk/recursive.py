"""Chunker: by paragraph; what is too long by line, then by sentence, by word; small neighbours are put together."""

from collections.abc import Iterator

from rowen.retrieve.chunk.base import Cut, Cutter, Span, without_blanks
from rowen.retrieve.chunk.places import LINE, PARAGRAPH, SENTENCE, WORD, best, merged, pieces
from rowen.values import Document

_LEVELS = (PARAGRAPH, LINE, SENTENCE, WORD)


def make(size: int, overlap: int) -> Cutter:
    """Return a cutter into pieces of at most `size` characters; whole paragraphs, sentences or words overlap."""

    def cut(document: Document) -> list[Cut]:
        text = document.text
        return without_blanks(text, merged(list(split(text, Span(0, len(text)), size)), size, overlap))

    return cut


def split(text: str, span: Span, size: int, level: int = 0) -> Iterator[Span]:
    """Yield a piece of a text in pieces of at most `size` characters, each as large a unit as fits."""
    if span.end - span.start <= size:
        if span.end > span.start:
            yield span
        return
    if level == len(_LEVELS):
        start = span.start
        while span.end - start > size:
            end = best(text, start, start + size)
            yield Span(start, end)
            start = end
        yield Span(start, span.end)
        return
    for piece in pieces(text, span, _LEVELS[level]):
        yield from split(text, piece, size, level + 1)
