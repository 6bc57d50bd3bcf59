"""What a query over tables may do: SQLite asks before it does anything, so no way of writing a query goes around it.

https://www.sqlite.org/c3ref/set_authorizer.html
"""

import sqlite3
from collections.abc import Collection

_FUNCTIONS = frozenset(
    [
        "abs",
        "avg",
        "cast",
        "ceil",
        "ceiling",
        "coalesce",
        "count",
        "cume_dist",
        "current_date",
        "date",
        "datetime",
        "dense_rank",
        "first_value",
        "floor",
        "glob",
        "group_concat",
        "ifnull",
        "iif",
        "instr",
        "julianday",
        "lag",
        "last_value",
        "lead",
        "length",
        "like",
        "lower",
        "ltrim",
        "max",
        "median",
        "min",
        "mod",
        "nth_value",
        "ntile",
        "nullif",
        "percent_rank",
        "rank",
        "round",
        "row_number",
        "rtrim",
        "sign",
        "strftime",
        "substr",
        "substring",
        "sum",
        "time",
        "total",
        "trim",
        "typeof",
        "upper",
    ]
)
_DOES = {
    sqlite3.SQLITE_ATTACH: "attaches a database",
    sqlite3.SQLITE_DETACH: "detaches a database",
    sqlite3.SQLITE_PRAGMA: "changes settings by PRAGMA",
    sqlite3.SQLITE_TRANSACTION: "begins or ends a transaction",
    sqlite3.SQLITE_SAVEPOINT: "sets a savepoint",
    sqlite3.SQLITE_RECURSIVE: "calls itself (RECURSIVE)",
    sqlite3.SQLITE_ALTER_TABLE: "changes a table by ALTER",
    sqlite3.SQLITE_ANALYZE: "runs ANALYZE",
    sqlite3.SQLITE_REINDEX: "runs REINDEX",
    sqlite3.SQLITE_INSERT: "writes rows by INSERT",
    sqlite3.SQLITE_UPDATE: "changes rows by UPDATE",
    sqlite3.SQLITE_DELETE: "removes rows by DELETE",
}


class Allowed:
    """Answers SQLite's questions for one query, and remembers why it said no.

    Args:
        tables: the names that may be read.

    """

    def __init__(self, tables: Collection[str]) -> None:
        self._tables = {name.lower() for name in tables}
        self.why = ""
        self.read: set[str] = set()

    def __call__(self, action: int, first: str | None, second: str | None, base: str | None, _: str | None) -> int:
        """Return whether SQLite may do something: only read the tables, by functions that touch nothing else."""
        match action:
            case sqlite3.SQLITE_SELECT:
                return sqlite3.SQLITE_OK
            case sqlite3.SQLITE_READ:
                name = (first or "").lower()
                if name in self._tables:
                    self.read.add(name)
                    return sqlite3.SQLITE_OK
                # A subquery that was given a name is asked for by it, without a column and a database.
                if not second and base is None and not name.startswith(("sqlite_", "pragma_", "json_")):
                    return sqlite3.SQLITE_OK
                return self._no(f'reads "{first}", which is none of the tables here')
            case sqlite3.SQLITE_FUNCTION:
                if (second or "").lower() in _FUNCTIONS:
                    return sqlite3.SQLITE_OK
                return self._no(f"calls {second}(), which is not allowed here")
            case _ if first == "sqlite_master":
                return self._no("makes or removes tables, or opens one that is a function")
            case _:
                return self._no(_DOES.get(action, "does something else than reading"))

    def _no(self, why: str) -> int:
        # What is asked first when a table function is opened says nothing; what it is called does.
        self.why = self.why or why
        return sqlite3.SQLITE_DENY
