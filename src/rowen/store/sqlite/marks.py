"""What there is of each day, kept, with a mark that changes with everything that comes or goes.

A day whose traces are all gone keeps its mark, so that the next one is another.
"""

import sqlite3
from collections.abc import Iterable

from rowen.store.base import DAY_NS, Day
from rowen.values import TraceRow

_CHANGE = """INSERT INTO day_marks VALUES (?, ?, ?, 1) ON CONFLICT (tenant, start_ns)
DO UPDATE SET count = count + excluded.count, changes = changes + 1"""
_DAYS = "SELECT tenant, start_ns, count, changes FROM day_marks WHERE count > 0"


def keep(connection: sqlite3.Connection, changes: Iterable[tuple[TraceRow, int]]) -> None:
    """Note the days of rows that came (sign 1) and went (-1)."""
    counts: dict[tuple[str, int], int] = {}
    for row, sign in changes:
        place = (row.tenant, row.started_ns // DAY_NS * DAY_NS)
        counts[place] = counts.get(place, 0) + sign
    connection.executemany(_CHANGE, [(*place, count) for place, count in counts.items()])


def days(connection: sqlite3.Connection, before_ns: int) -> list[Day]:
    """Return the days that have traces and began before a moment."""
    query = f"{_DAYS} AND start_ns < ? ORDER BY start_ns, tenant"
    return [_day(*each) for each in connection.execute(query, (before_ns,))]


def still(connection: sqlite3.Connection, day: Day) -> bool:
    """Whether nothing came to a day or went since it was told."""
    found = connection.execute(f"{_DAYS} AND tenant = ? AND start_ns = ?", (day.tenant, day.start_ns)).fetchone()
    return found is not None and _day(*found) == day


def again(connection: sqlite3.Connection, day: Day) -> Day:
    """Return a day as it is now."""
    found = connection.execute(f"{_DAYS} AND tenant = ? AND start_ns = ?", (day.tenant, day.start_ns)).fetchone()
    return day.but(count=0) if found is None else _day(*found)


def _day(tenant: str, start: int, count: int, changes: int) -> Day:
    return Day(start_ns=start, tenant=tenant, count=count, mark=f"{changes}.{count}")
