"""Which kept sums a window is read from: as few as there are, each within one stretch."""

from rowen.store.base import DAY_NS
from rowen.store.sums import HOUR_NS, MINUTE_NS

UNITS = (DAY_NS, HOUR_NS, MINUTE_NS)

Piece = tuple[int, int, int]
"""The length of the kept sums, where the first begins and where the last ends."""


def pieces(since: int, until: int, every: int, units: tuple[int, ...] = UNITS) -> list[Piece]:
    """Return a window of whole minutes, cut for stretches of whole minutes.

    Args:
        since: where it begins.
        until: where it ends.
        every: the length of a stretch, which begins at a multiple of it.
        units: the lengths of which sums are kept, the longest first, each a multiple of the next, the last a minute.

    """
    found: list[Piece] = []
    fitting = tuple(unit for unit in units if every % unit == 0)
    if len(fitting) > 1 or every < units[-2]:
        _fill(found, since, until, fitting)
    else:  # only sums that lie within one stretch
        begin = since
        while begin < until:
            end = min((begin // every + 1) * every, until)
            _fill(found, begin, end, units)
            begin = end
    return _joined(found)


def _fill(found: list[Piece], since: int, until: int, units: tuple[int, ...]) -> None:
    unit, *rest = units
    first, end = (-(-since // unit) * unit, until // unit * unit) if rest else (since, until)
    if first >= end:
        if rest and since < until:
            _fill(found, since, until, tuple(rest))
        return
    if since < first:
        _fill(found, since, first, tuple(rest))
    found.append((unit, first, end))
    if end < until:
        _fill(found, end, until, tuple(rest))


def _joined(found: list[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    last: dict[int, int] = {}  # where among them the last of each length is
    for unit, first, end in found:
        at = last.get(unit)
        if at is not None and joined[at][2] == first:
            joined[at] = (unit, joined[at][1], end)
        else:
            last[unit] = len(joined)
            joined.append((unit, first, end))
    return joined
