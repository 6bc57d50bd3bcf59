"""What decides who may call: keys, tenants and users, the log of acts, and the definitions that ran."""

from typing import Protocol

from rowen.values import AuditEntry, Definition, Key, Tenant, User


class Keys(Protocol):
    """API keys by id and digest."""

    async def put(self, key: Key) -> None: ...
    async def get(self, id: str) -> Key | None: ...
    async def all(self, tenant: str | None = None) -> list[Key]: ...
    async def touch(self, used: dict[str, int]) -> None:
        """Move `last_used_ns` of keys by id forward, in one write. The revision does not grow by it."""
        ...


class Tenants(Protocol):
    """Tenants and their users."""

    async def put(self, tenant: Tenant) -> None: ...
    async def all(self) -> list[Tenant]: ...
    async def put_user(self, user: User) -> None: ...
    async def users(self, tenant: str | None = None) -> list[User]: ...


class Audit(Protocol):
    """The append-only, hash-chained log of management acts. There is no way to change or remove a line."""

    async def append(self, entry: AuditEntry) -> AuditEntry:
        """Append and return the entry with its `chain` set, in one transaction over all processes."""
        ...

    async def entries(self, tenant: str | None = None, *, before: str = "", limit: int = 100) -> list[AuditEntry]:
        """Newest first; `before` is the id to page from."""
        ...

    async def broken_at(self) -> str | None:
        """Return the id of the first entry whose chain does not fit, None when all do."""
        ...


class Revision(Protocol):
    """A number that grows with every change to keys, tenants, users or definitions, in any process."""

    async def revision(self) -> int: ...


class Definitions(Protocol):
    """Every Definition that ever ran here, by hash."""

    async def put(self, definition: Definition) -> None: ...
    async def get(self, hash: str) -> Definition | None: ...
    async def all(self, app: str | None = None) -> list[Definition]: ...
