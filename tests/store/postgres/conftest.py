"""A schema that is made once for a file and emptied for each of its tests: making its tables takes longer than most tests."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from rowen.store.catalog import open_store
from rowen.testing.postgres import PostgresServer
from rowen.values import SystemClock


class Schema:
    """The tables of a store, and how they were when they were new."""

    def __init__(self, server: PostgresServer) -> None:
        name = f"t{uuid4().hex}"
        self.address = f"{server.address}?schema={name}"
        asyncio.run(_opened_once(self.address))
        self._connection = psycopg.connect(server.address.replace("postgres:", "postgresql:"), autocommit=True)
        self._connection.execute(f"SET search_path TO {name}")
        self._tables = self._there()
        self._rows = [table for table in self._tables if self._connection.execute(f"TABLE {table} LIMIT 1").fetchone()]
        for table in self._rows:
            self._connection.execute(f"CREATE TEMP TABLE new_{table} AS TABLE {table}")

    def empty(self) -> None:
        """Make it as it was when it was new."""
        if more := self._there() - self._tables:
            self._connection.execute(f"DROP TABLE {', '.join(more)}")
        holds = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (TABLE {table})" for table in self._tables)
        written = {table for (table,) in self._connection.execute(holds)} | {*self._rows}
        self._connection.execute(f"TRUNCATE {', '.join(written)} RESTART IDENTITY")
        for table in self._rows:
            self._connection.execute(f"INSERT INTO {table} TABLE new_{table}")

    def close(self) -> None:
        """Close what it looks through."""
        self._connection.close()

    def _there(self) -> set[str]:
        found = self._connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {table for (table,) in found}


async def _opened_once(address: str) -> None:
    await (await open_store(address, clock=SystemClock())).close()


@pytest.fixture(scope="module")
def schema(postgres: PostgresServer) -> Iterator[Schema]:
    schema = Schema(postgres)
    yield schema
    schema.close()


@pytest.fixture
def emptied(schema: Schema) -> Iterator[str]:
    """The address of a schema in which there is nothing but the tables."""
    yield schema.address
    schema.empty()
