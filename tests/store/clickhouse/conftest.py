from collections.abc import Iterator
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest

from rowen.store.clickhouse.client import Server, Target
from rowen.testing.clickhouse import ClickhouseServer

_WRITTEN = "SELECT DISTINCT table FROM system.parts WHERE database = currentDatabase() AND active AND table <> 'shape'"


@pytest.fixture(scope="module")
def database(clickhouse: ClickhouseServer) -> str:
    """The address of a database for the tests of a file."""
    return f"{clickhouse.address}/t{uuid4().hex}"


@pytest.fixture
def emptied_traces(database: str, server_of) -> Iterator[str]:
    """The address of a database in which there is nothing but the tables, which a file's first test makes."""
    yield database
    server = server_of(database)
    for (table,) in server.lists(_WRITTEN):
        server.run(f"TRUNCATE TABLE {table}")


@pytest.fixture
def server_of():
    """The server of an address, to look at what a store has left there."""
    made: list[Server] = []

    def server(address: str) -> Server:
        parts = urlsplit(address)
        target = Target(
            host=parts.hostname or "",
            port=parts.port or 0,
            user=parts.username or "",
            password=unquote(parts.password or ""),
            database=parts.path.strip("/"),
        )
        made.append(Server(target))
        return made[-1]

    yield server
    for each in made:
        each.close()
