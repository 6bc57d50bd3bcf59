"""Removing traces for good: rows, bodies, words, and what they added to every sum."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from rowen.store.base import DAY_NS, Day
from rowen.store.sqlite import marks
from rowen.store.sqlite.entry import Entry, Known
from rowen.store.sqlite.rows import TRACE_NAMES, trace_row

_AT_ONCE = 1_000  # spans removed in one transaction, so that writers get their turn; a larger trace goes alone

_WORTH = 10  # one part in as many

_FOUND = f"SELECT traces.number, traces.what, {TRACE_NAMES} FROM traces JOIN whats ON whats.number = traces.what WHERE "  # noqa: S608 - made of constants
OLD = _FOUND + "traces.started_ns < ? ORDER BY traces.started_ns LIMIT 500"
OF_DAY = _FOUND + "traces.started_ns >= ? AND traces.started_ns < ? AND traces.tenant = ? LIMIT 500"
OF_IDS = _FOUND + "traces.id IN (SELECT value FROM json_each(?)) AND traces.tenant = ? LIMIT 500"  # noqa: S608 - made of constants
OF_USER = _FOUND + "traces.user = ? AND traces.user <> '' AND traces.tenant = ? LIMIT 500"
OF_SESSION = _FOUND + "traces.session = ? AND traces.session <> '' AND traces.tenant = ? LIMIT 500"

_UNUSED = (
    """DELETE FROM whats WHERE NOT EXISTS (SELECT 1 FROM traces WHERE traces.what = whats.number)""",
    """DELETE FROM places WHERE NOT EXISTS (SELECT 1 FROM spans WHERE spans.place = places.number)""",
    "UPDATE sweeps SET count = count + 1",
)


def remove_some(entry: Entry, query: str, values: Sequence[Any]) -> int:
    """Remove some of the traces that a query finds; return how many, 0 when there are none left."""
    removed = spans = 0
    for number, what, *found in entry.connection.execute(query, values).fetchall():
        row = trace_row(found)
        if removed and spans + row.spans > _AT_ONCE:
            break
        spans += row.spans
        removed += 1
        trace = Known(number, what, row, None)
        call = entry.call(number, row)
        for span in list(entry.stored_of(number)):
            entry.drop_span(span, call)
        entry.drop_trace(trace)
    entry.write_spans()
    entry.write(aged=query in {OLD, OF_DAY})
    return removed


def remove_of_day(entry: Entry, day: Day, before_ns: int) -> tuple[int, Day]:
    """Remove some traces of a day unless something came to it since; return how many, and the day as it is then."""
    if not marks.still(entry.connection, day):
        return 0, day
    until = min(day.start_ns + DAY_NS, before_ns)
    removed = remove_some(entry, OF_DAY, (day.start_ns, until, day.tenant))
    return removed, marks.again(entry.connection, day)


def sweep(connection: sqlite3.Connection) -> None:
    """Remove the names that nothing bears any more."""
    for statement in _UNUSED:
        connection.execute(statement)


def rewrite_words(connection: sqlite3.Connection, pages: int) -> bool:
    """Write a piece of the full-text index anew, without the words of what is gone; return whether there is more.

    Until then the index only knows that they are gone. A negative number of pages begins.
    See https://www.sqlite.org/fts5.html#the_merge_command.
    """
    before = connection.total_changes
    connection.execute("INSERT INTO texts (texts, rank) VALUES ('merge', ?)", (pages,))
    return connection.total_changes - before >= 2


def few_left(connection: sqlite3.Connection, removed: int) -> bool:
    """Whether so many traces were removed that the words of the rest are worth writing anew."""
    (last,) = connection.execute("SELECT coalesce(max(number) - min(number), 0) FROM traces").fetchone()
    return removed * _WORTH >= int(last)


def give_back(connection: sqlite3.Connection) -> bool:
    """Give some free pages back to the disk; return whether there are more. Outside of a transaction."""
    (before,) = connection.execute("PRAGMA freelist_count").fetchone()
    connection.execute("PRAGMA incremental_vacuum(2000)").fetchall()
    (after,) = connection.execute("PRAGMA freelist_count").fetchone()
    return 0 < int(after) < int(before)
