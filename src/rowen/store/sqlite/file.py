"""One database file: looked at before it is opened, made private, and opened with the settings that all files share."""

import asyncio
import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import TypeVar

from rowen.store.newer import newer
from rowen.store.sqlite.faults import folder_problem, problem_of
from rowen.store.sqlite.thread import Line
from rowen.values import Broken, Settings, Unavailable

T = TypeVar("T")

Script = str | Callable[[sqlite3.Connection], None]
"""SQL statements that end with a semicolon and a line's end, or a change that SQL alone cannot make."""

_CHECKED_WHOLE = 16 * 1024 * 1024  # larger files would make a start wait; SQLite finds their damage when it reads it


_LOOKS_UP = (
    20_000  # steps of SQLite's machine between two looks whether the caller of a read is still there: about 1 ms
)

_MAKING = threading.Lock()


class FileOptions(Settings, frozen=True, kw_only=True):
    """What a store's address may say after `?`."""

    busy_ms: int = 5_000
    """How long to wait for another process's write."""
    max_pages: int = 0
    """Pages of 4 KiB that a file may have at most; 0 sets no bound. Lets a full disk be tried out."""


def opened(path: Path, options: FileOptions, *, shrinks: bool = False, again: bool = False) -> sqlite3.Connection:
    """Return a connection in autocommit mode to a file that is made if it was not there.

    A file made with `shrinks` gives pages that became free back to the disk when it is told to. One that is opened
    `again` was looked at just now, which reads all of it.

    Raises:
        Broken: `store_corrupt`; the file was not written to.
        Unavailable: `store_unavailable`.

    """
    try:
        _made(path)
    except OSError as error:
        raise folder_problem(error, path.parent) from error
    try:
        if not again and path.stat().st_size:
            _examined(path, options)
        connection = sqlite3.connect(
            path, timeout=options.busy_ms / 1000, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            if shrinks:
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # of no effect once there are tables
                connection.execute("PRAGMA cache_size=-16384")
            _settled(connection, options)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise problem_of(error, path) from error
    return connection


def _made(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file that is there is never opened here: closing it would drop the locks of this process's other connections to
    # it, and another process that closes would then take the write-ahead log away from under them. See
    # https://www.sqlite.org/howtocorrupt.html, 2.2.
    with _MAKING:
        try:
            # SQLite gives `-wal` and `-shm` the mode of the file they belong to.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            if not os.access(path, os.R_OK | os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)


def _examined(path: Path, options: FileOptions) -> None:
    """Read the file through a connection that cannot write, so that a damaged one stays as it is for a rescue."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=options.busy_ms / 1000, isolation_level=None
    )
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if path.stat().st_size <= _CHECKED_WHOLE:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                raise Broken("store_corrupt", f"the database file {path.name} is damaged", place=path.name, who="store")
    finally:
        connection.close()


def _settled(connection: sqlite3.Connection, options: FileOptions) -> None:
    give_up = time.monotonic() + options.busy_ms / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
            break
        except sqlite3.OperationalError:
            # SQLite does not wait by itself when two processes make this change at once.
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
    # With WAL, NORMAL loses nothing when the process is killed, and at most the last commits when the power fails.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA journal_size_limit=67108864")
    # A page that is written again within 16 MB of log reaches the file once.
    connection.execute("PRAGMA wal_autocheckpoint=4000")
    if options.max_pages:
        connection.execute(f"PRAGMA max_page_count={options.max_pages}")


class File:
    """A database file with one connection in a thread of its own; the tables are made by numbered scripts.

    Args:
        path: where it is.
        scripts: how the tables came about; the file remembers how many of them it has seen (`user_version`).
        options: from the store's address.
        shrinks: whether pages that became free may be given back to the disk.

    """

    def __init__(self, path: Path, scripts: Sequence[Script], options: FileOptions, *, shrinks: bool = False) -> None:
        self.path = path
        self._shrinks = shrinks
        self._again = False
        self._durable = False
        self._scripts = scripts
        self._options = options
        self._line = Line(path.stem)
        self._connection: sqlite3.Connection | None = None

    def another(self) -> "File":
        """Return another connection to the file, to be opened after this one, when it is known whether the file is damaged."""
        found = File(self.path, self._scripts, self._options)
        found._again = True
        return found

    async def open(self) -> None:
        """Open the file and bring its tables up to date.

        Raises:
            Broken: `store_corrupt`. Unavailable: `store_unavailable`.

        """

        def work() -> None:
            self._connection = opened(self.path, self._options, shrinks=self._shrinks, again=self._again)
            if self._version(self._connection) != len(self._scripts):
                self._transaction(self._grow)

        await self._line.run(work)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what a piece of reading gives. It is given up when its caller leaves."""
        left = Event()

        def cancellable(connection: sqlite3.Connection) -> T:
            connection.set_progress_handler(left.is_set, _LOOKS_UP)
            try:
                return work(connection)
            finally:
                connection.set_progress_handler(None, 0)

        try:
            return await self._line.run(lambda: self._guarded(cancellable))
        except asyncio.CancelledError:
            left.set()
            raise

    async def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T:
        """Do a piece of writing in one transaction: all of it or nothing. A durable one outlives a power failure."""
        return await self._line.run(lambda: self._transaction(work, durable=durable))

    async def apart(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do what cannot be done in a transaction."""
        return await self._line.run(lambda: self._guarded(work))

    async def check(self) -> str:
        """Return `ok` when the file could be written now, else a sentence."""
        try:
            await self.write(lambda connection: connection.execute("SELECT 1 FROM sqlite_master").fetchone())
        except (Unavailable, Broken) as problem:
            return problem.message
        return "ok"

    async def close(self) -> None:
        """Finish what was begun and close the connection."""
        if self._connection is not None:
            await self._line.run(self._connection.close)
            self._connection = None
        await self._line.close()

    def _guarded(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            raise Unavailable("store_unavailable", f"{self.path.name} is closed", place=self.path.name, who="store")
        try:
            return work(self._connection)
        except sqlite3.Error as error:
            raise problem_of(error, self.path) from error

    def _transaction(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T:
        def whole(connection: sqlite3.Connection) -> T:
            if durable is not self._durable:
                connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                self._durable = durable
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                # A full disk makes SQLite roll back by itself.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result

        return self._guarded(whole)

    def _grow(self, connection: sqlite3.Connection) -> None:
        version = self._version(connection)  # once more: another process may have been quicker
        if version > len(self._scripts):
            raise newer(self.path.name)
        for script in self._scripts[version:]:
            if isinstance(script, str):
                for statement in script.split(";\n"):
                    connection.execute(statement)
            else:
                script(connection)
        connection.execute(f"PRAGMA user_version={len(self._scripts)}")

    def _version(self, connection: sqlite3.Connection) -> int:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return int(version)
