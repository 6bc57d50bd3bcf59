"""What objectives counted: one row a minute, objective, tenant and part."""

from collections.abc import Sequence
from typing import Any

from rowen.store.base import Cell
from rowen.store.postgres.database import PostgresDatabase, Raw

SCRIPT = (
    """
CREATE TABLE cells (
    app text COLLATE "C" NOT NULL, objective text COLLATE "C" NOT NULL, start_ns bigint NOT NULL,
    tenant text COLLATE "C" NOT NULL, part text COLLATE "C" NOT NULL, good bigint NOT NULL, total bigint NOT NULL,
    sum double precision NOT NULL, squares double precision NOT NULL,
    PRIMARY KEY (app, objective, start_ns, tenant, part)
)
""",
    "CREATE INDEX cells_by_start ON cells (start_ns)",
)

_DROP = "DELETE FROM cells WHERE app = %s AND objective = ANY(%s) AND start_ns >= %s AND start_ns < %s"
_PUT = """
INSERT INTO cells VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (app, objective, start_ns, tenant, part) DO UPDATE SET
    good = excluded.good, total = excluded.total, sum = excluded.sum, squares = excluded.squares
"""
_ADD = """
INSERT INTO cells VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (app, objective, start_ns, tenant, part) DO UPDATE SET
    good = cells.good + excluded.good, total = cells.total + excluded.total,
    sum = cells.sum + excluded.sum, squares = cells.squares + excluded.squares
"""
_FIND = """
SELECT start_ns / %(every)s * %(every)s AS start, part, {who} AS who,
    sum(good)::bigint, sum(total)::bigint, sum(sum), sum(squares)
FROM cells WHERE app = %(app)s AND objective = %(objective)s AND start_ns >= %(since)s AND start_ns < %(until)s{scope}
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_PRUNE = "DELETE FROM cells WHERE start_ns < %s"
_NEVER = 2**63 - 1


class PostgresMeasures:
    """Cells in one table."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def replace(
        self, app: str, objectives: Sequence[str], *, since_ns: int, until_ns: int, cells: Sequence[Cell]
    ) -> None:
        """Put cells in place of those of a stretch of time, in one transaction."""

        def work(raw: Raw) -> None:
            raw.execute(_DROP, (app, list(objectives), since_ns, until_ns))
            raw.cursor().executemany(_PUT, sorted(map(_columns, cells)))

        await self._database.change(work)

    async def add(self, cell: Cell) -> None:
        """Add to a cell."""
        await self._database.change(lambda raw: raw.execute(_ADD, _columns(cell)))

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
        who, scope = ("tenant", " AND tenant = %(tenant)s") if tenant is not None else ("''", "")
        query = _FIND.format(who=who, scope=scope)
        values = {
            "every": every_ns or 1,
            "app": app,
            "objective": objective,
            "since": since_ns,
            "until": until_ns or _NEVER,
            "tenant": tenant,
        }
        rows = await self._database.change(lambda raw: raw.execute(query, values).fetchall())
        return [
            Cell(
                app=app,
                objective=objective,
                tenant=of,
                part=part,
                start_ns=start,
                good=good,
                total=total,
                sum=sum_,
                squares=squares,
            )
            for start, part, of, good, total, sum_, squares in rows
        ]

    async def prune(self, before_ns: int) -> int:
        """Remove old cells."""
        return await self._database.change(lambda raw: raw.execute(_PRUNE, (before_ns,)).rowcount)


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
