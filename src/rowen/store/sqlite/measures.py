"""What objectives counted, in `measures.db`: one row a minute, objective, tenant and part."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from rowen.store.base import Cell
from rowen.store.sqlite.file import File

SCRIPTS = (
    """
CREATE TABLE cells (
    app TEXT NOT NULL, objective TEXT NOT NULL, start_ns INTEGER NOT NULL, tenant TEXT NOT NULL, part TEXT NOT NULL,
    good INTEGER NOT NULL, total INTEGER NOT NULL, sum REAL NOT NULL, squares REAL NOT NULL,
    PRIMARY KEY (app, objective, start_ns, tenant, part)
) WITHOUT ROWID;
""",
)

_DROP = "DELETE FROM cells WHERE app = ? AND objective = ? AND start_ns >= ? AND start_ns < ?"
_PUT = "INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ADD = """
INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (app, objective, start_ns, tenant, part) DO UPDATE SET
    good = good + excluded.good, total = total + excluded.total,
    sum = sum + excluded.sum, squares = squares + excluded.squares
"""
_FIND = """
SELECT start_ns / ?1 * ?1 AS start, part, {tenant} AS who, sum(good), sum(total), sum(sum), sum(squares)
FROM cells WHERE app = ?2 AND objective = ?3 AND start_ns >= ?4 AND start_ns < ?5{scope}
GROUP BY start, part, who ORDER BY start, part, who
"""
_PRUNE = "DELETE FROM cells WHERE start_ns < ?"
_NEVER = 2**63 - 1


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
            connection.executemany(_PUT, [_columns(cell) for cell in cells])

        await self._file.write(work)

    async def add(self, cell: Cell) -> None:
        """Add to a cell."""
        await self._file.write(lambda connection: connection.execute(_ADD, _columns(cell)))

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
        values: list[Any] = [every_ns or 1, app, objective, since_ns, until_ns or _NEVER]
        query = _FIND.format(tenant="''", scope="")
        if tenant is not None:
            query = _FIND.format(tenant="tenant", scope=" AND tenant = ?6")
            values.append(tenant)

        def work(connection: sqlite3.Connection) -> list[Cell]:
            return [
                Cell(
                    app=app,
                    objective=objective,
                    tenant=who,
                    part=part,
                    start_ns=start,
                    good=good,
                    total=total,
                    sum=sum_,
                    squares=squares,
                )
                for start, part, who, good, total, sum_, squares in connection.execute(query, values)
            ]

        return await self._file.read(work)

    async def prune(self, before_ns: int) -> int:
        """Remove old cells."""
        return await self._file.write(lambda connection: connection.execute(_PRUNE, (before_ns,)).rowcount)


def _columns(cell: Cell) -> tuple[Any, ...]:
    return (
        cell.app,
        cell.objective,
        cell.start_ns,
        cell.tenant,
        cell.part,
        cell.good,
        cell.total,
        cell.sum,
        cell.squares,
    )
