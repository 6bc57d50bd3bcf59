"""Small records in a dict."""

from collections.abc import Sequence

from rowen.store.base import Record
from rowen.store.memory.records import MemoryRevision
from rowen.values import Mistaken


class MemoryRecords:
    """Records by kind, tenant and id."""

    def __init__(self, revision: MemoryRevision | None = None) -> None:
        self._revision = revision or MemoryRevision()
        self._records: dict[tuple[str, str, str], Record] = {}

    async def put(self, record: Record, *, expect: int | None = None) -> Record:
        """Write a record in place of an earlier one; return it with its version.

        Raises:
            Mistaken: `conflict` when somebody else wrote it since version `expect`.

        """
        self._expect(record, expect)
        return self._put(record)

    async def put_all(self, writes: Sequence[tuple[Record, int | None]], *, tell: bool = False) -> list[Record]:
        """Write several records at once: all of them or none.

        Raises:
            Mistaken: `conflict`, and nothing was written.

        """
        for record, expect in writes:
            self._expect(record, expect)
        if tell:
            self._revision.grow()
        return [self._put(record) for record, _ in writes]

    async def get(self, kind: str, id: str, tenant: str | None = None) -> Record | None:
        """Return a record by id."""
        places = sorted(place for place in self._records if place[0] == kind and place[2] == id)
        return next((self._records[place] for place in places if tenant in (None, place[1])), None)

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
        found = [
            record
            for record in self._records.values()
            if record.kind == kind
            and tenant in (None, record.tenant)
            and app in ("", record.app)
            and group in ("", record.group)
            and state in ("", record.state)
            and since_ns <= record.at_ns
            and (not until_ns or record.at_ns < until_ns)
        ]
        return sorted(found, key=lambda record: (record.at_ns, record.id, record.tenant), reverse=True)[:limit]

    async def delete(self, kind: str, id: str, tenant: str | None = None) -> bool:
        """Remove a record; return whether it was there."""
        found = await self.get(kind, id, tenant)
        return found is not None and self._records.pop((kind, found.tenant, id), None) is not None

    async def clear(self, kind: str, group: str, tenant: str | None = None) -> int:
        """Remove all of one group; return how many that were."""
        gone = [
            place
            for place, record in self._records.items()
            if (record.kind, record.group) == (kind, group) and tenant in (None, record.tenant)
        ]
        for place in gone:
            del self._records[place]
        return len(gone)

    def _expect(self, record: Record, expect: int | None) -> None:
        old = self._records.get((record.kind, record.tenant, record.id))
        if expect is not None and expect != (0 if old is None else old.version):
            raise Mistaken("conflict", f"{record.kind} {record.id!r} was changed meanwhile")

    def _put(self, record: Record) -> Record:
        place = (record.kind, record.tenant, record.id)
        old = self._records.get(place)
        self._records[place] = record.but(version=1 if old is None else old.version + 1)
        return self._records[place]
