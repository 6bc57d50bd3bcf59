"""Scorer: how much an answer repeats itself."""

from itertools import groupby

from rowen.score.base import Plain, Ports, Scorer, Subject, Verdict, number
from rowen.values import Settings as Table
from rowen.values.words import ngrams, words


class Settings(Table, frozen=True, kw_only=True):
    """Repetition within the answer."""

    run: int = 4
    """How many words make a run."""


def make(settings: Settings, _: Ports) -> Scorer:
    """Return a scorer of the share of word runs that were there before, and of `longest`: one word time after time.

    seq-rep-n of S. Welleck et al., "Neural Text Generation with Unlikelihood Training" (2020).
    """

    def judge(subject: Subject) -> tuple[Verdict, ...]:
        found = words(subject.answer)
        runs = ngrams(found, max(1, settings.run))
        share = 1 - len(runs) / runs.total() if runs else 0.0
        longest = max((len(list(group)) for _, group in groupby(found)), default=0)
        return (number(share), number(float(longest), part="longest"))

    return Plain("1", judge)
