"""Porter's stemmer for English, as SQLite's FTS5 has it: a test holds the two against each other.

M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980, with its author's two later departures (`bli`,
`logi`): https://tartarus.org/martin/PorterStemmer/
"""

_STEP_2 = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("logi", "log"),
    ("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"),
    ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"),
    ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"),
)  # fmt: skip
_STEP_3 = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
)  # fmt: skip
_STEP_4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti",
    "ous", "ive", "ize",
)  # fmt: skip


def stem(word: str) -> str:
    """Return the stem of a word in lower case; a word with other letters than a to z is its own stem."""
    if len(word) < 3 or not (word.isascii() and word.isalpha()):
        return word
    word = _plural(word)
    word = _past(word)
    if word.endswith("y") and _vowel(word[:-1]):
        word = f"{word[:-1]}i"
    word = _replaced(word, _STEP_2)
    word = _replaced(word, _STEP_3)
    word = _bare(word)
    return _tidy(word)


def _plural(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for end in ("ed", "ing"):
        if word.endswith(end):
            short = word[: -len(end)]
            return _mended(short) if _vowel(short) else word
    return word


def _mended(word: str) -> str:
    if word.endswith(("at", "bl", "iz")):
        return f"{word}e"
    if _doubled(word) and word[-1] not in "lsz":
        return word[:-1]
    return f"{word}e" if _measure(word) == 1 and _short(word) else word


def _replaced(word: str, steps: tuple[tuple[str, str], ...]) -> str:
    # The longest ending that fits decides, whether its condition holds or not.
    end, by = max(((e, b) for e, b in steps if word.endswith(e)), key=lambda each: len(each[0]), default=("", ""))
    if end and _measure(word[: -len(end)]) > 0:
        return word[: -len(end)] + by
    return word


def _bare(word: str) -> str:
    end = max((each for each in _STEP_4 if word.endswith(each)), key=len, default="")
    if not end:
        return word
    short = word[: -len(end)]
    if _measure(short) > 1 and (end != "ion" or short.endswith(("s", "t"))):
        return short
    return word


def _tidy(word: str) -> str:
    if word.endswith("e"):
        measure = _measure(word[:-1])
        if measure > 1 or (measure == 1 and not _short(word[:-1])):
            word = word[:-1]
    return word[:-1] if word.endswith("ll") and _measure(word) > 1 else word


def _consonant(word: str, at: int) -> bool:
    letter = word[at]
    if letter == "y":
        return at == 0 or not _consonant(word, at - 1)
    return letter not in "aeiou"


def _measure(word: str) -> int:
    """How often a vowel is followed by a consonant."""
    count, before = 0, True
    for at in range(len(word)):
        consonant = _consonant(word, at)
        count += consonant and not before
        before = consonant
    return count


def _vowel(word: str) -> bool:
    return any(not _consonant(word, at) for at in range(len(word)))


def _doubled(word: str) -> bool:
    return len(word) > 1 and word[-1] == word[-2] and _consonant(word, len(word) - 1)


def _short(word: str) -> bool:
    """Whether it ends consonant, vowel, consonant, the last not w, x or y."""
    last = len(word) - 1
    return (
        last >= 2
        and _consonant(word, last)
        and not _consonant(word, last - 1)
        and _consonant(word, last - 2)
        and word[-1] not in "wxy"
    )
