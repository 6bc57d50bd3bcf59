"""What a text is found by: words, each told by a number, and how often each occurs.

A word in Latin letters is its English stem, or its triples of letters where the text is in another language; names in code
count as a whole and by their parts (`readFile`, `read_file`: read, file). Scripts without spaces give pairs of
letters, and other scripts triples, whatever the language is said to be. The three kinds never meet: a pair is no
word, so texts in several languages stand in one index.

A term is the CRC-32 of its letters: no dictionary has to be kept in step with the index. Among 200,000 terms five pairs
share a number, which adds noise to their rank and nothing else.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple
from zlib import crc32

from rowen.store.analyse.language import COMMON, reads_as_english
from rowen.store.analyse.porter import stem
from rowen.values import Mistaken

ANALYSERS = ("auto", "english", "code", "trigrams", "words")
"""`auto` follows the document; `words` leaves words as they are."""

Way = Literal["english", "code", "trigrams", "words"]

# Han, kana, Hangul and the scripts of South-East Asia: letters that stand without spaces, or whose words take endings
# that no space sets apart.
_DENSE = "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"[{_DENSE}]+|[^\W{_DENSE}]+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_LATIN = re.compile(r"[0-9A-Za-z\u00c0-\u024f\u1e00-\u1eff_]+\Z")
_COMMON = 0.25
_LONGEST = 64  # letters of a word: longer runs are keys, hashes and packed data


class Bag(NamedTuple):
    """The terms of a text in ascending order, and how often each occurs (at most 255)."""

    terms: list[int]
    counts: list[int]


def way_of(text: str, *, analyser: str = "auto", kind: str = "", language: str = "") -> Way:
    """Return how the words of a document are made, for all of its chunks.

    Args:
        text: of the whole document.
        analyser: one of `ANALYSERS`.
        kind: of the document; `code` splits names.
        language: of the document, empty when not known.

    Raises:
        Mistaken: `config_invalid` for an analyser that is not there.

    """
    match analyser:
        case "auto":
            return "code" if kind == "code" or reads_as_english(text, language) else "trigrams"
        case "english" | "code" | "trigrams" | "words":
            return analyser
        case _:
            message = f'there is no analyser "{analyser}"; there are {", ".join(ANALYSERS)}'
            raise Mistaken("config_invalid", message, place="analyser")


def bag(text: str, way: Way) -> Bag:
    """Return the terms of a text: of a chunk with its context."""
    found: list[int] = []
    for run in _RUN.findall(text):
        found += _terms(run, way) if len(run) <= _LONGEST else _terms(run[:_LONGEST], way)
    counts = Counter(found)
    terms = sorted(counts)
    return Bag(terms, [min(255, counts[term]) for term in terms])


def asked(question: str, *, analyser: str = "auto") -> Mapping[int, float]:
    """Return the terms that a question asks for, each with its weight: 1 for a word, shared among the triples of one.

    "What", "how" and "the" are rare in code and common in talk, so rarity alone misjudges them: they weigh a quarter.

    Raises:
        Mistaken: `config_invalid` for an analyser that is not there.

    """
    # The documents may be in any language, so with `auto` a question is read in every way.
    ways: tuple[Way, ...] = ("code", "trigrams") if analyser == "auto" else (way_of("", analyser=analyser),)
    weights: dict[int, float] = {}
    for run in _RUN.findall(question):
        wanted: dict[int, float] = {}
        for way in ways:
            terms = _terms(run[:_LONGEST], way)
            share = 1.0 if way != "trigrams" or _dense(run) else min(1.0, 2.0 / len(terms)) if terms else 0.0
            wanted |= dict.fromkeys(terms, share)
        weight = _COMMON if run.lower() in COMMON else 1.0
        for term, share in wanted.items():
            weights[term] = weights.get(term, 0.0) + weight * share
    return weights


def _dense(run: str) -> bool:
    return re.match(f"[{_DENSE}]", run) is not None


@lru_cache(maxsize=200_000)
def _terms(run: str, way: Way) -> tuple[int, ...]:
    return tuple(crc32(word.encode("utf-8", "surrogatepass")) for word in _words(run, way))


def _words(run: str, way: Way) -> Iterator[str]:
    if _dense(run):
        pairs = [run[at : at + 2] for at in range(max(1, len(run) - 1))]
        yield from pairs
        return
    plain = _plain(run)
    if way == "trigrams" or not _LATIN.match(run):
        for word in plain.split("_"):
            marked = f"^{word}"
            yield from (f"3{marked[at : at + 3]}" for at in range(max(1, len(marked) - 2)) if word)
        return
    if way == "words":
        yield from filter(None, plain.split("_"))
        return
    parts = [_plain(part) for part in _PART.findall(run)] if way == "code" else []
    whole = [word for word in plain.split("_") if word]
    yield from map(stem, whole)
    if len(parts) > 1:
        # `file2` is not two names: only letters that change their case or a line between them set parts apart.
        names = [part for part in parts if not part.isdigit()]
        if len(names) > 1:
            yield from (stem(part) for part in names if part not in whole)
        if len(whole) > 1:
            yield stem("".join(whole))


def _plain(word: str) -> str:
    if word.isascii():
        return word.lower()
    marked = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in marked if not unicodedata.combining(letter))
