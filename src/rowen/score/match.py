"""Scorer: the answer contains texts, or matches a pattern."""

from typing import Literal

import re2

from rowen.score.base import Plain, Ports, Scorer, Subject, Verdict, flag
from rowen.values import Mistaken
from rowen.values import Settings as Table


class Settings(Table, frozen=True, kw_only=True):
    """What the answer must contain or match."""

    contains: tuple[str, ...] = ()
    """Texts to look for; without any and without `pattern`, a reference is looked for."""
    pattern: str = ""
    """A regular expression (RE2), found anywhere in the answer; anchor it with ^ and $."""
    how: Literal["any", "all", "none"] = "all"
    """How many of the texts and the pattern must be there."""
    case: bool = False
    """Whether case counts."""


def make(settings: Settings, _: Ports) -> Scorer:
    """Return a scorer that says whether what is looked for is there.

    Raises:
        Mistaken: `config_invalid` for a pattern that RE2 does not read.

    """
    options = re2.Options()
    options.case_sensitive = settings.case
    options.log_errors = False
    try:
        pattern = re2.compile(settings.pattern, options=options) if settings.pattern else None
    except re2.error as error:
        raise Mistaken("config_invalid", f"the pattern cannot be read: {error}", place="pattern") from error

    def judge(subject: Subject) -> tuple[Verdict, ...]:
        wanted = settings.contains
        if not wanted and pattern is None:
            if not subject.references:
                return ()
            wanted = subject.references
        fold = str if settings.case else str.casefold
        answer = fold(subject.answer)
        found = {text: fold(text) in answer for text in wanted}
        if pattern is not None:
            found[settings.pattern] = pattern.search(subject.answer) is not None
        there = [text for text, is_there in found.items() if is_there]
        missing = [text for text, is_there in found.items() if not is_there]
        match settings.how:
            case "any":
                return (flag(bool(there), "" if there else f"none of {missing}"),)
            case "all":
                return (flag(not missing, f"without {missing}" if missing else ""),)
            case "none":
                return (flag(not there, f"with {there}" if there else ""),)

    return Plain("1", judge)
