"""Fills the minutes of an app's objectives from what the store holds. Doing it twice changes nothing."""

from collections.abc import Iterable, Mapping, Sequence

from rowen.store.base import Cell, Record, Records, ScoreFilter, Store, TraceFilter
from rowen.store.paged import scores_in, traces_in
from rowen.store.shelf import Shelf
from rowen.values import TraceRow, Value
from rowen.watch.base import Measured, Objectives
from rowen.watch.measure import OF_SPANS, Count, of_score, of_trace, regenerations
from rowen.watch.sli import Event
from rowen.watch.window import MINUTE_NS

_OPENED = 40
"""Traces of a minute that are opened for a time that stands in their spans only; further ones are passed over evenly."""


NOTED_NS = 10 * MINUTE_NS
"""How far the time of a last answer that was noted may lie behind the true one."""


class Seen(Value, frozen=True, kw_only=True):
    """When a definition, or a release of a program of yours, answered for the first and for the last time."""

    app: str
    definition: str = ""
    release: str = ""
    first_ns: int
    last_ns: int = 0
    """To ten minutes; 0 where it is not known."""

    @property
    def name(self) -> str:
        """The release where it has one, else the definition."""
        return self.release or self.definition

    @staticmethod
    def shelf(records: Records) -> "Shelf[Seen]":
        """Return where they stand."""
        return Shelf(
            records,
            "watch.seen",
            Seen,
            lambda one: Record(
                kind="watch.seen", id=f"{one.app}/{one.definition}/{one.release}", app=one.app, at_ns=one.first_ns
            ),
        )


class Filled(Value, frozen=True, kw_only=True):
    """What a stretch of time came to."""

    cells: tuple[Cell, ...] = ()
    read: int = 0
    """Traces and scores that were read for them."""


class Filler:
    """Reads traces and scores of a stretch of time once, and counts them for every objective that wants them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[tuple[str, str, str], Seen] = {}

    async def fill(
        self, objectives: Objectives, since_ns: int, until_ns: int, *, only: Iterable[str] | None = None
    ) -> Filled:
        """Count a stretch of whole minutes anew and put it in place of what was counted.

        Args:
            objectives: of one app.
            since_ns: a whole minute.
            until_ns: a whole minute, outside.
            only: ids of objectives; default: all of those that traces and scores are counted for.

        Raises:
            Unavailable: the store cannot be read or written now.

        """
        wanted = set(only) if only is not None else None
        mine = {
            id: table
            for id, table in objectives.counted().items()
            if table.kind.source in {"trace", "score", "both"} and (wanted is None or id in wanted)
        }
        if not mine or since_ns >= until_ns:
            return Filled()
        counts = {id: Count(objectives.app, id) for id in mine}
        read = await self._traces(objectives.app, mine, counts, (since_ns, until_ns))
        read += await self._scores(objectives.app, mine, counts, (since_ns, until_ns))
        cells = tuple(cell for count in counts.values() for cell in count.cells())
        await self._store.measures.replace(
            objectives.app, tuple(mine), since_ns=since_ns, until_ns=until_ns, cells=cells
        )
        return Filled(cells=cells, read=read)

    async def _traces(
        self, app: str, mine: Mapping[str, Measured], counts: Mapping[str, Count], span: tuple[int, int]
    ) -> int:
        tables = {id: table for id, table in mine.items() if table.kind.source in {"trace", "both"}}
        if not tables:
            return 0
        filter_ = TraceFilter(app=app, since_ns=span[0], until_ns=span[1])
        rows = [row async for row in traces_in(self._store.traces, filter_)]
        await self._note(rows)
        for id, table in tables.items():
            if table.kind.source == "both":
                await self._both(app, table, counts[id], rows)
            elif table.latency in OF_SPANS:
                await self._opened(table, counts[id], rows)
            else:
                for row in rows:
                    event = of_trace(table, row)
                    if event is not None:
                        counts[id].add(row.started_ns, row.tenant, event)
        return len(rows)

    async def _both(self, app: str, table: Measured, count: Count, rows: Sequence[TraceRow]) -> None:
        asked_again: set[tuple[str, str]] = set()
        for first in range(0, len(rows), 500):
            ids = tuple(row.id for row in rows[first : first + 500])
            filter_ = ScoreFilter(app=app, name=table.score_name, traces=ids)
            async for score in scores_in(self._store.scores, filter_):
                if (score.number if score.number is not None else 1) >= (table.kind.least or 0):
                    asked_again.add((score.tenant, score.trace))
        for row, event in regenerations(table, rows, asked_again):
            count.add(row.started_ns, row.tenant, event)

    async def _opened(self, table: Measured, count: Count, rows: Sequence[TraceRow]) -> None:
        by_minute: dict[int, list[TraceRow]] = {}
        for row in rows:
            by_minute.setdefault(row.started_ns // MINUTE_NS, []).append(row)
        for found in by_minute.values():
            step = -(-len(found) // _OPENED)
            for row in sorted(found, key=lambda one: one.id)[::step]:
                event: Event | None = of_trace(table, row, await self._store.traces.get(row.id, row.tenant))
                if event is not None:
                    count.add(row.started_ns, row.tenant, event)

    async def _scores(
        self, app: str, mine: Mapping[str, Measured], counts: Mapping[str, Count], span: tuple[int, int]
    ) -> int:
        read = 0
        by_name: dict[str, list[str]] = {}
        for id, table in mine.items():
            if table.kind.source == "score":
                by_name.setdefault(table.score_name, []).append(id)
        for name, ids in by_name.items():
            filter_ = ScoreFilter(app=app, name=name, since_ns=span[0], until_ns=span[1])
            async for score in scores_in(self._store.scores, filter_):
                read += 1
                for id in ids:
                    event = of_score(mine[id], score)
                    if event is not None:
                        counts[id].add(score.judged_ns, score.tenant, event)
        return read

    async def _note(self, rows: Sequence[TraceRow]) -> None:
        """Keep when a definition or release answered, so that an incident can name the one it came with."""
        answered: dict[tuple[str, str, str], Seen] = {}
        for row in rows:
            if row.definition or row.release:
                place, at = (row.app, row.definition, row.release), row.started_ns
                found = answered.get(place)
                answered[place] = (
                    Seen(app=row.app, definition=row.definition, release=row.release, first_ns=at, last_ns=at)
                    if found is None
                    else found.but(first_ns=min(at, found.first_ns), last_ns=max(at, found.last_ns))
                )
        shelf = Seen.shelf(self._store.records)
        for place, found in answered.items():
            known = self._seen.get(place) or await shelf.get("/".join(place))
            if known is None or found.first_ns < known.first_ns or found.last_ns >= known.last_ns + NOTED_NS:
                first = found.first_ns if known is None else min(found.first_ns, known.first_ns)
                last = found.last_ns if known is None else max(found.last_ns, known.last_ns)
                known = found.but(first_ns=first, last_ns=last)
                await shelf.put(known)
            self._seen[place] = known
