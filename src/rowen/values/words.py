"""Words and sentences of a text, as scorers and citations see them."""

import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+|(?<=[。！？])")

_APART = re.compile(r"\s*(?:#|[-*+>|]\s?|\d+[.)]|```)")
"""How a line begins that is no mere continuation."""
_BROKEN = 50
"""Characters of a line from which on it may have been broken for its length."""

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
    """Return where each sentence of a document begins and ends, without the space around it.

    Unlike for `sentences`, a line that was broken for its length does not end one: the next line goes on with it, unless
    it is empty, or begins a heading, an item, a quotation or a row of a table.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    ends = [(found.start(), found.end()) for found in _END.finditer(text) if not _goes_on(text, found)]
    for end, after in [*ends, (len(text), len(text))]:
        part = text[start:end]
        bare = part.strip()
        if bare:
            begins = start + len(part) - len(part.lstrip())
            spans.append((begins, begins + len(bare)))
        start = after
    return spans


def _goes_on(text: str, found: re.Match[str]) -> bool:
    """Whether a match of `_END` is but a line broken for its length."""
    if found[0] != "\n":
        return False
    begins = text.rfind("\n", 0, found.start()) + 1
    line = text[begins : found.start()]
    following = text[found.end() : found.end() + 4].lstrip()
    return len(line) >= _BROKEN and not _APART.match(line) and bool(following) and not _APART.match(following)


def stem(word: str) -> str:
    """Return a word without the endings that grammar changes: enough to find `closes` in `closing`."""
    for ending in ("ing", "ed", "es", "s"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def ngrams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    """Return how often each run of `n` tokens is there."""
    return Counter(tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1))
