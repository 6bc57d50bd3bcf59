"""A database in memory of exactly some tables. What is not in it does not exist for a query, whatever the query says."""

import sqlite3
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from rowen.store.tables.allowed import Allowed
from rowen.store.tables.exact import put_exact
from rowen.store.tables.written import PLACE
from rowen.values import Cell, Clock, ColumnType, Mistaken, Table

_STORED: Mapping[ColumnType, str] = {"integer": "INTEGER", "number": "REAL"}
_BETWEEN = 2_000  # steps of SQLite's machine between two looks at the clock
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 200_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 20_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 50_000,
}
_LONGEST = 10_000  # characters of a cell that a query sees


class Bounds(NamedTuple):
    """How much one query may take."""

    rows: int = 200
    """Rows of the answer; what is beyond is left out, and said so."""
    steps: int = 30_000_000
    """Instructions of SQLite's machine, about a second's."""
    seconds: float = 3.0


class Answered(NamedTuple):
    """What a query gave."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: bool
    """Whether there are further rows."""
    read: frozenset[str]
    """The tables that it read."""


class Opened:
    """Tables that can be asked. Blocks; used from threads, one query at a time.

    Args:
        tables: by the names that queries use.
        clock: for the time that a query may take.
        bounds: how much it may take.

    """

    def __init__(self, tables: Mapping[str, Table], clock: Clock, bounds: Bounds = Bounds()) -> None:  # noqa: B008 - a tuple
        self._clock = clock
        self._bounds = bounds
        self._lock = threading.Lock()
        self._tables = frozenset(tables)
        self._connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        weakref.finalize(self, self._connection.close)
        put_exact(self._connection)
        for name, table in tables.items():
            _put(self._connection, name, table)
        for limit, most in _LIMITS.items():
            self._connection.setlimit(limit, most)

    def ask(self, sql: str, *, rows: int = 0) -> Answered:
        """Return what one SELECT gives.

        Args:
            sql: the query.
            rows: of the answer at most; 0 for as many as the bounds allow.

        Raises:
            Mistaken: `table_query`, with the reason: it does more than read the tables, takes too long, or is no query.

        """
        most = rows or self._bounds.rows
        if sql.split(None, 1)[:1] and sql.split(None, 1)[0].lower() == "explain":
            raise _refused("invalid", "it is no SELECT")
        with self._lock, self._watched() as allowed:
            cursor = self._connection.execute(sql)
            found = cursor.fetchmany(most + 1)
            if cursor.description is None:
                raise _refused("invalid", "it is no SELECT")
            columns = tuple(str(each[0]) for each in cursor.description)
            cursor.close()
        if not allowed.read:
            raise _refused("no_table", "it reads none of the tables, so its figures come from nowhere")
        kept = tuple(tuple(map(_cell, row)) for row in found[:most])
        return Answered(columns, kept, len(found) > most, frozenset(allowed.read))

    def close(self) -> None:
        """Let go of the tables."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _watched(self) -> Iterator[Allowed]:
        """Run a query under an authorizer and a bound, and give what goes wrong its reason."""
        allowed = Allowed(self._tables)
        until = self._clock.monotonic() + self._bounds.seconds
        left, slow = self._bounds.steps // _BETWEEN, False

        def onward() -> int:
            nonlocal left, slow
            left -= 1
            slow = left < 0 or self._clock.monotonic() > until
            return slow

        self._connection.set_authorizer(allowed)
        self._connection.set_progress_handler(onward, _BETWEEN)
        try:
            yield allowed
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
            if allowed.why:
                raise _refused("not_allowed", f"it {allowed.why}") from error
            if slow:
                raise _refused("too_slow", "it takes too long") from error
            said = "it works out a figure of a column of text" if "user-defined" in str(error) else str(error)[:200]
            raise _refused("invalid", said) from error
        finally:
            self._connection.set_authorizer(None)
            self._connection.set_progress_handler(None, 0)


def _put(connection: sqlite3.Connection, name: str, table: Table) -> None:
    quoted = [each.name.replace('"', '""') for each in table.columns]
    # Case does not tell texts apart, as people ask; `_row` is the row's number in its file.
    columns = [
        f'"{said}" {_STORED.get(each.type, "TEXT COLLATE NOCASE")}'
        for said, each in zip(quoted, table.columns, strict=True)
    ]
    place = f'"{PLACE}" INTEGER'
    said = name.replace('"', '""')
    connection.execute(f'CREATE TABLE "{said}" ({", ".join([*columns, place])})')
    marks = ", ".join("?" * (len(columns) + 1))
    places: Sequence[int] = table.places or range(1, len(table.rows) + 1)
    connection.executemany(
        f'INSERT INTO "{said}" VALUES ({marks})',  # noqa: S608 - a name of ours, quoted
        ((*map(_short, row), at) for row, at in zip(table.rows, places, strict=True)),
    )


def _short(cell: Cell) -> Cell:
    return cell[:_LONGEST] if isinstance(cell, str) else cell


def _cell(value: object) -> Cell:
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _refused(reason: str, sentence: str) -> Mistaken:
    return Mistaken("table_query", f"the query is refused: {sentence}", place=reason)
