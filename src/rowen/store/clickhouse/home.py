"""A home for traces alone: one database of a ClickHouse server."""

import os
from typing import Annotated
from urllib.parse import unquote, urlsplit

import msgspec

from rowen.store.clickhouse import costs, hours, rows
from rowen.store.clickhouse.client import Client, Server, Target
from rowen.store.clickhouse.traces import ClickhouseTraces
from rowen.store.newer import newer
from rowen.values import Clock, Mistaken, Unavailable, Value

SCRIPTS = ((*rows.SCRIPT, *hours.SCRIPT), costs.SCRIPT)
"""The steps of the tables, oldest first. A step may be run again, since it may be cut short. Columns that are new in
`rows.COLUMNS` need none."""

_SHAPE = "CREATE TABLE IF NOT EXISTS shape (count UInt32) ENGINE = ReplacingMergeTree ORDER BY count"
_THERE = "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = ?"
_OLDEST = (26, 2)
"""The first version whose full-text index is meant for use."""


class ClickhouseOptions(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the address may say after the question mark."""

    tls: bool = False
    """Speak HTTPS."""
    ca: str = ""
    """A file with the certificates (PEM) to trust, in place of the machine's."""
    connections: Annotated[int, msgspec.Meta(ge=1, le=100)] = 4
    """Queries of one process that run at once; writing has a connection of its own."""
    connect_timeout: Annotated[int, msgspec.Meta(ge=1)] = 5
    """Seconds."""
    timeout: Annotated[int, msgspec.Meta(ge=1)] = 60
    """Seconds that a query may take."""


class ClickhouseHome:
    """Traces in a ClickHouse database, shared by the processes of several machines."""

    def __init__(self, target: Target, options: ClickhouseOptions, clock: Clock) -> None:
        self._target = target
        self._client = Client(target, connections=options.connections)
        self.traces = ClickhouseTraces(self._client, clock)

    async def open(self) -> None:
        """Make or bring up to date the database and its tables.

        Raises:
            Unavailable: `store_unavailable`, also for a server that is too old; `store_newer`.

        """
        try:
            await self._client.change(self._make)
        except BaseException:
            await self.close()
            raise

    async def check(self) -> dict[str, str]:
        """Return the database, with its health."""
        return {f"traces ({self._target.place})": await self._client.check()}

    async def close(self) -> None:
        """Finish what was begun and close all connections."""
        await self._client.close()

    def _make(self, server: Server) -> None:
        target = self._target
        version = server.version()
        if version < _OLDEST:
            raise Unavailable(
                "store_unavailable",
                f"{target.place} is version {'.'.join(map(str, version))}; Rowen needs "
                f"{'.'.join(map(str, _OLDEST))} or newer",
                place=target.place,
                who="store",
            )
        server.run(f"CREATE DATABASE IF NOT EXISTS `{target.database}`", nowhere=True)
        server.run(_SHAPE)
        done = max((count for (count,) in server.lists("SELECT count FROM shape")), default=0)
        if done > len(SCRIPTS):
            raise newer(target.place)
        for number, script in enumerate(SCRIPTS[done:], done + 1):
            for statement in script:
                server.run(statement)
            server.insert("shape", ("count",), [(number,)])
        for table, columns in rows.COLUMNS.items():
            there = {name for (name,) in server.lists(_THERE, [table])}
            for name in columns.keys() - there:
                server.run(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS `{name}` {columns[name]}")


async def open_at(place: str, options: dict[str, str], *, clock: Clock) -> ClickhouseHome:
    """Open the traces in a database: `//USER:PASSWORD@HOST:PORT/DATABASE`. Only the host must be given.

    Without a password, that of the variable `CLICKHOUSE_PASSWORD` is taken, as ClickHouse's own client does.

    Raises:
        Mistaken: `config_invalid` for an address or option that is not one.
        Unavailable: `store_unavailable`.

    """
    try:
        read = msgspec.convert(options, ClickhouseOptions, strict=False)
    except msgspec.ValidationError as error:
        raise Mistaken("config_invalid", f"the address of the traces has a wrong option: {error}") from error
    try:
        parts = urlsplit(place)
        host, port = parts.hostname or "", parts.port or (8443 if read.tls else 8123)
    except ValueError:
        host = ""
    database = parts.path.strip("/") or "rowen" if host else ""
    if not database.replace("_", "a").isalnum() or not database.isascii():
        # What is wrong is not repeated: it may hold a password.
        raise Mistaken("config_invalid", "the address is not one: write `clickhouse://USER@HOST/DATABASE`")
    target = Target(
        host=host,
        port=port,
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or "") or os.environ.get("CLICKHOUSE_PASSWORD", ""),
        database=database,
        tls=read.tls,
        ca=read.ca,
        connect_timeout=read.connect_timeout,
        timeout=read.timeout,
    )
    home = ClickhouseHome(target, read, clock)
    await home.open()
    return home
