from urllib.parse import unquote, urlsplit

import pytest

from rowen.store.clickhouse.client import Server, Target


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
