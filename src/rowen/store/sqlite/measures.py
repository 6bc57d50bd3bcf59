"""What objectives counted, in `measures.db`: one row a minute, objective, tenant and part, and their sums by the hour."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from rowen.store.base import Cell
from rowen.store.sqlite.file import File
from rowen.store.sums import HOUR_NS
from rowen.store.tallied import cell_of, columns, hours_of, pieces_of

SCRIPTS = (
    """
CREATE TABLE cells (
    app TEXT NOT NULL, objective TEXT NOT NULL, start_ns INTEGER NOT NULL, tenant TEXT NOT NULL, part TEXT NOT NULL,
    good INTEGER NOT NULL, total INTEGER NOT NULL, sum REAL NOT NULL, squares REAL NOT NULL,
    PRIMARY KEY (app, objective, start_ns, tenant, part)
) WITHOUT ROWID;
""",
    f"""
CREATE TABLE hours (
    app TEXT NOT NULL, objective TEXT NOT NULL, start_ns INTEGER NOT NULL, tenant TEXT NOT NULL, part TEXT NOT NULL,
    good INTEGER NOT NULL, total INTEGER NOT NULL, sum REAL NOT NULL, squares REAL NOT NULL,
    PRIMARY KEY (app, objective, start_ns, tenant, part)
) WITHOUT ROWID;
INSERT INTO hours
SELECT app, objective, start_ns / {HOUR_NS} * {HOUR_NS}, tenant, part, sum(good), sum(total), sum(sum), sum(squares)
FROM cells GROUP BY 1, 2, 3, 4, 5;
""",  # noqa: S608 - made of constants
)

_DROP = "DELETE FROM cells WHERE app = ? AND objective = ? AND start_ns >= ? AND start_ns < ?"
_PUT = "INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ADD = """
INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (app, objective, start_ns, tenant, part) DO UPDATE SET
    good = good + excluded.good, total = total + excluded.total,
    sum = sum + excluded.sum, squares = squares + excluded.squares
"""
_DROP_HOURS = "DELETE FROM hours WHERE app = ? AND objective = ? AND start_ns >= ? AND start_ns < ?"
_SUM_HOURS = f"""INSERT INTO hours
SELECT app, objective, start_ns / {HOUR_NS} * {HOUR_NS}, tenant, part, sum(good), sum(total), sum(sum), sum(squares)
FROM cells WHERE app = ? AND objective = ? AND start_ns >= ? AND start_ns < ? GROUP BY 1, 2, 3, 4, 5"""  # noqa: S608 - made of constants
_PIECE = """SELECT start_ns, tenant, part, good, total, sum, squares FROM {table}
WHERE app = ? AND objective = ? AND start_ns >= ? AND start_ns < ?{scope}"""
_FIND = """
SELECT start_ns / ? * ? AS start, part, {tenant} AS who, sum(good), sum(total), sum(sum), sum(squares)
FROM ({pieces}) GROUP BY start, part, who ORDER BY start, part, who
"""
_PRUNE = "DELETE FROM cells WHERE start_ns < ?"
_PRUNE_HOURS = "DELETE FROM hours WHERE start_ns < ?"
_TOUCHED = "SELECT DISTINCT app, objective FROM hours WHERE start_ns = ?"


class SqliteMeasures:
    """Cells in one file."""

    def __init__(self, file: File) -> None:
        self._file = file

    async def replace(
        self, app: str, objectives: Sequence[str], *, since_ns: int, until_ns: int, cells: Sequence[Cell]
    ) -> None:
        """Put cells in place of those of a stretch of time, in one transaction."""

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(_DROP, [(app, objective, since_ns, until_ns) for objective in objectives])
            connection.executemany(_PUT, [columns(cell) for cell in cells])
            first, end = hours_of(since_ns, until_ns, cells)
            _sum_again(connection, [(app, objective, first, end) for objective in objectives])

        await self._file.write(work)

    async def add(self, cell: Cell) -> None:
        """Add to a cell."""

        def work(connection: sqlite3.Connection) -> None:
            hour = cell.but(start_ns=cell.start_ns // HOUR_NS * HOUR_NS)
            for table, each in (("cells", cell), ("hours", hour)):
                connection.execute(_ADD.format(table=table), columns(each))

        await self._file.write(work)

    async def find(
        self,
        app: str,
        objective: str,
        *,
        tenant: str | None = None,
        since_ns: int = 0,
        until_ns: int = 0,
        every_ns: int = 0,
    ) -> list[Cell]:
        """Return cells, oldest first."""
        runs = pieces_of(since_ns, until_ns, every_ns)
        if not runs:
            return []
        scope, scoped = ("", []) if tenant is None else (" AND tenant = ?", [tenant])
        parts = [_PIECE.format(table="hours" if unit == HOUR_NS else "cells", scope=scope) for unit, _, _ in runs]
        query = _FIND.format(tenant="''" if tenant is None else "tenant", pieces=" UNION ALL ".join(parts))
        values: list[Any] = [every_ns or 1] * 2
        for _, first, end in runs:
            values += [app, objective, first, end, *scoped]

        def work(connection: sqlite3.Connection) -> list[Cell]:
            return [cell_of(app, objective, each) for each in connection.execute(query, values)]

        return await self._file.read(work)

    async def prune(self, before_ns: int) -> int:
        """Remove old cells."""

        def work(connection: sqlite3.Connection) -> int:
            hour = before_ns // HOUR_NS * HOUR_NS
            cut = connection.execute(_TOUCHED, (hour,)).fetchall()
            removed = connection.execute(_PRUNE, (before_ns,)).rowcount
            connection.execute(_PRUNE_HOURS, (hour,))
            _sum_again(connection, [(app, objective, hour, hour + HOUR_NS) for app, objective in cut])
            return removed

        return await self._file.write(work)


def _sum_again(connection: sqlite3.Connection, places: Sequence[tuple[str, str, int, int]]) -> None:
    """Sum up the hours of objectives from their minutes."""
    connection.executemany(_DROP_HOURS, places)
    connection.executemany(_SUM_HOURS, places)
