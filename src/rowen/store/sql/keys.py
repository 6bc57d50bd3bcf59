"""API keys."""

import msgspec
from sqlalchemy import Connection, bindparam, insert, or_, select, update

from rowen.store.sql.database import Database, grow
from rowen.store.sql.tables import keys
from rowen.values import Key, Mistaken

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Key).decode

_COLUMNS = (keys.c.record, keys.c.last_used_ns)
_TOUCH = (
    update(keys)
    .where(keys.c.id == bindparam("key"))
    .where(or_(keys.c.last_used_ns.is_(None), keys.c.last_used_ns < bindparam("used")))
    .values(last_used_ns=bindparam("used"))
)


class SqlKeys:
    """API keys by id and digest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, key: Key) -> None:
        """Write a key. Its last use never goes back.

        Raises:
            Mistaken: `conflict` when another key has the same digest.

        """

        def work(connection: Connection) -> None:
            same = select(keys.c.id).where(keys.c.digest == key.digest, keys.c.id != key.id)
            if connection.execute(same).first() is not None:
                raise Mistaken("conflict", "another key has the same digest")
            found = connection.execute(select(keys.c.last_used_ns).where(keys.c.id == key.id)).first()
            used = max((found.last_used_ns if found else None) or 0, key.last_used_ns or 0) or None
            row = {
                "digest": key.digest,
                "tenant": key.tenant,
                "last_used_ns": used,
                "record": _encode(key.but(last_used_ns=None)).decode(),
            }
            if found is None:
                connection.execute(insert(keys).values(id=key.id, **row))
            else:
                connection.execute(update(keys).where(keys.c.id == key.id).values(**row))
            grow(connection)

        await self._database.write(work)

    async def get(self, id: str) -> Key | None:
        """Return a key by id."""
        query = select(*_COLUMNS).where(keys.c.id == id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return _key(row.record, row.last_used_ns) if row is not None else None

    async def all(self, tenant: str | None = None) -> list[Key]:
        """Return the keys by id."""
        query = select(*_COLUMNS).order_by(keys.c.id)
        if tenant is not None:
            query = query.where(keys.c.tenant == tenant)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_key(row.record, row.last_used_ns) for row in rows]

    async def touch(self, used: dict[str, int]) -> None:
        """Move the last use of keys forward. The revision stays: nothing that decides has changed."""
        if used:
            rows = [{"key": id, "used": used_ns} for id, used_ns in used.items()]
            await self._database.write(lambda connection: connection.execute(_TOUCH, rows))


def _key(record: str, last_used_ns: int | None) -> Key:
    return _decode(record).but(last_used_ns=last_used_ns)
