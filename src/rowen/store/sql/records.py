"""Small records by kind."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select, update

from rowen.store.base import Record
from rowen.store.sql.database import Database, grow
from rowen.store.sql.tables import records
from rowen.values import Mistaken

_COLUMNS = tuple(records.c[name] for name in Record.__struct_fields__)
_PLACE = ("kind", "tenant", "id")

# Made once, as the queries below: records are written all the time, and making a statement takes longer than writing.
_HERE = tuple(records.c[name] == bindparam(f"old_{name}") for name in _PLACE)
_VERSION = select(records.c.version).where(*_HERE)
_INSERT = insert(records).values({column: bindparam(column.name) for column in _COLUMNS})
_UPDATE = update(records).where(*_HERE).values({column: bindparam(column.name) for column in _COLUMNS})
_DELETE = delete(records).where(*_HERE)


class SqlRecords:
    """Records by kind, tenant and id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, record: Record, *, expect: int | None = None) -> Record:
        """Write a record in place of an earlier one; return it with its version.

        Raises:
            Mistaken: `conflict` when somebody else wrote it since version `expect`.

        """
        return await self._database.write(lambda connection: _put(connection, record, expect))

    async def put_all(self, writes: Sequence[tuple[Record, int | None]], *, tell: bool = False) -> list[Record]:
        """Write several records in one transaction: all of them or none.

        Raises:
            Mistaken: `conflict`, and nothing was written.

        """

        def work(connection: Connection) -> list[Record]:
            written = [_put(connection, record, expect) for record, expect in writes]
            if tell:
                grow(connection)
            return written

        return await self._database.write(work)

    async def get(self, kind: str, id: str, tenant: str | None = None) -> Record | None:
        """Return a record by id."""
        row = await self._database.read(lambda connection: _row(connection, kind, id, tenant))
        return None if row is None else _record(row)

    async def find(
        self,
        kind: str,
        *,
        tenant: str | None = None,
        app: str = "",
        group: str = "",
        state: str = "",
        since_ns: int = 0,
        until_ns: int = 0,
        limit: int = 1000,
    ) -> list[Record]:
        """Return records, newest first."""
        wanted = {
            "kind": kind,
            "tenant": tenant,
            "app": app or None,
            "group": group or None,
            "state": state or None,
            "since_ns": since_ns or None,
            "until_ns": until_ns or None,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        query = _found(frozenset(given))
        given["limit"] = limit
        rows = await self._database.read(lambda connection: connection.execute(query, given).all())
        return [_record(row) for row in rows]

    async def delete(self, kind: str, id: str, tenant: str | None = None) -> bool:
        """Remove a record; return whether it was there."""

        def work(connection: Connection) -> bool:
            row = _row(connection, kind, id, tenant)
            if row is None:
                return False
            connection.execute(_DELETE, {"old_kind": kind, "old_tenant": row.tenant, "old_id": id})
            return True

        return await self._database.write(work)

    async def clear(self, kind: str, group: str, tenant: str | None = None) -> int:
        """Remove all of one group; return how many that were."""
        c = records.c
        query = delete(records).where(c.kind == kind, c.group == group)
        if tenant is not None:
            query = query.where(c.tenant == tenant)
        return await self._database.write(lambda connection: connection.execute(query).rowcount)


@cache
def _found(given: frozenset[str]) -> Select[Any]:
    """Return the query for what is given. Made once: it is asked all the time, and making it takes longer than asking."""
    c = records.c
    columns = {"since_ns": c.at_ns >= bindparam("since_ns"), "until_ns": c.at_ns < bindparam("until_ns")}
    query = select(*_COLUMNS)
    for name in sorted(given):
        query = query.where(columns[name] if name in columns else c[name] == bindparam(name))
    return query.order_by(c.at_ns.desc(), c.id.desc(), c.tenant.desc()).limit(bindparam("limit"))


@cache
def _one(*, of_tenant: bool) -> Select[Any]:
    """Return the query for one record, likewise."""
    query = select(*_COLUMNS).where(records.c.kind == bindparam("kind"), records.c.id == bindparam("id"))
    if of_tenant:
        query = query.where(records.c.tenant == bindparam("tenant"))
    return query.order_by(records.c.tenant).limit(1)


def _put(connection: Connection, record: Record, expect: int | None) -> Record:
    place = {f"old_{name}": getattr(record, name) for name in _PLACE}
    version = connection.execute(_VERSION, place).scalar() or 0
    if expect is not None and expect != version:
        raise Mistaken("conflict", f"{record.kind} {record.id!r} was changed meanwhile")
    new = record.but(version=version + 1)
    row = {name: getattr(new, name) for name in Record.__struct_fields__}
    if version:
        connection.execute(_UPDATE, {**row, **place})
    else:
        connection.execute(_INSERT, row)
    return new


def _row(connection: Connection, kind: str, id: str, tenant: str | None) -> Row[Any] | None:
    given = {"kind": kind, "id": id} if tenant is None else {"kind": kind, "id": id, "tenant": tenant}
    return connection.execute(_one(of_tenant=tenant is not None), given).first()


def _record(row: Row[Any]) -> Record:
    return Record(**row._mapping)  # noqa: SLF001 - the public name of a row's columns
