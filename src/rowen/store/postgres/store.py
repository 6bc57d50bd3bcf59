"""All families in one PostgreSQL database, in a schema of their own."""

import re
from typing import Annotated, Any

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from rowen.store.postgres import cache, counters, kept, knowledge, measures, runs, scores, traces
from rowen.store.postgres.database import PostgresDatabase
from rowen.store.postgres.shape import make_schema, make_tables
from rowen.store.sql.audit import SqlAudit
from rowen.store.sql.definitions import SqlDefinitions
from rowen.store.sql.keys import SqlKeys
from rowen.store.sql.records import SqlRecords
from rowen.store.sql.tenants import SqlRevision, SqlTenants
from rowen.store.sql.turns import SqlTurns
from rowen.values import Clock, Mistaken, Value

SCRIPTS = (
    (*counters.SCRIPT, *cache.SCRIPT, *measures.SCRIPT, *scores.SCRIPT, *traces.SCRIPT),
    (*measures.HOURS, *kept.SCRIPT),
    knowledge.SCRIPT,
    runs.SCRIPT,
    knowledge.RELATIONS,
    knowledge.TABLES,
)
"""The steps of the hand-written tables, oldest first."""

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class PostgresOptions(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the address of a store may say after the question mark."""

    schema: str = "rowen"
    """The schema of the tables; it is made if it is not there."""
    connections: Annotated[int, msgspec.Meta(ge=1, le=100)] = 4
    """Connections of one process for live calls; as many again are for traces, scores, knowledge and searches."""
    connect_timeout: int = 5
    """Seconds."""
    sslmode: str = ""
    """These are libpq's: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS."""
    sslrootcert: str = ""
    sslcert: str = ""
    sslkey: str = ""
    target_session_attrs: str = ""


class PostgresStore:
    """The records of one deployment, shared by the processes of several machines."""

    def __init__(self, target: dict[str, Any], options: PostgresOptions, clock: Clock) -> None:
        self._target = target
        self._schema = options.schema
        self._place = f"PostgreSQL at {target.get('host') or 'its usual socket'}/{target.get('dbname') or ''}"
        # What answers calls has connections of its own, so that no search is ahead of it.
        self._live, self._rest = (
            PostgresDatabase(target, schema=options.schema, place=self._place, connections=options.connections)
            for _ in range(2)
        )
        self.keys = SqlKeys(self._live)
        self.tenants = SqlTenants(self._live)
        self.audit = SqlAudit(self._live)
        self.revisions = SqlRevision(self._live)
        self.definitions = SqlDefinitions(self._live, clock)
        self.turns = SqlTurns(self._live)
        self.counters = counters.PostgresCounters(self._live)
        self.cache = cache.PostgresCache(self._live)
        self.traces = traces.PostgresTraces(self._rest)
        self.scores = scores.PostgresScores(self._rest)
        self.records = SqlRecords(self._live)
        self.measures = measures.PostgresMeasures(self._rest)
        self.runs = runs.PostgresRuns(self._rest)
        self.knowledge = knowledge.PostgresKnowledge(self._rest)

    async def open(self) -> None:
        """Make or bring up to date the tables.

        Raises:
            Unavailable: `store_unavailable`.

        """
        try:
            await self._live.apart(lambda: make_schema(self._target, self._schema, self._place))
            await make_tables(self._live, SCRIPTS)
        except BaseException:
            await self.close()
            raise

    async def check(self) -> dict[str, str]:
        """Return the database, with its health."""
        place = f"{self._place}, schema {self._schema}"
        return {
            f"keys, tenants, users, audit, definitions, turns, records, counters, cache ({place})": (
                await self._live.check()
            ),
            f"traces, scores, measures, runs, knowledge ({place})": await self._rest.check(),
        }

    async def close(self) -> None:
        """Finish what was begun and close all connections."""
        await self._rest.close()
        await self._live.close()


async def open_at(place: str, options: dict[str, str], *, clock: Clock) -> PostgresStore:
    """Open the store in a database: `//USER:PASSWORD@HOST:PORT/DATABASE`, each part as libpq has it.

    Raises:
        Mistaken: `config_invalid` for an address or option that is not one.
        Unavailable: `store_unavailable`.

    """
    try:
        read = msgspec.convert(options, PostgresOptions, strict=False)
    except msgspec.ValidationError as error:
        raise Mistaken("config_invalid", f"the store's address has a wrong option: {error}") from error
    if not _SCHEMA.fullmatch(read.schema):
        raise Mistaken("config_invalid", "the store's `schema` is a name of small letters, digits and underscores")
    try:
        target = conninfo_to_dict(f"postgres:{place}") if place.startswith("//") else {}
    except psycopg.Error:
        target = {}
    if not target:  # what is wrong is not repeated: it may hold a password
        raise Mistaken("config_invalid", "the store's address is not one: write `postgres://USER@HOST/DATABASE`")
    given = {name: value for name in _LIBPQ if (value := getattr(read, name))}
    store = PostgresStore({**_QUICK, **given, **target}, read, clock)
    await store.open()
    return store


_LIBPQ = ("connect_timeout", "sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs")
_QUICK = {"application_name": "rowen", "tcp_user_timeout": 15_000, "keepalives_idle": 30}
"""A server that is gone without a word is noticed within a quarter of a minute."""
