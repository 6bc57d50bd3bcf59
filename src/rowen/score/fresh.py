"""Scorer: the answer says what holds now, not what held at another time; and so do the passages that it rests on.

`fresh` is the answer's, `fresh.found` the passages': where the second falls, the index is behind, whatever the model makes
of it.
"""

from collections.abc import Iterable, Sequence

from rowen.score.base import Plain, Ports, Scorer, Subject, Verdict, flag
from rowen.values import Settings as Table
from rowen.values.words import words


class Settings(Table, frozen=True, kw_only=True):
    """Nothing to set: what holds now is the case's `expected`, what held at another time its `outdated`."""


def make(_: Settings, __: Ports) -> Scorer:
    """Return a scorer that says whether what holds now is said; of cases without `expected` it says nothing."""
    return Plain("1", _judge)


def _judge(subject: Subject) -> tuple[Verdict, ...]:
    if not subject.references:
        return ()
    metadata = subject.variables.get("metadata")
    then = metadata.get("outdated") if isinstance(metadata, dict) else None
    outdated = [each for each in then if isinstance(each, str)] if isinstance(then, list) else []
    verdicts = [_said("", [subject.answer], subject.references, outdated)]
    if subject.contexts:
        verdicts.append(_said("found", subject.contexts, subject.references, outdated))
    return tuple(verdicts)


def _said(part: str, texts: Sequence[str], now: Iterable[str], then: Iterable[str]) -> Verdict:
    read = [words(text) for text in texts]
    current = any(_in(words(each), read) for each in now)
    old = [each for each in then if _in(words(each), read)]
    if current:
        return flag(True, f"beside it says {old}, which holds at another time" if old else "", part)
    return flag(False, f"says {old}, which holds at another time" if old else f"without {list(now)}", part)


def _in(wanted: Sequence[str], texts: Iterable[Sequence[str]]) -> bool:
    """Whether words stand one behind the other in one of the texts: `5 days` is not in `25 days`."""
    size = len(wanted)
    return size > 0 and any(
        list(text[at : at + size]) == list(wanted) for text in texts for at in range(len(text) - size + 1)
    )
