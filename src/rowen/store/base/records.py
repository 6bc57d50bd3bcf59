"""Small records by kind."""

from collections.abc import Sequence
from typing import Protocol

from rowen.values import Value


class Record(Value, frozen=True, kw_only=True):
    """Something small that is written seldom: a score config, a review queue, an incident, a saved view.

    What it holds is known to the stage that wrote it, which reads it back through a `Shelf` of its own type.
    """

    kind: str
    id: str
    tenant: str = "default"
    app: str = ""
    group: str = ""
    """What it belongs to among its kind, such as the queue of an item."""
    state: str = ""
    at_ns: int = 0
    """When it was made, or what its kind is sorted by."""
    version: int = 0
    """Grows by one with each write."""
    body: bytes = b"{}"
    """JSON."""


class Records(Protocol):
    """Small records by kind, with what all of them are found by."""

    async def put(self, record: Record, *, expect: int | None = None) -> Record:
        """Write a record in place of an earlier one; return it with its version.

        Raises:
            Mistaken: `conflict` when `expect` is given and is not the version that is there (0: not there).

        """
        ...

    async def put_all(self, writes: Sequence[tuple[Record, int | None]], *, tell: bool = False) -> list[Record]:
        """Write several records, each with what it expects, in one transaction over all processes: all of them or none.

        Args:
            writes: records, each with its `expect` as of `put`.
            tell: let the store's revision grow by it, so that every process hears of the change.

        Raises:
            Mistaken: `conflict`, and nothing was written.

        """
        ...

    async def get(self, kind: str, id: str, tenant: str | None = None) -> Record | None: ...
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
        """Newest first by `at_ns`, then by id."""
        ...

    async def delete(self, kind: str, id: str, tenant: str | None = None) -> bool: ...

    async def clear(self, kind: str, group: str, tenant: str | None = None) -> int:
        """Remove all of one group in one transaction, however many; return how many that were."""
        ...
