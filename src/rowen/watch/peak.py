"""The busiest minutes of long windows: an hour that is over is its busiest minute and the rest of it.

A month has 43,200 minutes, and only the busiest of them decides. What the hours of the past came to is worked out once an
hour, since late traces may still change it, and the last two days are read by the minute.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable

from rowen.store.base import Cell
from rowen.watch.window import DAY_NS, MINUTE_NS

REST = "rest of the hour"
"""The part of a cell that has all minutes of an hour but its busiest: it counts in sums, and is no minute."""

_HOUR_NS = 60 * MINUTE_NS
_OPEN_NS = 2 * DAY_NS

Find = Callable[[int, int], Awaitable[list[Cell]]]
"""Gives the minutes of a stretch of time."""


class Peaks:
    """Keeps the past hours of objectives that are about their busiest minute."""

    def __init__(self) -> None:
        self._known: dict[object, tuple[int, int, int, list[Cell]]] = {}

    async def cells(self, key: object, span: tuple[int, int], now_ns: int, find: Find) -> list[Cell]:
        """Return the cells of a window, the past hours of it condensed.

        Args:
            key: of the objective, with whatever else its cells depend on.
            span: the window.
            now_ns: the time.
            find: gives minutes.

        """
        since, until = max(0, span[0]), span[1]
        first, closed = -(-since // _HOUR_NS) * _HOUR_NS, min(until, now_ns - _OPEN_NS) // _HOUR_NS * _HOUR_NS
        if first >= closed:
            return await find(since, until)
        made, begins, ends, past = self._known.get(key, (0, 0, 0, []))
        if now_ns - made >= _HOUR_NS or begins > first or ends > closed:
            made, begins, ends, past = now_ns, first, first, []
        if ends < closed:
            past = [*past, *condensed(await find(ends, closed))]
            ends = closed
        past = [cell for cell in past if cell.start_ns >= first]
        self._known[key] = (made, first, ends, past)
        head = await find(since, first) if since < first else []
        return [*head, *past, *await find(closed, until)]


def condensed(cells: Iterable[Cell]) -> list[Cell]:
    """Return minutes as the busiest of each hour and the rest of it."""
    minutes: dict[int, list[Cell]] = defaultdict(list)
    for cell in cells:
        minutes[cell.start_ns].append(cell)
    hours: dict[int, list[int]] = defaultdict(list)
    for start in minutes:
        hours[start // _HOUR_NS].append(start)
    found = []
    for starts in hours.values():
        busiest = max(starts, key=lambda start: (sum(cell.total for cell in minutes[start]), -start))
        found += minutes[busiest]
        others = [cell for start in starts if start != busiest for cell in minutes[start]]
        if others:
            found.append(
                others[0].but(
                    part=REST,
                    start_ns=busiest,
                    good=sum(cell.good for cell in others),
                    total=sum(cell.total for cell in others),
                    sum=0.0,
                    squares=0.0,
                )
            )
    return found
