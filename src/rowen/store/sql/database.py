"""What the families need of a database: somewhere to read, and somewhere to write in one transaction."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection, insert, update

from rowen.store.sql.tables import revision

T = TypeVar("T")


class Database(Protocol):
    """A database that does a piece of work away from the event loop. Its errors are Problems."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Return what a piece of reading gives."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do a piece of writing in one transaction that waits for, and holds off, every other writer."""
        ...


def grow(connection: Connection) -> None:
    """Move the revision on: keys, tenants, users or definitions change in this transaction."""
    changed = connection.execute(update(revision).where(revision.c.id == 1).values(number=revision.c.number + 1))
    if not changed.rowcount:
        connection.execute(insert(revision).values(id=1, number=1))
