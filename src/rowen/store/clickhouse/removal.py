"""Removing traces, with all that came of them.

What is old is struck out, which is cheap, and leaves the disk as parts are merged, or with its week at the latest. What
somebody wants to be forgotten is written anew without it at once.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from rowen.store.clickhouse.client import Server
from rowen.store.clickhouse.rows import OF_TRACE, WEEK, hour_of
from rowen.store.clickhouse.writing import Late

_AT_ONCE = 5_000  # traces
_FOUND = "SELECT id, tenant, hour FROM traces WHERE {}"
_SPAN_HOURS = f"SELECT DISTINCT hour FROM spans WHERE {OF_TRACE}"  # noqa: S608 - made of constants
_TABLES = {"spans": "trace", "calls": "id", "traces": "id"}
_WEEKS = "SELECT DISTINCT partition_id FROM system.parts WHERE database = currentDatabase() AND table = ? AND active"
_LEFT = "SELECT count() FROM {} WHERE _partition_id = ?"


def struck(server: Server, before_ns: int, late: Late) -> int:
    """Strike out the traces that began earlier; return how many."""
    gone = _removed(server, "started_ns < ?", [before_ns], late, "DELETE FROM {} WHERE {}")
    if gone:
        _drop_weeks(server, hour_of(before_ns) // WEEK)
    return gone


def erased(server: Server, where: str, values: Sequence[Any], late: Late) -> int:
    """Write anew what has traces for which a condition holds; return how many there were."""
    return _removed(server, where, values, late, "ALTER TABLE {} DELETE WHERE {}")


def _removed(server: Server, where: str, values: Sequence[Any], late: Late, how: str) -> int:
    found = server.lists(_FOUND.format(where), values)
    for some in _batched(found, _AT_ONCE):
        places = [(id, tenant) for id, tenant, _ in some]
        hours = {hour for _, _, hour in some}
        within = {hour for (hour,) in server.lists(_SPAN_HOURS, [places])}
        late(server, traces=hours, spans=within)
        for table, id in _TABLES.items():
            reach = sorted(within if table == "spans" else hours)
            server.run(how.format(table, f"hour IN ? AND ({id}, tenant) IN ?"), [reach, places])
        late(server, traces=hours, spans=within)
    return len(found)


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


def _batched(found: list[list[Any]], size: int) -> Iterator[list[list[Any]]]:
    waiting = iter(found)
    while some := list(islice(waiting, size)):
        yield some
