"""Days and months in UTC, as nanoseconds since 1970."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from rowen.values import at, ns_of

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
WEEK_NS = 7 * DAY_NS

Every = Literal["all", "hour", "day", "month"]


def day_of(ns: int) -> int:
    """Return when the day began."""
    return ns // DAY_NS * DAY_NS


def month_of(ns: int) -> int:
    """Return when the month began."""
    moment = at(ns)
    return ns_of(datetime(moment.year, moment.month, 1, tzinfo=UTC))


def next_month(ns: int) -> int:
    """Return when the month after begins."""
    return month_of(month_of(ns) + 31 * DAY_NS)


def stretch_of(ns: int, every: Every) -> int:
    """Return when the stretch began that a moment is in; 0 when all is one."""
    match every:
        case "all":
            return 0
        case "hour":
            return ns // HOUR_NS * HOUR_NS
        case "day":
            return day_of(ns)
        case "month":
            return month_of(ns)


def named(ns: int) -> str:
    """Return a day as `2026-01-31`."""
    return at(ns).date().isoformat()


def moment(text: str) -> int:
    """Return a day or time as written (`2026-01-31`, `2026-01-31T08:00`, UTC unless it says otherwise).

    Raises:
        ValueError: it is neither.

    """
    found = datetime.fromisoformat(text)
    return ns_of(found if found.tzinfo else found.replace(tzinfo=UTC))


def ago(text: str, now_ns: int) -> int:
    """Return a moment as written, or as a length before now: `24h`, `7d`, `30m`.

    Raises:
        ValueError: it is neither.

    """
    units = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
    if text[:-1].isdecimal() and text[-1:] in units:
        return max(0, now_ns - int(text[:-1]) * int(units[text[-1]].total_seconds()) * 1_000_000_000)
    return moment(text)
