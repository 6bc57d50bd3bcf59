"""`rowen.db`: SQLAlchemy over one SQLite connection in a thread of its own."""

import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, create_mock_engine, event
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from rowen.store.migrations import HEAD
from rowen.store.migrations.upgrade import upgrade
from rowen.store.newer import newer
from rowen.store.sql.tables import metadata, version
from rowen.store.sqlite.faults import problem_of
from rowen.store.sqlite.file import FileOptions, opened
from rowen.store.sqlite.thread import Line
from rowen.values import Broken, Unavailable

T = TypeVar("T")

_THERE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
_VERSION = f"SELECT {version.c.version_num.name} FROM {version.name}"  # noqa: S608 - made of constants


class SqliteDatabase:
    """The database of the metadata families in one file.

    Args:
        path: where it is.
        options: from the store's address.

    """

    def __init__(self, path: Path, options: FileOptions) -> None:
        self.path = path
        self._options = options
        self._line = Line(path.stem)
        self._engine: Engine | None = None

    async def open(self) -> None:
        """Open the file and bring its tables up to date.

        Raises:
            Broken: `store_corrupt`. Unavailable: `store_unavailable`.

        """

        def work() -> None:
            connection = opened(self.path, self._options)
            self._engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
            event.listen(self._engine, "begin", _begin)
            if self._read(_stored) != HEAD:
                self._write(_grow)

        await self._line.run(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Return what a piece of reading gives."""
        return await self._line.run(lambda: self._read(work))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do a piece of writing in one transaction: all of it or nothing."""
        return await self._line.run(lambda: self._write(work))

    async def check(self) -> str:
        """Return `ok` when the file could be written now, else a sentence."""
        try:
            await self.write(_stored)
        except (Unavailable, Broken) as problem:
            return problem.message
        return "ok"

    async def close(self) -> None:
        """Finish what was begun and close the connection."""
        if self._engine is not None:
            await self._line.run(self._engine.dispose)
            self._engine = None
        await self._line.close()

    def _read(self, work: Callable[[Connection], T]) -> T:
        return self._guarded(work, write=False)

    def _write(self, work: Callable[[Connection], T]) -> T:
        return self._guarded(work, write=True)

    def _guarded(self, work: Callable[[Connection], T], *, write: bool) -> T:
        if self._engine is None:
            raise Unavailable("store_unavailable", f"{self.path.name} is closed", place=self.path.name, who="store")
        try:
            with self._engine.connect().execution_options(write=write) as connection, connection.begin():
                return work(connection)
        except DBAPIError as error:
            if isinstance(error.orig, sqlite3.Error):
                raise problem_of(error.orig, self.path) from error.orig
            raise


def _begin(connection: Connection) -> None:
    # The driver is in autocommit mode, so the transaction begins here: a writer waits for its turn at once.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")


def _stored(connection: Connection) -> str:
    """Return the revision of the database, empty for a fresh one."""
    if connection.exec_driver_sql(_THERE, (version.name,)).first() is None:
        return ""
    return connection.exec_driver_sql(_VERSION).scalar() or ""


@cache
def _tables() -> tuple[str, ...]:
    """Return the statements that make all tables: to write them takes longer than to run them."""
    made: list[str] = []
    dialect = SQLiteDialect()
    engine = create_mock_engine(
        "sqlite://", lambda made_of, *_, **__: made.append(str(made_of.compile(dialect=dialect)))
    )
    metadata.create_all(engine, checkfirst=False)
    return tuple(made)


def _grow(connection: Connection) -> None:
    stored = _stored(connection)  # once more: another process may have been quicker
    if stored == HEAD:
        return
    if stored > HEAD:
        raise newer("rowen.db")
    if not stored:
        for statement in _tables():
            connection.exec_driver_sql(statement)
        connection.execute(version.insert().values(version_num=HEAD))
        return
    upgrade(connection)
