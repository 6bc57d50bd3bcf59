"""What an erring judge saw, corrected by people's labels: how often it is right is measured on what both of them scored."""

from collections.abc import Awaitable, Callable

from rowen.score.calibration import Calibration, calibrate, pairs_of, rogan_gladen
from rowen.store.base import ScoreFilter, Store
from rowen.store.paged import scores_in
from rowen.values import Clock
from rowen.values.interval import Interval
from rowen.watch.base import WatchTable
from rowen.watch.budget import Correct
from rowen.watch.window import DAY_NS

LABELS = 10
"""Labels of good ones, and of bad ones, from which a judge counts as measured."""

_BACK_NS = 90 * DAY_NS
_FRESH_NS = 3_600_000_000_000

Corrects = Callable[[str, WatchTable], Awaitable[Correct | None]]
"""Gives what corrects the figures of an app's objective; None where its judge was not measured."""


class Judges:
    """Measures the judges of objectives against people's labels, again every hour.

    An objective that names the `source` of its scores (`model` or `rule`) is corrected; people's own scores of that name
    are the labels.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[tuple[str, str, str, float], tuple[int, Calibration]] = {}

    async def __call__(self, app: str, table: WatchTable) -> Correct | None:
        """Return what corrects an objective's figures."""
        if table.kind.source != "score" or table.source not in {"model", "rule"} or table.how != "share":
            return None
        if table.at_most is not None:
            return None  # a ceiling turns yes and no about, which the calibration does not
        least = table.at_least if table.at_least is not None else table.kind.least or 0.5
        known = await self._calibration(app, table, least)
        if known.both_yes + known.only_people < LABELS or known.both_no + known.only_judge < LABELS or not known.useful:
            return None

        def correct(good: int, n: int) -> Interval | None:
            found = rogan_gladen(
                good,
                n,
                caught=known.both_yes,
                yes=known.both_yes + known.only_people,
                passed=known.both_no,
                no=known.both_no + known.only_judge,
            )
            return None if found.value is None else found

        return correct

    async def _calibration(self, app: str, table: WatchTable, least: float) -> Calibration:
        now, place = self._clock.now_ns(), (app, table.score_name, table.source, least)
        at_ns, known = self._known.get(place, (0, None))
        if known is None or now - at_ns >= _FRESH_NS:
            filter_ = ScoreFilter(app=app, name=table.score_name, since_ns=max(0, now - _BACK_NS))
            people = [each async for each in scores_in(self._store.scores, filter_.but(source="person"))]
            judged = []
            traces = sorted({each.trace for each in people if each.trace})
            for first in range(0, len(traces), 500):
                some = filter_.but(source=table.source, traces=tuple(traces[first : first + 500]))
                judged += [each async for each in scores_in(self._store.scores, some)]
            pairs, _ = pairs_of(judged, people, least)
            known = calibrate(pairs)
            self._known[place] = (now, known)
        return known
