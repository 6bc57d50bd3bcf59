"""Answers that a later request may go on from."""

import msgspec
from sqlalchemy import Connection, delete, insert, select

from rowen.store.base import Turn
from rowen.store.sql.database import Database
from rowen.store.sql.tables import turns

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Turn).decode


class SqlTurns:
    """Answers by tenant and id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, turn: Turn) -> None:
        """Keep an answer."""

        def work(connection: Connection) -> None:
            connection.execute(delete(turns).where(turns.c.tenant == turn.tenant, turns.c.id == turn.id))
            connection.execute(
                insert(turns).values(
                    tenant=turn.tenant, id=turn.id, created_ns=turn.created_ns, record=_encode(turn).decode()
                )
            )

        await self._database.write(work)

    async def get(self, id: str, tenant: str) -> Turn | None:
        """Return an answer of a tenant."""
        query = select(turns.c.record).where(turns.c.tenant == tenant, turns.c.id == id)
        record = await self._database.read(lambda connection: connection.execute(query).scalar())
        return _decode(record) if record is not None else None

    async def delete(self, id: str, tenant: str) -> bool:
        """Remove an answer; False when it was not there."""
        statement = delete(turns).where(turns.c.tenant == tenant, turns.c.id == id)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount > 0)

    async def prune(self, before_ns: int) -> int:
        """Remove the answers kept before a moment."""
        statement = delete(turns).where(turns.c.created_ns < before_ns)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)
