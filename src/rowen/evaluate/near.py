"""Cases that ask nearly the same: found by MinHash, and then compared in full. Plain Python.

A. Broder, "On the Resemblance and Containment of Documents" (1997). One permutation: P. Li, A. Owen & C.-H. Zhang, "One
Permutation Hashing", NIPS 2012; its empty places filled as in A. Shrivastava, "Optimal Densification for Fast and Accurate
Minwise Hashing", ICML 2017. What shares a band of the sketch is a candidate, and is near when the Jaccard similarity of its
shingles is: nothing is called near by chance, and at a similarity of 0.8 fewer than one pair in a million is missed.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import blake2b

_PLACES = 128
_ROWS = 4  # of a band: 32 bands find what is 0.8 alike with a chance of 1 - (1 - 0.8⁴)³² = 1 - 4e-8
_EMPTY = (1 << 64) - 1
_MIX = 0x9E3779B97F4A7C15
_WORDS = re.compile(r"\w+")
_CROWD = 50
"""Texts in a band beyond which each is compared with the first ones alone: they are copies of one another."""


class Groups:
    """Things that belong together, directly or by way of others."""

    def __init__(self, n: int) -> None:
        self._over = list(range(n))

    def of(self, place: int) -> int:
        """Return the group of a thing: the smallest place in it."""
        while self._over[place] != place:
            self._over[place] = self._over[self._over[place]]
            place = self._over[place]
        return place

    def join(self, one: int, other: int) -> None:
        """Let two things belong together."""
        first, second = sorted((self.of(one), self.of(other)))
        self._over[second] = first


def near(texts: Sequence[str], *, alike: float = 0.8, words: int = 3) -> list[int]:
    """Return for each text the place of the first text of its group of near duplicates.

    Args:
        texts: what to compare. Case, punctuation and the form of characters do not count.
        alike: the Jaccard similarity of shingles from which on two texts are near duplicates, 0.5 to 1.
        words: words of a shingle. Shorter texts are compared by single words.

    Raises:
        ValueError: `alike` is not in 0.5 to 1, below which the sketch would miss too many.

    """
    if not 0.5 <= alike <= 1:
        raise ValueError(f"texts can be near duplicates from 0.5 to 1 alike, not {alike}")
    groups = Groups(len(texts))
    shingled: list[frozenset[int]] = []
    copies: dict[str, int] = {}
    bands: defaultdict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        same = normal(text)
        copied = copies.setdefault(same, place)
        shingles = frozenset[int]() if copied != place else _shingles(same, words)
        shingled.append(shingles)
        if copied != place and same:
            groups.join(copied, place)
        if not shingles:
            continue
        sketch = _sketch(shingles)
        for band in range(0, _PLACES, _ROWS):
            bucket = bands[band, tuple(sketch[band : band + _ROWS])]
            for other in bucket:
                if groups.of(other) != groups.of(place) and _alike(shingles, shingled[other]) >= alike:
                    groups.join(other, place)
            if len(bucket) < _CROWD:
                bucket.append(place)
    return [groups.of(place) for place in range(len(texts))]


def normal(text: str) -> str:
    """Return a text as it is compared: its words in small letters, one space between them."""
    return " ".join(_WORDS.findall(unicodedata.normalize("NFKC", text).casefold()))


def _shingles(same: str, words: int) -> frozenset[int]:
    found = same.split()
    size = words if len(found) >= 2 * words else 1
    return frozenset(_hash(" ".join(found[at : at + size])) for at in range(max(0, len(found) - size + 1)))


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _sketch(shingles: Iterable[int]) -> list[int]:
    """Return the least hash of each place; an empty place borrows from one that a hash of it names."""
    least = [_EMPTY] * _PLACES
    for each in shingles:
        place, rest = each % _PLACES, each // _PLACES
        least[place] = min(least[place], rest)
    return [
        mine if mine != _EMPTY else next(lent for each in _lenders(place) if (lent := least[each]) != _EMPTY)
        for place, mine in enumerate(least)
    ]


@cache
def _lenders(place: int) -> tuple[int, ...]:
    """Return the places that the hashes of a place name, one after another until all are named. A short text asks for many."""
    named: dict[int, None] = {}
    tries = 0
    while len(named) < _PLACES:
        tries += 1
        mixed = (place * 0x100000001B3 + tries) * _MIX & _EMPTY
        named[(mixed >> 32) % _PLACES] = None
    return tuple(named)


def _alike(one: frozenset[int], other: frozenset[int]) -> float:
    both = len(one & other)
    return both / (len(one) + len(other) - both)
