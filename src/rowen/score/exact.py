"""Scorer: the answer is exactly a reference, and how many of its words are (token F1)."""

import re
import string
from collections import Counter

from rowen.score.base import Plain, Ports, Scorer, Subject, Verdict, flag, number
from rowen.values import Settings as Table

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Settings(Table, frozen=True, kw_only=True):
    """Equality with a reference."""

    normalise: bool = True
    """Forget case, punctuation, articles and spaces first, as SQuAD does."""


def make(settings: Settings, _: Ports) -> Scorer:
    """Return a scorer of two verdicts: whether the answer is a reference, and `f1` of their words, the best reference's.

    P. Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text" (2016), its evaluation script.
    """
    plain = normalised if settings.normalise else str

    def judge(subject: Subject) -> tuple[Verdict, ...]:
        if not subject.references:
            return ()
        answer = plain(subject.answer)
        references = [plain(each) for each in subject.references]
        return (
            flag(answer in references),
            number(max(f1(answer.split(), each.split()) for each in references), part="f1"),
        )

    return Plain("1", judge)


def normalised(text: str) -> str:
    """Return a text without case, punctuation, articles and extra spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def f1(one: list[str], other: list[str]) -> float:
    """Return the harmonic mean of precision and recall of words."""
    if not one or not other:
        return float(one == other)
    common = sum((Counter(one) & Counter(other)).values())
    return 2 * common / (len(one) + len(other))
