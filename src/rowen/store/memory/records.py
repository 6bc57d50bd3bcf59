"""Keys, tenants, audit, definitions and turns in dicts."""

from rowen.store.base import Turn
from rowen.store.chain import chained
from rowen.values import AuditEntry, Definition, Key, Mistaken, Tenant, User


class MemoryRevision:
    """Counts the changes."""

    def __init__(self) -> None:
        self.number = 0

    def grow(self) -> None:
        """Note a change."""
        self.number += 1

    async def revision(self) -> int:
        """Return how many changes there were."""
        return self.number


class MemoryKeys:
    """API keys by id."""

    def __init__(self, revision: MemoryRevision) -> None:
        self._revision = revision
        self._keys: dict[str, Key] = {}

    async def put(self, key: Key) -> None:
        """Write a key. Its last use never goes back.

        Raises:
            Mistaken: `conflict` when another key has the same digest.

        """
        if any(other.digest == key.digest and other.id != key.id for other in self._keys.values()):
            raise Mistaken("conflict", "another key has the same digest")
        old = self._keys.get(key.id)
        used = max((old.last_used_ns if old else None) or 0, key.last_used_ns or 0)
        self._keys[key.id] = key.but(last_used_ns=used or None)
        self._revision.grow()

    async def get(self, id: str) -> Key | None:
        """Return a key by id."""
        return self._keys.get(id)

    async def all(self, tenant: str | None = None) -> list[Key]:
        """Return the keys by id."""
        return [key for _, key in sorted(self._keys.items()) if tenant in (None, key.tenant)]

    async def touch(self, used: dict[str, int]) -> None:
        """Move the last use of keys forward."""
        for id, used_ns in used.items():
            key = self._keys.get(id)
            if key is not None and used_ns > (key.last_used_ns or 0):
                self._keys[id] = key.but(last_used_ns=used_ns)


class MemoryTenants:
    """Tenants by id, users by tenant and id."""

    def __init__(self, revision: MemoryRevision) -> None:
        self._revision = revision
        self._tenants: dict[str, Tenant] = {}
        self._users: dict[tuple[str, str], User] = {}

    async def put(self, tenant: Tenant) -> None:
        """Write a tenant."""
        self._tenants[tenant.id] = tenant
        self._revision.grow()

    async def all(self) -> list[Tenant]:
        """Return the tenants by id."""
        return [tenant for _, tenant in sorted(self._tenants.items())]

    async def put_user(self, user: User) -> None:
        """Write a user of a tenant."""
        self._users[user.tenant, user.id] = user
        self._revision.grow()

    async def users(self, tenant: str | None = None) -> list[User]:
        """Return the users by tenant and id."""
        return [user for _, user in sorted(self._users.items()) if tenant in (None, user.tenant)]


class MemoryAudit:
    """The audit log as a list."""

    def __init__(self) -> None:
        self._lines: list[AuditEntry] = []

    async def append(self, entry: AuditEntry) -> AuditEntry:
        """Append a line and return it with its chain."""
        line = chained(entry, self._lines[-1].chain if self._lines else "")
        self._lines.append(line)
        return line

    async def entries(self, tenant: str | None = None, *, before: str = "", limit: int = 100) -> list[AuditEntry]:
        """Return lines, newest first."""
        lines = self._lines
        if before:
            place = next((number for number, line in enumerate(lines) if line.id == before), 0)
            lines = lines[:place]
        return [line for line in reversed(lines) if tenant in (None, line.tenant)][:limit]

    async def broken_at(self) -> str | None:
        """Return the first line whose chain does not fit."""
        before = ""
        for line in self._lines:
            if chained(line, before).chain != line.chain:
                return line.id
            before = line.chain
        return None


class MemoryDefinitions:
    """Definitions by hash."""

    def __init__(self, revision: MemoryRevision) -> None:
        self._revision = revision
        self._definitions: dict[str, Definition] = {}

    async def put(self, definition: Definition) -> None:
        """Keep a definition; one that is there already stays as it is."""
        if definition.hash not in self._definitions:
            self._definitions[definition.hash] = definition
            self._revision.grow()

    async def get(self, hash: str) -> Definition | None:
        """Return a definition by hash."""
        return self._definitions.get(hash)

    async def all(self, app: str | None = None) -> list[Definition]:
        """Return the definitions, oldest first."""
        return [definition for definition in self._definitions.values() if app in (None, definition.app)]


class MemoryTurns:
    """Answers by tenant and id."""

    def __init__(self) -> None:
        self._turns: dict[tuple[str, str], Turn] = {}

    async def put(self, turn: Turn) -> None:
        """Keep an answer."""
        self._turns[turn.tenant, turn.id] = turn

    async def get(self, id: str, tenant: str) -> Turn | None:
        """Return an answer of a tenant."""
        return self._turns.get((tenant, id))

    async def delete(self, id: str, tenant: str) -> bool:
        """Remove an answer; False when it was not there."""
        return self._turns.pop((tenant, id), None) is not None

    async def prune(self, before_ns: int) -> int:
        """Remove the answers kept before a moment."""
        old = [key for key, turn in self._turns.items() if turn.created_ns < before_ns]
        for key in old:
            del self._turns[key]
        return len(old)
