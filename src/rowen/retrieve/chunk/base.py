"""What cuts a document."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from rowen.values import Document


class Span(NamedTuple):
    """A piece of a text: `text[start:end]`."""

    start: int
    end: int


class Cut(NamedTuple):
    """A piece, and the larger one that is shown in its stead where there is one."""

    start: int
    end: int
    parent: Span | None = None


class Cutter(Protocol):
    """Cuts a document. Pure: the same document is always cut alike.

    Its pieces are in the order of their starts, none is empty, and each character that is no white space is in one.
    """

    def __call__(self, document: Document) -> Sequence[Cut]: ...


def without_blanks(text: str, spans: Iterable[Span]) -> list[Cut]:
    """Return pieces as a cutter gives them, without those that are white space alone."""
    return [Cut(start, end) for start, end in spans if end > start and not text[start:end].isspace()]
