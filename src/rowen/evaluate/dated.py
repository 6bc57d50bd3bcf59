"""Dated questions: cases that hold only from or until a day, so that one data set asks at any time for what holds then.

The same question may stand there several times, each time with what should be answered and when that holds. What the
others say is handed along as `outdated`, so that the scorer `fresh` can tell an answer of yesterday from a wrong one.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from rowen.values import Case, Mistaken, Value
from rowen.values.clock import ns_of

FROM, UNTIL, OUTDATED = "valid_from", "valid_until", "outdated"


class Holding(Value, frozen=True, kw_only=True):
    """The cases that hold at a moment, and how many do not."""

    cases: list[Case]
    coming: int = 0
    """That do not hold yet."""
    over: int = 0
    """That hold no more."""


def holding(cases: Sequence[Case], now_ns: int) -> Holding:
    """Return the cases that hold at a moment; one without dates always holds.

    Its first moment is `valid_from` of its metadata, its last is before `valid_until`: a day is meant from its beginning, in
    UTC where no zone is written.

    Raises:
        Mistaken: `field_invalid` for a date that is none, or a case that ends before it begins.

    """
    if not any(FROM in each.metadata or UNTIL in each.metadata for each in cases):
        return Holding(cases=list(cases))
    kept: list[Case] = []
    coming = over = 0
    said: dict[bytes, list[Case]] = {}
    for each in cases:
        begins, ends = _stretch(each)
        coming += now_ns < begins
        over += ends is not None and now_ns >= ends
        if begins <= now_ns and (ends is None or now_ns < ends):
            kept.append(each)
        else:
            said.setdefault(_question(each), []).append(each)
    return Holding(cases=[_told(each, said.get(_question(each), ())) for each in kept], coming=coming, over=over)


def _stretch(case: Case) -> tuple[int, int | None]:
    begins = _moment(case, FROM)
    ends = _moment(case, UNTIL)
    if ends is not None and begins is not None and ends <= begins:
        raise Mistaken("field_invalid", f"the case {case.id} ends before it begins", place=UNTIL)
    return begins or 0, ends


def _moment(case: Case, name: str) -> int | None:
    written = case.metadata.get(name)
    if written is None:
        return None
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError as error:
        message = f"the case {case.id} has {str(written)[:40]!r} as {name}; a day is written as 2026-01-31"
        raise Mistaken("field_invalid", message, place=name) from error
    return ns_of(found if found.tzinfo else found.replace(tzinfo=UTC))


def _question(case: Case) -> bytes:
    return msgspec.json.encode(case.input, order="sorted")


def _told(case: Case, others: Sequence[Case]) -> Case:
    """Return a case with what is said at other times, and not now."""
    now = _texts(case.expected)
    then = [text for other in others for text in _texts(other.expected) if text not in now]
    return case.but(metadata={**case.metadata, OUTDATED: list(dict.fromkeys(then))}) if then else case


def _texts(expected: Any) -> list[str]:
    listed = expected if isinstance(expected, list) else [expected]
    return [each for each in listed if isinstance(each, str)]
