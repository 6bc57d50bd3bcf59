"""The audit log: lines are appended, and nothing here changes or removes one."""

import msgspec
from sqlalchemy import Connection, insert, select

from rowen.store.chain import chained
from rowen.store.sql.database import Database
from rowen.store.sql.tables import audit
from rowen.values import AuditEntry

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AuditEntry).decode

_LAST = select(audit.c.chain).order_by(audit.c.number.desc()).limit(1)
_IN_ORDER = select(audit.c.id, audit.c.tenant, audit.c.chain, audit.c.record).order_by(audit.c.number)


class SqlAudit:
    """The append-only, hash-chained log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, entry: AuditEntry) -> AuditEntry:
        """Append a line after the last one of all processes and return it with its chain."""

        def work(connection: Connection) -> AuditEntry:
            line = chained(entry, connection.execute(_LAST).scalar() or "")
            record = _encode(line.but(chain="")).decode()
            connection.execute(insert(audit).values(id=line.id, tenant=line.tenant, chain=line.chain, record=record))
            return line

        return await self._database.write(work)

    async def entries(self, tenant: str | None = None, *, before: str = "", limit: int = 100) -> list[AuditEntry]:
        """Return lines, newest first."""
        query = select(audit.c.chain, audit.c.record).order_by(audit.c.number.desc()).limit(limit)
        if tenant is not None:
            query = query.where(audit.c.tenant == tenant)
        if before:
            query = query.where(audit.c.number < select(audit.c.number).where(audit.c.id == before).scalar_subquery())
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_decode(row.record).but(chain=row.chain) for row in rows]

    async def broken_at(self) -> str | None:
        """Return the id of the first line whose chain, id or tenant does not fit its record."""

        def work(connection: Connection) -> str | None:
            before = ""
            for row in connection.execute(_IN_ORDER):
                try:
                    line = _decode(row.record)
                except msgspec.MsgspecError:
                    return str(row.id)
                if chained(line, before).chain != row.chain or (line.id, line.tenant) != (row.id, row.tenant):
                    return str(row.id)
                before = row.chain
            return None

        return await self._database.read(work)
