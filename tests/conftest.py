"""What holds for all tests: a property is no stopwatch, since the machine that runs them may be busy; a real PostgreSQL."""

from uuid import uuid4

import pytest
from hypothesis import settings

from rowen.testing.postgres import PostgresServer

settings.register_profile("rowen", deadline=None)
settings.load_profile("rowen")


@pytest.fixture(scope="session")
def postgres():
    """A real server, made for this run."""
    server = PostgresServer.made()
    yield server
    server.remove()


@pytest.fixture
def address(postgres: PostgresServer) -> str:
    """The address of an empty schema of its own."""
    return f"{postgres.address}?schema=t{uuid4().hex}"
