"""Definitions that ran here."""

import msgspec
from sqlalchemy import Connection, insert, select

from rowen.store.sql.database import Database, grow
from rowen.store.sql.tables import definitions
from rowen.values import Clock, Definition

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Definition).decode


class SqlDefinitions:
    """Definitions by hash, in the order in which they were first seen."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def put(self, definition: Definition) -> None:
        """Keep a definition; one that is there already stays as it is."""

        def work(connection: Connection) -> None:
            known = select(definitions.c.number).where(definitions.c.hash == definition.hash)
            if connection.execute(known).first() is not None:
                return
            connection.execute(
                insert(definitions).values(
                    hash=definition.hash,
                    app=definition.app,
                    seen_ns=self._clock.now_ns(),
                    record=_encode(definition).decode(),
                )
            )
            grow(connection)

        await self._database.write(work)

    async def get(self, hash: str) -> Definition | None:
        """Return a definition by hash."""
        query = select(definitions.c.record).where(definitions.c.hash == hash)
        record = await self._database.read(lambda connection: connection.execute(query).scalar())
        return _decode(record) if record is not None else None

    async def all(self, app: str | None = None) -> list[Definition]:
        """Return the definitions, oldest first."""
        query = select(definitions.c.record).order_by(definitions.c.number)
        if app is not None:
            query = query.where(definitions.c.app == app)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_decode(row.record) for row in rows]
