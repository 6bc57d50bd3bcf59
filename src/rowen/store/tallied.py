"""Sums over the cells of an objective."""

from collections.abc import Iterable

from rowen.store.base import Cell
from rowen.store.sums import HOUR_NS


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
