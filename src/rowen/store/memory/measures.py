"""What objectives counted, in a dict by place."""

from collections.abc import Sequence

from rowen.store.base import Cell
from rowen.store.tallied import summed

_Place = tuple[str, str, str, str, int]


class MemoryMeasures:
    """Cells by app, objective, tenant, part and minute."""

    def __init__(self) -> None:
        self._cells: dict[_Place, Cell] = {}

    async def replace(
        self, app: str, objectives: Sequence[str], *, since_ns: int, until_ns: int, cells: Sequence[Cell]
    ) -> None:
        """Put cells in place of those of a stretch of time."""
        old = [
            place
            for place, cell in self._cells.items()
            if cell.app == app and cell.objective in objectives and since_ns <= cell.start_ns < until_ns
        ]
        for place in old:
            del self._cells[place]
        for cell in cells:
            self._cells[_place(cell)] = cell

    async def add(self, cell: Cell) -> None:
        """Add to a cell."""
        place = _place(cell)
        known = self._cells.get(place)
        if known is not None:
            cell = cell.but(
                good=known.good + cell.good,
                total=known.total + cell.total,
                sum=known.sum + cell.sum,
                squares=known.squares + cell.squares,
            )
        self._cells[place] = cell

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
        """Return cells, oldest first."""
        inside = (
            cell
            for cell in self._cells.values()
            if cell.app == app
            and cell.objective == objective
            and tenant in (None, cell.tenant)
            and since_ns <= cell.start_ns
            and (not until_ns or cell.start_ns < until_ns)
        )
        return summed(inside, every_ns, apart=tenant is not None)

    async def prune(self, before_ns: int) -> int:
        """Remove old cells."""
        old = [place for place, cell in self._cells.items() if cell.start_ns < before_ns]
        for place in old:
            del self._cells[place]
        return len(old)


def _place(cell: Cell) -> _Place:
    return cell.app, cell.objective, cell.tenant, cell.part, cell.start_ns
