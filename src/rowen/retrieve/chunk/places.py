"""Where a text may be cut so that a reader does not stumble: after a paragraph, a line, a sentence, a word.

White space belongs to the piece before it, so that pieces lie side by side without gaps.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from rowen.retrieve.chunk.base import Span

PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
LINE = re.compile(r"\n\s*")
SENTENCE = re.compile(r"[.!?…][\"'”’»)\]]*\s+|[。！？｡．؟۔।]+[\"'”’」』）]*\s*|\n\s*")
WORD = re.compile(r"\s+|(?<=[、，；：])")

_KINDS = (PARAGRAPH, LINE, SENTENCE, WORD)
_WINDOW = 200  # characters looked through for a boundary at once: most are found near the end


def best(text: str, low: int, high: int) -> int:
    """Return where to cut in `low < place <= high`: after the last paragraph there, else line, sentence, word.

    Where there is none of them, as in a long line of Chinese or of digits, it is `high`, moved so that no character is
    torn from its accents.
    """
    for kind in _KINDS:
        place = _last(kind, text, low, high)
        if place > low:
            return place
    return whole(text, low, high)


def whole(text: str, low: int, high: int) -> int:
    """Return the last place up to `high` that tears no character from what is joined to it; `high` where all do."""
    for place in range(high, max(low, high - _WINDOW), -1):
        if place >= len(text) or not (_joins(text[place]) or text[place - 1] == "\u200d"):
            return place
    return high


def pieces(text: str, span: Span, kind: re.Pattern[str]) -> list[Span]:
    """Return a piece of a text cut after each boundary of a kind."""
    ends = [found.end() for found in kind.finditer(text, span.start, span.end)]
    return list(_between(span, ends))


def merged(spans: Sequence[Span], size: int, overlap: int) -> list[Span]:
    """Return neighbouring pieces put together up to `size` characters, each sharing at most `overlap` with the one before.

    A piece is never taken apart, so the shared part is of whole pieces, and one larger than `size` stays alone.
    """
    found: list[Span] = []
    first = 0
    for number, span in enumerate(spans):
        if number > first and span.end - spans[first].start > size:
            found.append(Span(spans[first].start, spans[number - 1].end))
            end = spans[number - 1].end
            back = number
            while (
                back - 1 > first and end - spans[back - 1].start <= overlap and span.end - spans[back - 1].start <= size
            ):
                back -= 1
            first = back
    if spans:
        found.append(Span(spans[first].start, spans[-1].end))
    return found


def _last(kind: re.Pattern[str], text: str, low: int, high: int) -> int:
    """Return the end of the last boundary that ends in `low < end <= high`; `low` where there is none."""
    until = high
    while until > low:
        since = max(low, until - _WINDOW)
        place = low
        for found in kind.finditer(text, since, high):
            if found.end() > low:
                place = found.end()
        if place > low:
            return place
        until = since
    return low


def _joins(character: str) -> bool:
    return (
        unicodedata.combining(character) != 0
        or character in "\u200d\ufe0e\ufe0f\u20e3"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or unicodedata.category(character) in {"Mn", "Me", "Mc"}
    )


def _between(span: Span, ends: Sequence[int]) -> Iterator[Span]:
    start = span.start
    for end in (*ends, span.end):
        if end > start:
            yield Span(start, end)
            start = end
