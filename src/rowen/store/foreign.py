"""Rows of other people's databases, read and never written: what `[retrieve]` sources of the kind `sql` ask."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rowen.values import Mistaken, Unavailable

_PORTION = 1_000


class Row(NamedTuple):
    """One row, by the names of its columns."""

    columns: dict[str, Any]


class Foreign:
    """The rows of one query. Blocks; used from a thread.

    Args:
        address: an SQLAlchemy URL: `postgresql+psycopg://…`, `sqlite:///shop.db`.
        query: one `SELECT`, without a semicolon at its end.
        key: the columns that tell rows apart.
        cursor: a column that grows with every change of a row; empty to read all rows each time.

    Raises:
        Mistaken: `config_invalid` for an address that cannot be meant, `extra_missing` without its driver.

    """

    def __init__(self, address: str, query: str, key: Sequence[str], cursor: str = "") -> None:
        self._engine = _engine(address)
        self._query = query.strip().rstrip(";")
        self._key = tuple(key)
        self._cursor = cursor

    def rows(self, since: str) -> Iterator[Row]:
        """Yield the rows, or those whose cursor is at or beyond a value; in the cursor's order.

        Raises:
            Unavailable: `source_unreadable`.

        """
        where = f"WHERE {_name(self._cursor)} >= :since" if self._cursor and since else ""
        order = f"ORDER BY {_name(self._cursor)}" if self._cursor else ""
        yield from self._asked(
            f"SELECT * FROM ({self._query}) AS source {where} {order}",  # noqa: S608 - the query is the operator's own
            {"since": since} if where else {},
        )

    def keys(self) -> Iterator[tuple[str, ...]]:
        """Yield the keys of all rows that are there now."""
        names = ", ".join(_name(each) for each in self._key)
        for row in self._asked(f"SELECT {names} FROM ({self._query}) AS source", {}):  # noqa: S608 - as above
            yield tuple(str(row.columns[each]) for each in self._key)

    def _asked(self, sql: str, values: dict[str, Any]) -> Iterator[Row]:
        try:
            with self._engine.connect() as opened:
                connection = _read_only(opened).execution_options(stream_results=True, yield_per=_PORTION)
                for row in connection.execute(text(sql), values).mappings():
                    yield Row(dict(row))
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0][:300]
            raise Unavailable("source_unreadable", f"the database answers: {reason}", who="sql") from error


def _read_only(connection: Connection) -> Connection:
    match connection.dialect.name:
        case "postgresql":
            return connection.execution_options(postgresql_readonly=True)
        case "sqlite":
            connection.execute(text("PRAGMA query_only = ON"))
            return connection
        case _:
            return connection  # the account's own rights are the bound; docs/how-to/knowledge.md says so


def _engine(address: str) -> Engine:
    try:
        url: URL = make_url(address)
        return create_engine(url, poolclass=NullPool)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise Mistaken("config_invalid", "the address of the database is none that SQLAlchemy knows") from error
    except ModuleNotFoundError as error:
        raise Mistaken("extra_missing", f"this database needs the package `{error.name}`") from error


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
