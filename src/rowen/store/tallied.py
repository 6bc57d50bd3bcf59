"""The cells of an objective: summed, and as the rows of a table have them."""

from collections.abc import Iterable, Sequence
from typing import Any

from rowen.store.base import Cell
from rowen.store.pieces import Piece, pieces
from rowen.store.sums import HOUR_NS, MINUTE_NS

_NEVER = 2**63 - 1


def summed(cells: Iterable[Cell], every_ns: int, *, apart: bool) -> list[Cell]:
    """Return cells summed over stretches of time by part, oldest first; by tenant too when they are kept apart."""
    found: dict[tuple[int, str, str], Cell] = {}
    for cell in cells:
        start = cell.start_ns // every_ns * every_ns if every_ns else cell.start_ns
        place = (start, cell.part, cell.tenant if apart else "")
        known = found.get(place)
        if known is None:
            found[place] = cell.but(start_ns=start, tenant=place[2])
        else:
            found[place] = known.but(
                good=known.good + cell.good,
                total=known.total + cell.total,
                sum=known.sum + cell.sum,
                squares=known.squares + cell.squares,
            )
    return [found[place] for place in sorted(found)]


def hours_of(since_ns: int, until_ns: int, cells: Iterable[Cell]) -> tuple[int, int]:
    """Return the whole hours that a stretch and some cells lie in: where they begin and end."""
    starts = [cell.start_ns for cell in cells]
    first, last = min((since_ns, *starts)), max((until_ns, *(start + 1 for start in starts)))
    return first // HOUR_NS * HOUR_NS, -(-last // HOUR_NS) * HOUR_NS


def pieces_of(since_ns: int, until_ns: int, every_ns: int) -> list[Piece]:
    """Return which sums a window is read from: hours where stretches are made of them, else minutes; 0 ends it never."""
    until = until_ns or _NEVER
    if every_ns and every_ns % HOUR_NS == 0:
        return pieces(since_ns, until, every_ns, (HOUR_NS, MINUTE_NS))
    return [(MINUTE_NS, since_ns, until)]


def columns(cell: Cell) -> tuple[Any, ...]:
    """Return a cell as a row of a table."""
    return (
        cell.app,
        cell.objective,
        cell.start_ns,
        cell.tenant,
        cell.part,
        cell.good,
        cell.total,
        cell.sum,
        cell.squares,
    )


def cell_of(app: str, objective: str, found: Sequence[Any]) -> Cell:
    """Return a cell of sums that were found: start, part, tenant, good, total, sum and squares."""
    start, part, tenant, good, total, sum_, squares = found
    return Cell(
        app=app,
        objective=objective,
        tenant=tenant,
        part=part,
        start_ns=start,
        good=good,
        total=total,
        sum=sum_,
        squares=squares,
    )
