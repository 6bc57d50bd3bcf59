"""Tenants and their users, and the revision that tells other processes of changes."""

import msgspec
from sqlalchemy import Connection, insert, select, update

from rowen.store.sql.database import Database, grow
from rowen.store.sql.tables import revision, tenants, users
from rowen.values import Tenant, User

_encode = msgspec.json.Encoder().encode
_tenant = msgspec.json.Decoder(Tenant).decode
_user = msgspec.json.Decoder(User).decode


class SqlTenants:
    """Tenants by id, users by tenant and id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, tenant: Tenant) -> None:
        """Write a tenant."""
        record = _encode(tenant).decode()

        def work(connection: Connection) -> None:
            changed = connection.execute(update(tenants).where(tenants.c.id == tenant.id).values(record=record))
            if not changed.rowcount:
                connection.execute(insert(tenants).values(id=tenant.id, record=record))
            grow(connection)

        await self._database.write(work)

    async def all(self) -> list[Tenant]:
        """Return the tenants by id."""
        query = select(tenants.c.record).order_by(tenants.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_tenant(row.record) for row in rows]

    async def put_user(self, user: User) -> None:
        """Write a user of a tenant."""
        record = _encode(user).decode()

        def work(connection: Connection) -> None:
            place = (users.c.tenant == user.tenant, users.c.id == user.id)
            changed = connection.execute(update(users).where(*place).values(record=record))
            if not changed.rowcount:
                connection.execute(insert(users).values(tenant=user.tenant, id=user.id, record=record))
            grow(connection)

        await self._database.write(work)

    async def users(self, tenant: str | None = None) -> list[User]:
        """Return the users by tenant and id."""
        query = select(users.c.record).order_by(users.c.tenant, users.c.id)
        if tenant is not None:
            query = query.where(users.c.tenant == tenant)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_user(row.record) for row in rows]


# Every process asks four times a second; made once, it is compiled once.
_NUMBER = select(revision.c.number).where(revision.c.id == 1)


class SqlRevision:
    """The number that grows with every change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def revision(self) -> int:
        """Return it."""
        found = await self._database.read(lambda connection: connection.execute(_NUMBER).scalar())
        return int(found or 0)
