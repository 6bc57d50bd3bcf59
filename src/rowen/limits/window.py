"""Calendar windows in UTC: which one a moment is in, and when it is over."""

from datetime import UTC, datetime
from typing import assert_never

from rowen.values import Value, at, ns_of
from rowen.values.limit import Window

SECOND = 1_000_000_000
_FIXED = {"minute": 60 * SECOND, "hour": 3_600 * SECOND, "day": 86_400 * SECOND}
_LABELS = {"minute": "%Y-%m-%dT%H:%M", "hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d"}


class Span(Value, frozen=True, kw_only=True):
    """One window: its label (the start, as precise as the window) and when it ends, in nanoseconds since 1970."""

    label: str
    ends_ns: int


def window_at(window: Window, now_ns: int) -> Span:
    """Return the window that a moment is in. `now` has no calendar and never ends."""
    match window:
        case "minute" | "hour" | "day":
            length = _FIXED[window]
            start = now_ns - now_ns % length
            return Span(label=at(start).strftime(_LABELS[window]), ends_ns=start + length)
        case "month":
            moment = at(now_ns)
            year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
            return Span(label=moment.strftime("%Y-%m"), ends_ns=ns_of(datetime(year, month, 1, tzinfo=UTC)))
        case "now":
            return Span(label="now", ends_ns=0)
        case _:
            assert_never(window)
