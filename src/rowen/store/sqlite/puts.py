"""Many rows in few statements.

After each statement the driver lets other threads in, and a busy event loop lets the writing thread in again only
milliseconds later: with a row a statement, most of what writing takes is changing between the two.
"""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

_VALUES = 900  # in one statement; SQLite before 3.32 takes 999


class Put:
    """Writes rows of one table. `head` is the statement up to its `VALUES`, `width` how many columns it names."""

    __slots__ = ("many", "one", "rows")

    def __init__(self, head: str, width: int) -> None:
        row = f"({', '.join('?' * width)})"
        self.rows = max(1, _VALUES // width)
        self.one = f"{head} VALUES {row}"
        self.many = f"{head} VALUES {', '.join([row] * self.rows)}"


def put(connection: sqlite3.Connection, how: Put, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows in their order."""
    size, whole = how.rows, len(rows) - len(rows) % how.rows
    for at in range(0, whole, size):
        connection.execute(how.many, tuple(chain.from_iterable(rows[at : at + size])))
    connection.executemany(how.one, rows[whole:])
