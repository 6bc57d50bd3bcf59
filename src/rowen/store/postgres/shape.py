"""The tables of a schema: made when it is new, brought up to date when it is older, refused when it is newer."""

from collections.abc import Callable, Sequence

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection, select

from rowen.store.migrations import HEAD
from rowen.store.migrations.upgrade import upgrade
from rowen.store.newer import newer
from rowen.store.postgres.database import PostgresDatabase, Raw
from rowen.store.postgres.faults import problem_of
from rowen.store.sql.tables import metadata, version
from rowen.values import Unavailable

_FOLDING = ("pg_unicode_fast", "pg_c_utf8", "und-x-icu")
"""Collations that know the small letters of all scripts, the best first: https://www.postgresql.org/docs/current/collation.html."""


Script = Sequence[str | Callable[[Raw], None]]
"""One step: statements, and what fills tables that SQL alone cannot."""


def make_schema(target: dict[str, object], schema: str, place: str) -> None:
    """Make the schema if it is not there.

    Raises:
        Unavailable: `store_unavailable` when the database cannot be reached, or has no room for a schema.

    """
    try:
        with psycopg.connect(**target, autocommit=True) as connection:  # type: ignore[arg-type]
            (encoding,) = connection.execute("SHOW server_encoding").fetchone() or ("",)
            if encoding != "UTF8":
                raise Unavailable(
                    "store_unavailable", f"{place}: the database is in {encoding}, and UTF8 is needed", who="store"
                )
            found = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone()
            if found is None:
                connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema)))
    except psycopg.errors.UniqueViolation:
        return  # another process was quicker
    except psycopg.Error as error:
        raise problem_of(error, place) from None


async def make_tables(database: PostgresDatabase, scripts: Sequence[Script]) -> None:
    """Make the tables that are missing, in one transaction that every other process waits for.

    Args:
        database: where.
        scripts: the steps of the hand-written tables, oldest first.

    Raises:
        Unavailable: `store_newer` for a schema that a newer Rowen has written.

    """

    def work(connection: Connection) -> None:
        _grow_metadata(connection, database.place)
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        _grow_rest(raw, database.place, scripts)

    await database.write(work)


def _grow_metadata(connection: Connection, place: str) -> None:
    if not _there(connection, version.name):
        metadata.create_all(connection, checkfirst=False)
        connection.execute(version.insert().values(version_num=HEAD))
        return
    stored = connection.execute(select(version.c.version_num)).scalar() or ""
    if stored > HEAD:
        raise newer(place)
    if stored < HEAD:
        upgrade(connection)


def _grow_rest(raw: Raw, place: str, scripts: Sequence[Script]) -> None:
    raw.execute("CREATE TABLE IF NOT EXISTS shape (id integer PRIMARY KEY, count integer NOT NULL)")
    raw.execute("INSERT INTO shape VALUES (1, 0) ON CONFLICT DO NOTHING")
    (done,) = raw.execute("SELECT count FROM shape").fetchone() or (0,)
    if done > len(scripts):
        raise newer(place)
    folding = _folding(raw)
    for script in scripts[done:]:
        for statement in script:
            if isinstance(statement, str):
                raw.execute(statement.replace("FOLDING", folding))
            else:
                statement(raw)
    raw.execute("UPDATE shape SET count = %s", (len(scripts),))


def _there(connection: Connection, table: str) -> bool:
    return connection.exec_driver_sql("SELECT to_regclass(%s) IS NOT NULL", (table,)).scalar() is True


def _folding(raw: Raw) -> str:
    known = {
        name for (name,) in raw.execute("SELECT collname FROM pg_collation WHERE collname = ANY(%s)", (list(_FOLDING),))
    }
    return next((f'"{name}"' for name in _FOLDING if name in known), '"default"')
