"""What objectives counted: one row a minute, objective, tenant and part, and their sums by the hour."""

from collections.abc import Sequence

from rowen.store.base import Cell
from rowen.store.postgres.database import PostgresDatabase, Raw
from rowen.store.sums import HOUR_NS
from rowen.store.tallied import cell_of, columns, hours_of, pieces_of

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

_SUMMED = f"""SELECT app, objective, start_ns / {HOUR_NS} * {HOUR_NS}, tenant, part,
    sum(good)::bigint, sum(total)::bigint, sum(sum), sum(squares) FROM cells"""  # noqa: S608 - made of constants
HOURS = (
    """
CREATE TABLE hours (LIKE cells INCLUDING ALL)
""",
    f"INSERT INTO hours {_SUMMED} GROUP BY 1, 2, 3, 4, 5",
)
"""The step that came later: sums by the hour."""

_DROP = "DELETE FROM {table} WHERE app = %s AND objective = ANY(%s) AND start_ns >= %s AND start_ns < %s"
_PUT = """
INSERT INTO cells VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (app, objective, start_ns, tenant, part) DO UPDATE SET
    good = excluded.good, total = excluded.total, sum = excluded.sum, squares = excluded.squares
"""
_ADD = """
INSERT INTO {table} VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (app, objective, start_ns, tenant, part) DO UPDATE SET
    good = {table}.good + excluded.good, total = {table}.total + excluded.total,
    sum = {table}.sum + excluded.sum, squares = {table}.squares + excluded.squares
"""
_SUM_HOURS = f"""INSERT INTO hours {_SUMMED}
WHERE app = %s AND objective = ANY(%s) AND start_ns >= %s AND start_ns < %s GROUP BY 1, 2, 3, 4, 5"""
# Hours are summed up from minutes, so those who change the minutes of an app wait for one another.
_ALONE = "SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext('hours ' || %s))"
_PIECE = """SELECT start_ns, tenant, part, good, total, sum, squares FROM {table}
WHERE app = %s AND objective = %s AND start_ns >= %s AND start_ns < %s{scope}"""
_FIND = """
SELECT start_ns / {every} * {every} AS start, part, {who} AS who,
    sum(good)::bigint, sum(total)::bigint, sum(sum), sum(squares)
FROM ({pieces}) AS found GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_PRUNE = "DELETE FROM cells WHERE start_ns < %s"
_PRUNE_HOURS = "DELETE FROM hours WHERE start_ns < %s"
_TOUCHED = "SELECT app, array_agg(DISTINCT objective) FROM hours WHERE start_ns = %s GROUP BY app ORDER BY app"


class PostgresMeasures:
    """Cells in one table."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def replace(
        self, app: str, objectives: Sequence[str], *, since_ns: int, until_ns: int, cells: Sequence[Cell]
    ) -> None:
        """Put cells in place of those of a stretch of time, in one transaction."""

        def work(raw: Raw) -> None:
            raw.execute(_ALONE, (app,))
            raw.execute(_DROP.format(table="cells"), (app, list(objectives), since_ns, until_ns))
            raw.cursor().executemany(_PUT, sorted(map(columns, cells)))
            _sum_again(raw, (app, list(objectives), *hours_of(since_ns, until_ns, cells)))

        await self._database.change(work)

    async def add(self, cell: Cell) -> None:
        """Add to a cell."""

        def work(raw: Raw) -> None:
            raw.execute(_ALONE, (cell.app,))
            hour = cell.but(start_ns=cell.start_ns // HOUR_NS * HOUR_NS)
            for table, each in (("cells", cell), ("hours", hour)):
                raw.execute(_ADD.format(table=table), columns(each))

        await self._database.change(work)

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
        scope, scoped = ("", []) if tenant is None else (" AND tenant = %s", [tenant])
        parts = [_PIECE.format(table="hours" if unit == HOUR_NS else "cells", scope=scope) for unit, _, _ in runs]
        who = "''" if tenant is None else "tenant"
        query = _FIND.format(who=who, every=every_ns or 1, pieces=" UNION ALL ".join(parts))
        values = [value for _, first, end in runs for value in (app, objective, first, end, *scoped)]
        rows = await self._database.change(lambda raw: raw.execute(query, values).fetchall())
        return [cell_of(app, objective, each) for each in rows]

    async def prune(self, before_ns: int) -> int:
        """Remove old cells."""

        def work(raw: Raw) -> int:
            hour = before_ns // HOUR_NS * HOUR_NS
            cut = raw.execute(_TOUCHED, (hour,)).fetchall()
            for app, _ in cut:
                raw.execute(_ALONE, (app,))
            removed = raw.execute(_PRUNE, (before_ns,)).rowcount
            raw.execute(_PRUNE_HOURS, (hour,))
            for app, objectives in cut:
                _sum_again(raw, (app, objectives, hour, hour + HOUR_NS))
            return removed

        return await self._database.change(work)


def _sum_again(raw: Raw, place: tuple[str, list[str], int, int]) -> None:
    """Sum up the hours of objectives from their minutes."""
    raw.execute(_DROP.format(table="hours"), place)
    raw.execute(_SUM_HOURS, place)
