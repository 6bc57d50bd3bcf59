"""Scorer: how hard an English text is to read."""

import re

from rowen.score.base import Plain, Ports, Scorer, Subject, Verdict, number
from rowen.values import Settings as Table
from rowen.values.words import sentences, words

_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(r"(?:[^lsxzcghaeiouy]es|[^dtaeiouy]ed|[^laeiouy]e|[aeiouy]les?)$")


class Settings(Table, frozen=True, kw_only=True):
    """Readability of the answer."""


def make(_: Settings, __: Ports) -> Scorer:
    """Return a scorer of Flesch's reading ease (100 very easy, 0 very hard) and the `grade` of US schools it needs.

    R. Flesch, "A new readability yardstick" (1948); J. P. Kincaid et al., "Derivation of New Readability Formulas" (1975).
    Syllables are counted by a rule for English, so it says little of other languages.
    """

    def judge(subject: Subject) -> tuple[Verdict, ...]:
        found = words(subject.answer)
        if not found:
            return ()
        lines = max(1, len(sentences(subject.answer)))
        count = sum(map(syllables, found))
        return (number(ease(lines, len(found), count)), number(grade(lines, len(found), count), part="grade"))

    return Plain("2", judge)


def ease(lines: int, count: int, beats: int) -> float:
    """Return Flesch's reading ease of so many sentences, words and syllables."""
    return 206.835 - 1.015 * count / lines - 84.6 * beats / count


def grade(lines: int, count: int, beats: int) -> float:
    """Return the Flesch-Kincaid grade of so many sentences, words and syllables."""
    return 0.39 * count / lines + 11.8 * beats / count - 15.59


def syllables(word: str) -> int:
    """Return about how many syllables an English word has: its groups of vowels, without a silent end."""
    word = word.lower()
    found = len(_VOWELS.findall(word))
    if found > 1 and _SILENT.search(word):
        found -= 1
    return max(1, found)
