"""How much of judged passages a chunker lets a search find, when all chunkers may show equally many characters.

The best chunks of a search are taken in their order, those that overlap counted once, until the budget is used up; what is
measured is the share of the characters of a question's gold passages among them, as in Chroma's "Evaluating Chunking
Strategies for Retrieval" (2024, https://research.trychroma.com/evaluating-chunking), at an equal budget instead of an equal
number of chunks.
"""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

BUDGET = 4000


class Place(NamedTuple):
    """A piece of one of several documents."""

    doc: str
    start: int
    end: int


class Question(NamedTuple):
    text: str
    gold: tuple[Place, ...]


def shown(ranked: Iterable[Place], budget: int = BUDGET) -> list[Place]:
    """Return what is shown of the chunks of a search: whole chunks, the last one as far as the budget goes."""
    found: list[Place] = []
    left = budget
    for chunk in ranked:
        for piece in _rest(chunk, found):
            if piece.end - piece.start >= left:
                found.append(piece._replace(end=piece.start + left))
                return found
            found.append(piece)
            left -= piece.end - piece.start
    return found


def recall(gold: Sequence[Place], found: Sequence[Place]) -> float:
    """Return the share of the gold characters that are shown."""
    total = sum(piece.end - piece.start for piece in gold)
    missed = sum(rest.end - rest.start for piece in gold for rest in _rest(piece, found))
    return 1 - missed / total


class Lexical:
    """BM25 with porter stemming over chunks, by SQLite alone."""

    def __init__(self, chunks: Sequence[tuple[Place, str]]) -> None:
        self._places = [place for place, _ in chunks]
        self._base = sqlite3.connect(":memory:")
        self._base.execute("CREATE VIRTUAL TABLE chunk USING fts5(text, tokenize = 'porter unicode61')")
        self._base.executemany("INSERT INTO chunk (rowid, text) VALUES (?, ?)", enumerate(text for _, text in chunks))

    def ranked(self, question: str, limit: int = 200) -> list[Place]:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", question))
        sql = "SELECT rowid FROM chunk WHERE chunk MATCH ? ORDER BY bm25(chunk) LIMIT ?"
        return [self._places[row] for (row,) in self._base.execute(sql, (words, limit))]

    def close(self) -> None:
        self._base.close()


def _rest(piece: Place, taken: Sequence[Place]) -> list[Place]:
    """Return what of a piece is in none of the others."""
    rest = [piece]
    for other in taken:
        if other.doc != piece.doc:
            continue
        rest = [
            part
            for each in rest
            for part in (
                each._replace(end=min(each.end, max(each.start, other.start))),
                each._replace(start=max(each.start, min(each.end, other.end))),
            )
            if part.end > part.start
        ]
    return rest
