"""The cells that an objective is weighed by, read in the fewest pieces that tell the same."""

from functools import partial

from rowen.store.base import Cell, Measures
from rowen.values import Clock
from rowen.watch.base import Measured
from rowen.watch.peak import Peaks
from rowen.watch.window import DAY_NS, MINUTE_NS

_HOUR_NS = 60 * MINUTE_NS


class Cells:
    """Reads them.

    Args:
        measures: where they stand.
        clock: the time.

    """

    def __init__(self, measures: Measures, clock: Clock) -> None:
        self._measures = measures
        self._clock = clock
        self._peaks = Peaks()

    async def of(self, app: str, id: str, table: Measured, span: tuple[int, int], tenant: str | None) -> list[Cell]:
        """Return the cells of an objective in a stretch of time; where peaks count, those that hold them."""
        every, since = _every(table, span), max(0, span[0])
        if table.how == "peak":
            return await self._peaks.cells(
                (app, id, tenant, repr(table)),
                span,
                self._clock.now_ns(),
                lambda begin, end: self._measures.find(app, id, tenant=tenant, since_ns=begin, until_ns=end),
            )
        # The stretch in which the window begins is read by the minute, all others as the sums they are.
        whole = min(-(-since // every) * every, span[1]) if every else since
        find = partial(self._measures.find, app, id, tenant=tenant)
        head = await find(since_ns=since, until_ns=whole) if since < whole else []
        return [*head, *await find(since_ns=whole, until_ns=span[1], every_ns=every)]


def _every(table: Measured, span: tuple[int, int]) -> int:
    """Return the stretch by which cells are summed as they are read: a year of minutes is half a million of them.

    What a minute decides is read by the minute.
    """
    if table.how in {"peak", "value"}:
        return 0
    length = span[1] - span[0]
    # Of a week and more the hours are kept as sums.
    coarse = (
        max(1, length // 720 // _HOUR_NS) * _HOUR_NS if length >= 7 * DAY_NS else length // 720 // MINUTE_NS * MINUTE_NS
    )
    return round(table.slice * 1e9) if table.method == "slices" else coarse
