"""What holds for all tests: a property is no stopwatch, since the machine that runs them may be busy; a real PostgreSQL; ClickHouse's engine;
processes that are there at once."""

import gc
import os
from collections.abc import Generator
from uuid import uuid4

import pytest
from hypothesis import settings

from rowen.testing.clickhouse import ClickhouseServer
from rowen.testing.postgres import PostgresServer, Schema
from rowen.testing.processes import Nursery, Process

settings.register_profile("rowen", deadline=None)
# Matrices in tests are small. On a busy machine the threads of the library for them spin for each other: 16 s instead of 0.7.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Command lines print for programs, whatever window the tests are started from.
os.environ.pop("COLUMNS", None)
settings.load_profile("rowen")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the collector of garbage leave alone what tests are made of, which stays: to look through it again and again took a third of the collecting."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files that take long first, whatever the order of the rest: begun last, they are what all others wait for."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def postgres():
    """A real server, made for this run."""
    server = PostgresServer.made()
    yield server
    server.remove()


@pytest.fixture
def address(postgres: PostgresServer) -> str:
    """The address of a schema that is not there yet."""
    return f"{postgres.address}?schema=t{uuid4().hex}"


@pytest.fixture(scope="module")
def schema(postgres: PostgresServer):
    """The tables of a store, for the tests of a file."""
    schema = Schema(postgres)
    yield schema
    schema.close()


@pytest.fixture
def emptied(schema: Schema):
    """The address of a schema in which there is nothing but the tables."""
    yield schema.address
    schema.empty()


@pytest.fixture(scope="session")
def clickhouse():
    """ClickHouse's engine behind its HTTP interface, made for this run."""
    server = ClickhouseServer.made()
    yield server
    server.remove()


@pytest.fixture
def traces_address(clickhouse: ClickhouseServer) -> str:
    """The address of an empty database of its own, for traces."""
    return f"{clickhouse.address}/t{uuid4().hex}"


@pytest.fixture(scope="session")
def nursery():
    """What starts processes quickly."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def run_program(nursery: Nursery):
    """Starts a process that runs the text of a program with arguments; one that still runs in the end is killed."""
    running: list[Process] = []

    def started(program: str, *args: object) -> Process:
        running.append(nursery.start(program, *args))
        return running[-1]

    yield started
    for process in running:
        process.end()
