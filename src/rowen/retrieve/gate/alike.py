"""Which documents say the same, by sketches of them: A. Broder, "On the resemblance and containment of documents" (1997).

A sketch is the smallest hashes of a document's runs of words. Of two sketches the smallest hashes of both together are a
random sample of the runs of both documents, and the share that is in both sketches estimates their resemblance.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from heapq import nsmallest
from typing import NamedTuple

from rowen.values import Value

SIZE = 128
"""Hashes of a sketch: the error of an estimate is about 1/√128, 9 points."""
_RUN = 5  # words
_LETTERS = 9  # of a run in writing without spaces
_WORD = re.compile(r"\w+")
_LONG = 12  # mean letters of a "word" from where on it is taken for a sentence without spaces
_FEW = 4  # hashes that two sketches must share before they are compared
_EVERYWHERE = 200  # documents that hold a hash from where on it tells nothing: a footer, a licence


class Print(Value, frozen=True, kw_only=True):
    """What tells whether another document says the same."""

    document: str
    uri: str
    text: str
    """SHA-256 of the words, without their spacing and case."""
    sketch: tuple[int, ...] = ()
    access: tuple[str, ...] = ()


class Near(NamedTuple):
    """A document that says nearly the same, and how much of both is in both."""

    uri: str
    resemblance: float


class Alike:
    """The prints of a collection."""

    def __init__(self, prints: Iterable[Print] = ()) -> None:
        self._prints: dict[str, Print] = {}
        self._texts: defaultdict[str, set[str]] = defaultdict(set)
        self._holding: defaultdict[int, set[str]] = defaultdict(set)
        for each in prints:
            self.add(each)

    def add(self, new: Print) -> None:
        """Add a document's print, in place of an earlier one."""
        self.remove(new.document)
        self._prints[new.document] = new
        self._texts[new.text].add(new.document)
        for each in new.sketch:
            self._holding[each].add(new.document)

    def remove(self, document: str) -> None:
        """Remove a document's print."""
        old = self._prints.pop(document, None)
        if old is not None:
            self._texts[old.text].discard(document)
            for each in old.sketch:
                self._holding[each].discard(document)

    def same(self, new: Print) -> Print | None:
        """Return another document with the same words that the same readers may read."""
        found = (self._prints[id] for id in sorted(self._texts.get(new.text, ())) if id != new.document)
        return next((each for each in found if set(each.access) == set(new.access)), None)

    def near(self, new: Print, least: float) -> Near | None:
        """Return the document that says most of the same, if it is at least so much."""
        shared: Counter[str] = Counter()
        for each in new.sketch:
            holding = self._holding.get(each, ())
            if len(holding) <= _EVERYWHERE:
                shared.update(holding)
        del shared[new.document]
        best: Near | None = None
        for id, times in shared.items():
            if times >= min(_FEW, len(new.sketch)):
                found = Near(self._prints[id].uri, resemblance(new.sketch, self._prints[id].sketch))
                if found.resemblance >= least and (best is None or found > best):
                    best = found
        return best


def print_of(document: str, uri: str, text: str, access: tuple[str, ...] = ()) -> Print:
    """Return a document's print."""
    words = _WORD.findall(text.lower())
    whole = hashlib.sha256(" ".join(words).encode("utf-8", "replace")).hexdigest()
    hashes = {
        int.from_bytes(hashlib.blake2b(run.encode("utf-8", "replace"), digest_size=8).digest(), "big") >> 1
        for run in _runs(words)
    }
    return Print(document=document, uri=uri, text=whole, sketch=tuple(nsmallest(SIZE, hashes)), access=access)


def resemblance(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Return the share of the runs of two documents that both have, estimated from their sketches."""
    if not one or not other:
        return 0.0
    both = set(one) & set(other)
    sample = nsmallest(min(SIZE, max(len(one), len(other))), set(one) | set(other))
    return sum(each in both for each in sample) / len(sample)


def _runs(words: list[str]) -> Iterator[str]:
    if words and sum(map(len, words)) > _LONG * len(words):
        text = "".join(words)
        yield from (text[at : at + _LETTERS] for at in range(max(1, len(text) - _LETTERS + 1)))
    elif len(words) < _RUN:
        yield from words
    else:
        yield from (" ".join(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1))
