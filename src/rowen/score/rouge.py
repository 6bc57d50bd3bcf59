"""Scorer: ROUGE, how many words and word runs of a reference the answer has."""

import re

from rowen.score.base import Plain, Ports, Scorer, Subject, Verdict, number
from rowen.score.bleu import WARNING
from rowen.score.distance import common_length
from rowen.values import Settings as Table
from rowen.values.words import ngrams

_OTHER = re.compile(r"[^a-z0-9]+")


class Settings(Table, frozen=True, kw_only=True):
    """ROUGE of one answer, 0 to 1."""


def make(_: Settings, __: Ports) -> Scorer:
    """Return a scorer of `1`, `2` and `l`: F measures of words, word pairs and the longest common run, best reference.

    C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries" (2004), as Google's rouge-score computes it without
    stemming. It sees Latin letters without accents and digits only: for other writing it says nothing.
    """

    def judge(subject: Subject) -> tuple[Verdict, ...]:
        if not subject.references:
            return ()
        answer = tokens(subject.answer)
        references = [tokens(each) for each in subject.references]
        return (
            number(max(by_runs(answer, each, 1) for each in references), part="1", warning=WARNING),
            number(max(by_runs(answer, each, 2) for each in references), part="2", warning=WARNING),
            number(max(by_order(answer, each) for each in references), part="l", warning=WARNING),
        )

    return Plain("1", judge)


def tokens(text: str) -> list[str]:
    """Return the words as ROUGE sees them."""
    return _OTHER.sub(" ", text.lower()).split()


def by_runs(answer: list[str], reference: list[str], n: int) -> float:
    """Return the F measure of runs of `n` words."""
    ours, theirs = ngrams(answer, n), ngrams(reference, n)
    return _f((ours & theirs).total(), ours.total(), theirs.total())


def by_order(answer: list[str], reference: list[str]) -> float:
    """Return the F measure of the longest common subsequence."""
    return _f(common_length(answer, reference), len(answer), len(reference))


def _f(common: int, ours: int, theirs: int) -> float:
    return 2 * common / (ours + theirs) if common else 0.0
