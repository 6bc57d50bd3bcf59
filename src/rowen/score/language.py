"""Scorer: which language the answer is in, by its letters and commonest words. Light, offline, and unsure of short texts."""

from rowen.score.base import Plain, Ports, Scorer, Subject, Verdict, flag
from rowen.values import Settings as Table
from rowen.values.language import language


class Settings(Table, frozen=True, kw_only=True):
    """The language of the answer."""

    expect: str = ""
    """The language it must have, as its two letters (ISO 639-1), or `question` for that of the question."""


def make(settings: Settings, _: Ports) -> Scorer:
    """Return a scorer of the language, and of whether it is the one that is `expected` where one is."""

    def judge(subject: Subject) -> tuple[Verdict, ...]:
        found = language(subject.answer)
        if not found:
            return ()
        verdicts = [Verdict(type="category", value=found)]
        wanted = language(subject.question) if settings.expect == "question" else settings.expect
        if wanted:
            verdicts.append(flag(found == wanted, "" if found == wanted else f"{found}, not {wanted}", part="expected"))
        return tuple(verdicts)

    return Plain("1", judge)
