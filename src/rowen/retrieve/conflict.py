"""Sources that contradict one another: two documents that say nearly the same sentence with other figures, or its negation."""

import re
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from rowen.values import Passage
from rowen.values.words import content, sentences, words

_ALIKE = 0.6
"""Jaccard similarity of the content words, figures left out, from which two sentences are about the same."""
_NOT = frozenset(["not", "no", "never", "without", "cannot", "nicht", "kein", "keine", "ne", "pas", "non"])
_FIGURE = re.compile(r"\d")
_FEWEST = 4


class Conflict(NamedTuple):
    """Two sources, by number from 1, and what each says."""

    one: int
    other: int
    one_says: str
    other_says: str


def conflicts(passages: Sequence[Passage]) -> tuple[Conflict, ...]:
    """Return pairs of sources that differ, at most one for each pair. By rule: figures and negation, not meaning."""
    read = [[_Sentence.of(each) for each in sentences(passage.text)] for passage in passages]
    found: list[Conflict] = []
    for (one, ours), (other, theirs) in combinations(enumerate(read, 1), 2):
        if passages[one - 1].document == passages[other - 1].document:
            continue
        pair = next(((mine, yours) for mine in ours for yours in theirs if mine.contradicts(yours)), None)
        if pair:
            found.append(Conflict(one, other, pair[0].text, pair[1].text))
    return tuple(found)


class _Sentence(NamedTuple):
    text: str
    about: frozenset[str]
    figures: frozenset[str]
    denies: bool

    @classmethod
    def of(cls, text: str) -> "_Sentence":
        found = words(text)
        figures = frozenset(word for word in found if _FIGURE.search(word))
        about = frozenset(content(text)) - figures - _NOT
        return cls(text, about, figures, not _NOT.isdisjoint(found) or "n't" in text)

    def contradicts(self, other: "_Sentence") -> bool:
        if len(self.about) < _FEWEST or len(other.about) < _FEWEST:
            return False
        if len(self.about & other.about) < _ALIKE * len(self.about | other.about):
            return False
        differ = bool(self.figures) and bool(other.figures) and not (self.figures & other.figures)
        return differ or self.denies != other.denies
