"""What many records have in common, kept once under a number."""

import sqlite3
from collections.abc import Sequence

_MOST = 50_000  # names held in memory; a deployment has some hundreds, and a caller who invents some costs no more


class Names:
    """The numbers of the rows of one table, looked up once.

    Args:
        table: with a column `number` and the columns.
        columns: which together are unique.

    """

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        wheres = " AND ".join(f"{column} = ?" for column in columns)
        self._get = f"SELECT number FROM {table} WHERE {wheres}"  # noqa: S608 - made of constants
        self._put = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - made of constants
        self._most = _MOST
        self._known: dict[tuple[str, ...], int] = {}

    def number(self, connection: sqlite3.Connection, values: tuple[str, ...]) -> int:
        """Return the number of a combination of values, which is given one if it has none."""
        number = self._known.get(values)
        if number is None:
            found = connection.execute(self._get, values).fetchone()
            number = found[0] if found else connection.execute(self._put, values).lastrowid
            assert number is not None
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[values] = number
        return number

    def forget(self) -> None:
        """Look everything up again: rows may be gone."""
        self._known.clear()
