"""Words and sentences of a text, as scorers and citations see them."""

import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+|(?<=[。！？])")

STOP = frozenset(
    [
        "a",
        "about",
        "above",
        "after",
        "again",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "being",
        "below",
        "between",
        "both",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "doing",
        "down",
        "during",
        "each",
        "few",
        "for",
        "from",
        "further",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "hers",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "itself",
        "just",
        "me",
        "more",
        "most",
        "my",
        "no",
        "nor",
        "not",
        "now",
        "of",
        "off",
        "on",
        "once",
        "only",
        "or",
        "other",
        "our",
        "out",
        "over",
        "own",
        "same",
        "she",
        "should",
        "so",
        "some",
        "such",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "too",
        "under",
        "until",
        "up",
        "very",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
        "yes",
    ]
)
"""English words that say little of what a sentence is about."""


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def content(text: str) -> list[str]:
    """Return the words of a text that carry its meaning."""
    return [word for word in words(text) if word not in STOP]


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, by its end marks and lines; abbreviations may split one."""
    return [found for part in _END.split(text) if part and (found := part.strip())]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return where each sentence begins and ends, without the space around it; the same ones as `sentences`."""
    spans: list[tuple[int, int]] = []
    start = 0
    for end, after in [*((found.start(), found.end()) for found in _END.finditer(text)), (len(text), len(text))]:
        part = text[start:end]
        bare = part.strip()
        if bare:
            begins = start + len(part) - len(part.lstrip())
            spans.append((begins, begins + len(bare)))
        start = after
    return spans


def ngrams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    """Return how often each run of `n` tokens is there."""
    return Counter(tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1))
