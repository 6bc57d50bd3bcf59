"""Windows of time: the last so many days, or a calendar month. All of it UTC."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from rowen.config.kinds import duration
from rowen.values import Value, ns_of

MINUTE_NS = 60_000_000_000
DAY_NS = 1440 * MINUTE_NS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Calendar = Literal["day", "week", "month", "quarter", "year"]
_CALENDAR: tuple[Calendar, ...] = ("day", "week", "month", "quarter", "year")
_USUAL_DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}


class Window(Value, frozen=True, kw_only=True):
    """A rolling window of `seconds`, or a calendar one."""

    calendar: Calendar | Literal[""] = ""
    seconds: float = 0

    @property
    def usual_seconds(self) -> float:
        """Its length; that of a usual month where months differ."""
        return _USUAL_DAYS[self.calendar] * 86_400.0 if self.calendar else self.seconds

    def span(self, now_ns: int) -> tuple[int, int]:
        """Return where the window that holds a moment begins, and where it ends: the moment itself for a rolling one."""
        if not self.calendar:
            return now_ns - round(self.seconds * 1e9), now_ns
        begins = _begin(self.calendar, _EPOCH + timedelta(microseconds=now_ns // 1000))
        return ns_of(begins), ns_of(_next(self.calendar, begins))

    def before(self, now_ns: int) -> tuple[int, int]:
        """Return the whole window before the one that holds a moment."""
        begins, ends = self.span(now_ns)
        if not self.calendar:
            return begins - (ends - begins), begins
        return self.span(begins - 1)

    def __str__(self) -> str:
        """Return it as people write it."""
        if self.calendar:
            return self.calendar
        for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
            if self.seconds % size == 0:
                return f"{self.seconds / size:.0f}{unit}"
        return f"{self.seconds:g}s"


def window(written: str) -> Window:
    """Return a window from how it is written.

    Raises:
        ValueError: it is neither a duration of a minute or more nor a calendar's word.

    """
    if written in _CALENDAR:
        return Window(calendar=written)
    try:
        seconds = duration(written)
    except ValueError:
        raise ValueError(f'expected a window such as "30d" or one of {", ".join(_CALENDAR)}, got {written!r}') from None
    if seconds < 60:
        raise ValueError("a window is a minute at least")
    return Window(seconds=seconds)


def _begin(calendar: str, moment: datetime) -> datetime:
    day = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    match calendar:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case _:
            return day.replace(month=1, day=1)


def _next(calendar: str, begins: datetime) -> datetime:
    match calendar:
        case "day" | "week":
            return begins + timedelta(days=_USUAL_DAYS[calendar])
        case "year":
            return begins.replace(year=begins.year + 1)
        case _:
            months = begins.month - 1 + (3 if calendar == "quarter" else 1)
            return begins.replace(year=begins.year + months // 12, month=months % 12 + 1)
