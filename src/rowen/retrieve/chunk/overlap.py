"""Chunker: windows that overlap, cut where a reader would pause.

The default, since each passage is whole in one of its windows: on the judged spans of `bench/retrieval` it finds the most of
them at an equal budget, once the windows found are merged where they overlap.
"""

from collections.abc import Iterator

from rowen.retrieve.chunk.base import Cut, Cutter, Span, without_blanks
from rowen.retrieve.chunk.places import best
from rowen.values import Document


def make(size: int, overlap: int) -> Cutter:
    """Return a cutter into windows of at most `size` characters that share about `overlap` with the one before."""

    def cut(document: Document) -> list[Cut]:
        return without_blanks(document.text, windows(document.text, Span(0, len(document.text)), size, overlap))

    return cut


def windows(text: str, span: Span, size: int, overlap: int) -> Iterator[Span]:
    """Yield the windows over a piece of a text."""
    slack = max(1, size // 5)
    start = span.start
    while start < span.end:
        if span.end - start <= size:
            yield Span(start, span.end)
            return
        end = best(text, max(start, start + size - slack), start + size)
        yield Span(start, end)
        if not overlap:
            start = end
            continue
        earliest = max(start, end - overlap - slack // 2)
        start = best(text, earliest, max(earliest + 1, end - overlap + slack // 2))
