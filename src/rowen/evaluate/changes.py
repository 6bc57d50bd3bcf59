"""Dated questions out of two versions of documents: what was said before, what is said now, and from when on.

By rule: a sentence that was said nearly the same before, with a few words in one place that are others now. The question is
the sentence with a gap, the answer what stood in it. What was rewritten from the ground is passed over: nothing says there
which answer took the place of which.
"""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from rowen.evaluate.dated import FROM, UNTIL
from rowen.evaluate.files.rows import mark_of
from rowen.values import Case, Document
from rowen.values.words import sentences

_ALIKE = 0.6  # of the words of both sentences, that must be the same and in the same order
_SAME = 4  # words at least that say what it is about
_OTHERS = 4  # words at most, on either side, that are others
_GAP = "…"
_MARKS = ".,;:!?()[]\"'“”"


class Change(NamedTuple):
    """A sentence of a document that says something else now."""

    document: str
    """What the document is called."""
    sentence: str
    """As it is now, with a gap."""
    was: str
    now: str


def changes(before: Mapping[str, Document], after: Mapping[str, Document]) -> list[Change]:
    """Return what documents say otherwise, in the order of their names; those that only one side has say nothing.

    Args:
        before: documents by what they are called.
        after: the same, later.

    """
    return [
        change
        for uri, document in sorted(after.items())
        if uri in before and before[uri].text != document.text
        for change in _of(uri, before[uri].text, document.text)
    ]


def dated(known: Sequence[Case], changes: Sequence[Change], day: str) -> list[Case]:
    """Return cases with changes added, as of a day: what was the answer until then no longer is.

    What is known already stays as it is, so that the same changes read twice add nothing.
    """
    found = {(_asked(each), str(each.expected)): each for each in known}
    for change in changes:
        asked = f"What is missing here now? {change.sentence}"
        old, new = found.get((asked, change.was)), found.get((asked, change.now))
        if new is not None and UNTIL not in new.metadata:
            continue
        if old is None or UNTIL not in old.metadata:
            begun = old if old is not None else _case(change, asked, change.was)
            found[asked, change.was] = begun.but(metadata={**begun.metadata, UNTIL: day})
        again = _case(change, asked, change.now)
        found[asked, change.now] = again.but(metadata={**again.metadata, FROM: day})
    return list(found.values())


def _of(uri: str, before: str, after: str) -> list[Change]:
    was, now = sentences(before), sentences(after)
    gone = [each.split() for each in dict.fromkeys(was) if each not in set(now)]
    found = []
    for sentence in [each for each in dict.fromkeys(now) if each not in set(was)]:
        words = sentence.split()
        near = max(gone, key=lambda each: SequenceMatcher(None, each, words, autojunk=False).ratio(), default=None)
        if near is not None and (change := _changed(uri, near, words)) is not None:
            found.append(change)
    return found


def _changed(uri: str, was: Sequence[str], now: Sequence[str]) -> Change | None:
    matcher = SequenceMatcher(None, was, now, autojunk=False)
    steps = matcher.get_opcodes()
    others = [step for step in steps if step[0] != "equal"]
    if matcher.ratio() < _ALIKE or len(others) != 1 or others[0][0] != "replace":
        return None
    _, i1, i2, j1, j2 = others[0]
    if i2 - i1 > _OTHERS or j2 - j1 > _OTHERS or len(now) - (j2 - j1) < _SAME:
        return None
    old, new = (" ".join(each).strip(_MARKS) for each in (was[i1:i2], now[j1:j2]))
    if not old or not new or old.casefold() == new.casefold():
        return None
    return Change(uri, " ".join([*now[:j1], _GAP, *now[j2:]]), old, new)


def _case(change: Change, asked: str, expected: str) -> Case:
    return Case(
        id=mark_of(change.document, asked, expected),
        input=asked,
        expected=expected,
        document=change.document,
        source="generator",
    )


def _asked(case: Case) -> str:
    return case.input if isinstance(case.input, str) else ""
