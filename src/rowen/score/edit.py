"""Scorer: how far an answer is from a reference, or from what somebody made of it (summaries, drafts)."""

from typing import Literal

from rowen.score.base import Plain, Ports, Scorer, Subject, Verdict, number
from rowen.score.distance import edit_distance, kept_ratio, normalised_distance
from rowen.values import Settings as Table
from rowen.values.words import words


class Settings(Table, frozen=True, kw_only=True):
    """Edit distance between the answer and the nearest reference."""

    unit: Literal["character", "word"] = "character"
    """What one edit changes."""


def make(settings: Settings, _: Ports) -> Scorer:
    """Return a scorer of three verdicts: the normalised distance (0 the same, 1 nothing in common), `edits` and `kept`."""

    def judge(subject: Subject) -> tuple[Verdict, ...]:
        if not subject.references:
            return ()
        cut = words if settings.unit == "word" else list
        answer = cut(subject.answer)
        nearest = min(subject.references, key=lambda text: normalised_distance(answer, cut(text)))
        final = cut(nearest)
        return (
            number(normalised_distance(answer, final)),
            number(float(edit_distance(answer, final)), part="edits"),
            number(kept_ratio(subject.answer, nearest), part="kept"),
        )

    return Plain("1", judge)
