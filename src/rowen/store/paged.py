"""Reads all of a stretch of time out of the store, page by page."""

from collections.abc import AsyncIterator

from rowen.store.base import ScoreFilter, Scores, TraceFilter, Traces
from rowen.values import Score, TraceRow

_PAGE = 1000


async def traces_in(traces: Traces, filter: TraceFilter, most: int | None = None) -> AsyncIterator[TraceRow]:
    """Yield the rows that pass a filter, newest first, however many there are or `most` of them."""
    before, left = filter.before, most
    while left is None or left > 0:
        size = _PAGE if left is None else min(_PAGE, left)
        rows = await traces.find(filter.but(before=before, limit=size))
        for row in rows:
            yield row
        if len(rows) < size:
            return
        before = rows[-1].cursor
        left = None if left is None else left - size


async def scores_in(scores: Scores, filter: ScoreFilter, most: int | None = None) -> AsyncIterator[Score]:
    """Yield the scores that pass a filter, newest first, however many there are or `most` of them."""
    before, left = filter.before, most
    while left is None or left > 0:
        size = _PAGE if left is None else min(_PAGE, left)
        found = await scores.find(filter.but(before=before, limit=size))
        for score in found:
            yield score
        if len(found) < size:
            return
        before = found[-1].id
        left = None if left is None else left - size
