"""Removing traces, with all that came of them.

What is old is struck out, which is cheap, and leaves the disk as parts are merged, or with its week at the latest. What
somebody wants to be forgotten is written anew without it at once.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rowen.store.base import DAY_NS, Day
from rowen.store.clickhouse import costs, sums
from rowen.store.clickhouse.client import Server
from rowen.store.clickhouse.rows import HOUR_NS, OF_TRACE, WEEK, hour_of
from rowen.store.clickhouse.writing import Late

AT_ONCE = 20_000
"""Traces that are removed by one statement."""

_FOUND = "SELECT hour, tenant, id FROM traces WHERE (hour, tenant, id) > ? AND ({}) ORDER BY hour, tenant, id LIMIT ?"
_SPAN_HOURS = f"SELECT DISTINCT hour FROM spans WHERE {OF_TRACE}"  # noqa: S608 - made of constants
_TABLES = {"spans": "trace", "calls": "id", "traces": "id"}
_WEEKS = "SELECT DISTINCT partition_id FROM system.parts WHERE database = currentDatabase() AND table = ? AND active"
_LEFT = "SELECT count() FROM {} WHERE _partition_id = ?"


def struck(
    server: Server, before_ns: int, late: Late, days: Sequence[Day] | None = None, *, at_once: int = AT_ONCE
) -> int:
    """Strike out the traces that began earlier, of some days only where nothing came to them since; return how many.

    Without transactions something may still come between the look at a day and its end; the look is made as late as can
    be, when what goes has been found.
    """
    how, gone = "DELETE FROM {} WHERE {}", 0
    if days is None:
        gone = _removed(server, "started_ns < ?", [before_ns], late, how, aged=True, at_once=at_once)
    for day in days or ():
        hours = [hour_of(day.start_ns), hour_of(min(day.start_ns + DAY_NS, before_ns + HOUR_NS - 1))]
        within = "hour >= ? AND hour < ? AND tenant = ? AND started_ns < ?"
        values = [*hours, day.tenant, before_ns]
        gone += _removed(server, within, values, late, how, aged=True, still=partial(_still, server, day))
    if gone:
        _drop_weeks(server, hour_of(before_ns) // WEEK)
    return gone


def erased(server: Server, where: str, values: Sequence[Any], late: Late) -> int:
    """Write anew what has traces for which a condition holds; return how many there were."""
    return _removed(server, where, values, late, "ALTER TABLE {} DELETE WHERE {}")


def _still(server: Server, day: Day) -> bool:
    return day in sums.days(server, day.start_ns + DAY_NS, since_ns=day.start_ns)


def _removed(
    server: Server,
    where: str,
    values: Sequence[Any],
    late: Late,
    how: str,
    *,
    aged: bool = False,
    still: Callable[[], bool] = lambda: True,
    at_once: int = AT_ONCE,
) -> int:
    total, last = 0, [-(2**31), "", ""]
    while some := server.lists(_FOUND.format(where), [last, *values, at_once]):
        if not total and not still():
            return 0
        places = [(id, tenant) for _, tenant, id in some]
        hours = {hour for hour, _, _ in some}
        within = {hour for (hour,) in server.lists(_SPAN_HOURS, [places])}
        late(server, traces=hours, spans=within)
        try:
            if aged:
                costs.put_aside(server, sorted(hours), places)
            for table, id in _TABLES.items():
                reach = sorted(within if table == "spans" else hours)
                server.run(how.format(table, f"hour IN ? AND ({id}, tenant) IN ?"), [reach, places])
        finally:  # what took too long for us may have been done all the same
            late(server, traces=hours, spans=within)
        total, last = total + len(some), some[-1]
    return total


def _drop_weeks(server: Server, first: int) -> None:
    """Drop the weeks before one that have nothing left, and what else is known of their hours."""
    dropped = False
    for table in _TABLES:
        for (week,) in server.lists(_WEEKS, [table]):
            if int(week) < first and server.lists(_LEFT.format(table), [week]) == [[0]]:
                server.run(f"ALTER TABLE {table} DROP PARTITION ID ?", [week])
                dropped = True
    if dropped:
        for table in ("counted", "traces_hours", "spans_hours", "places"):
            # A trace that is written just now may have noted a place that has nothing yet, but hardly one so old.
            server.run(f"DELETE FROM {table} WHERE hour < ?", [(first - 1) * WEEK])  # noqa: S608 - made of constants
