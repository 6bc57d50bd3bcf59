"""Scorer: how long the answer is, and whether that is within bounds."""

from typing import Literal

from rowen.score.base import Plain, Ports, Scorer, Subject, Verdict, flag, number
from rowen.values import Settings as Table
from rowen.values.words import sentences, words


class Settings(Table, frozen=True, kw_only=True):
    """Length of the answer."""

    unit: Literal["character", "word", "sentence", "token"] = "word"
    """What is counted; tokens are those that the provider billed."""
    least: int | None = None
    """The fewest it may have."""
    most: int | None = None
    """The most it may have."""


def make(settings: Settings, _: Ports) -> Scorer:
    """Return a scorer of the length, and of `within` where bounds are given."""

    def count(subject: Subject) -> int:
        match settings.unit:
            case "character":
                return len(subject.answer)
            case "word":
                return len(words(subject.answer))
            case "sentence":
                return len(sentences(subject.answer))
            case "token":
                return subject.usage.output_tokens

    def judge(subject: Subject) -> tuple[Verdict, ...]:
        length = count(subject)
        verdicts = [number(float(length))]
        if settings.least is not None or settings.most is not None:
            short = settings.least is not None and length < settings.least
            long = settings.most is not None and length > settings.most
            reason = f"{length} {settings.unit}s" if short or long else ""
            verdicts.append(flag(not (short or long), reason, part="within"))
        return tuple(verdicts)

    return Plain("1", judge)
