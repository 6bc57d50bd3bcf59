"""What objectives counted."""

from collections.abc import Sequence
from typing import Protocol

from rowen.values import Value


class Cell(Value, frozen=True, kw_only=True):
    """What was counted for one objective in one minute: events of one tenant and one part."""

    app: str
    objective: str
    """Its kind and name: `slo/answers`."""
    tenant: str = "default"
    part: str = ""
    """What kind of events: a class of error, `recovered`, or empty for plainly good ones."""
    start_ns: int
    good: int = 0
    total: int = 0
    sum: float = 0.0
    """Of the numbers of the events, where they have one."""
    squares: float = 0.0


class Measures(Protocol):
    """What objectives counted, minute by minute."""

    async def replace(
        self, app: str, objectives: Sequence[str], *, since_ns: int, until_ns: int, cells: Sequence[Cell]
    ) -> None:
        """Put cells in place of all cells that the objectives have in a stretch of time, in one transaction."""
        ...

    async def add(self, cell: Cell) -> None:
        """Add to the cell of the same place, or make it."""
        ...

    async def find(
        self,
        app: str,
        objective: str,
        *,
        tenant: str | None = None,
        since_ns: int = 0,
        until_ns: int = 0,
        every_ns: int = 0,
    ) -> list[Cell]:
        """Cells of an objective, oldest first, then by part; those of all tenants are summed, with an empty `tenant`.

        `every_ns` sums them over longer stretches, each of which begins at a multiple of it. An `until_ns` of 0 sets
        no end.
        """
        ...

    async def prune(self, before_ns: int) -> int:
        """Remove cells that began earlier; return how many."""
        ...
