"""Connections to one PostgreSQL database, used in threads, so that the event loop never waits for the network."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import psycopg
from psycopg import IsolationLevel
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from rowen.store.postgres.faults import character, problem_of
from rowen.values import Broken, Problem, Unavailable

T = TypeVar("T")

Raw = psycopg.Connection[tuple[Any, ...]]
"""The driver's own connection, within a transaction."""

_TRIES = 5  # transactions that PostgreSQL gave up for another one's sake are done again


class PostgresDatabase:
    """Some connections to one database and schema.

    A caller that is cancelled stops waiting; what it handed in is done all the same, whole. A connection that was cut
    is found out before it is used, and a new one made, so a server that comes back is used again at once.

    Args:
        target: what psycopg connects with.
        schema: the schema that all tables are in.
        place: what the database is called in sentences.
        connections: how many there are at most.

    """

    def __init__(self, target: dict[str, Any], *, schema: str, place: str, connections: int) -> None:
        self.schema = schema
        self.place = place
        self._target = target
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="rowen-postgres")
        self._engine: Engine | None = create_engine(
            "postgresql+psycopg://",
            creator=self._connected,
            poolclass=QueuePool,
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,
            use_native_hstore=False,  # no column has that type, and to look whether there is one asks the server
        )

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Return what a piece of reading gives."""
        return await self._run(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do a piece of writing in one transaction that waits for, and holds off, every other of its kind."""

        def alone(connection: Connection) -> T:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (self.schema,))
            return work(connection)

        return await self._run(alone)

    async def look(self, work: Callable[[Raw], T]) -> T:
        """Return what reading through the driver gives, as all of it was at one moment."""

        def at_once(raw: Raw) -> T:
            raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return work(raw)

        return await self._run(lambda connection: at_once(_raw(connection)))

    async def change(self, work: Callable[[Raw], T]) -> T:
        """Do a piece of work through the driver in one transaction; it waits for others only where it locks itself."""
        return await self._run(lambda connection: work(_raw(connection)))

    async def apart(self, work: Callable[[], T]) -> T:
        """Return what a piece of work gives that makes its own connection."""
        return await asyncio.wrap_future(self._threads.submit(work))

    async def check(self) -> str:
        """Return `ok` when the database could be written now, else a sentence."""
        try:
            # A row is locked only where it could be written; two who look at once do not wait for one another.
            await self.change(lambda raw: raw.execute("SELECT count FROM shape FOR SHARE"))
        except (Unavailable, Broken) as problem:
            return problem.message
        return "ok"

    async def close(self) -> None:
        """Finish what was handed in and close the connections. Closing again changes nothing."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.to_thread(self._threads.shutdown)
            engine.dispose()

    async def _run(self, work: Callable[[Connection], T]) -> T:
        if self._engine is None:
            raise Unavailable("store_unavailable", "the store is closed", who="store")
        engine = self._engine
        future = self._threads.submit(self._guarded, engine, work)
        return await asyncio.shield(asyncio.wrap_future(future))

    def _guarded(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        for left in reversed(range(_TRIES)):
            try:
                with engine.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                fault = cast("psycopg.Error", error.orig)
            except psycopg.Error as error:
                fault = error
            except UnicodeEncodeError as error:
                raise character() from error
            if not left or not isinstance(fault, DeadlockDetected | SerializationFailure):
                raise self._problem(fault) from None
        raise AssertionError

    def _connected(self) -> Raw:
        connection = psycopg.connect(**self._target, autocommit=True)
        try:
            # To compile a query takes longer than most of them: see docs/explanation/decisions/0009-postgres.md.
            connection.execute(SQL("SET search_path TO {}; SET jit TO off").format(Identifier(self.schema)))
            connection.autocommit = False
            connection.isolation_level = IsolationLevel.READ_COMMITTED
        except BaseException:
            connection.close()
            raise
        return connection

    def _problem(self, fault: psycopg.Error) -> Problem:
        return problem_of(fault, self.place)


def _raw(connection: Connection) -> Raw:
    return cast("Raw", connection.connection.driver_connection)
