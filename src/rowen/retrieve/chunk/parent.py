"""Chunker: small pieces are searched, and the larger ones that they lie in are read."""

import itertools
from collections.abc import Iterator

from rowen.retrieve.chunk.base import Cut, Cutter, Span
from rowen.retrieve.chunk.overlap import windows
from rowen.retrieve.chunk.places import merged
from rowen.retrieve.chunk.recursive import split
from rowen.values import Document

_TIMES = 4
"""How many times as large as a child a parent may be: at 800 characters about a page."""


def make(size: int, overlap: int) -> Cutter:
    """Return a cutter into windows of `size` characters, each with its parent: a section, or a part of one that is long."""

    def cut(document: Document) -> list[Cut]:
        text = document.text
        return [
            Cut(child.start, child.end, parent)
            for parent in parents(document, size * _TIMES)
            for child in windows(text, parent, size, overlap)
            if not text[child.start : child.end].isspace()
        ]

    return cut


def parents(document: Document, size: int) -> Iterator[Span]:
    """Yield the sections of a document side by side, small neighbours put together, long ones cut."""
    text = document.text
    edges = sorted({0, len(text), *(section.start for section in document.sections)})
    between = [Span(start, end) for start, end in itertools.pairwise(edges)]
    parts = [part for section in between for part in split(text, section, size)]
    yield from merged(parts, size, 0)
