"""Takes in figures that somebody hands in: what no trace and no score tells."""

from collections.abc import Sequence

from rowen.store.base import Measures
from rowen.watch.base import Class, Measured, WatchTable
from rowen.watch.engine import Watched
from rowen.watch.measure import Count
from rowen.watch.sli import Event, bounded


async def take(
    measures: Measures, app: Watched, measure: str, values: Sequence[float], *, at_ns: int, tenant: str
) -> int:
    """Take in figures under a name; return how many objectives count them.

    Raises:
        Unavailable: the store cannot be written now.

    """
    name, place = app.objectives.app, (at_ns, tenant)
    counting = {
        id: table
        for id, table in app.objectives.counted().items()
        if table.sli in {"reported", "latency"} and table.measure == measure
    }
    for id, table in [*counting.items(), (f"reported/{measure}", None)]:
        count = Count(name, id)
        for value in values:
            count.add(*place, _judged(table, value))
        for cell in count.cells():
            await measures.add(cell)
    return len(counting)


def _judged(table: Measured | None, value: float) -> Event:
    """Return a reported figure as an event. Without a bound of its own, 1 is good and less is not."""
    if table is None:
        return Event(good=True, number=value)
    least = table.at_least
    if least is None and table.at_most is None and table.within is None and table.how == "share":
        least = 1.0
    good = bounded(value, within=table.within, least=least, most=table.at_most)
    return Event(good=good, number=value, part="" if good else _part(table))


def _part(table: Measured) -> Class:
    return table.error_class or "software" if isinstance(table, WatchTable) else "software"
