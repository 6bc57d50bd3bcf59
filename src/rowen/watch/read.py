"""Reads all of a stretch of time out of the store, page by page."""

from collections.abc import AsyncIterator

from rowen.store.base import ScoreFilter, Scores, TraceFilter, Traces
from rowen.values import Score, TraceRow

_PAGE = 1000


async def traces_in(traces: Traces, filter: TraceFilter) -> AsyncIterator[TraceRow]:
    """Yield the rows that pass a filter, newest first, however many there are."""
    before = filter.before
    while True:
        rows = await traces.find(filter.but(before=before, limit=_PAGE))
        for row in rows:
            yield row
        if len(rows) < _PAGE:
            return
        before = rows[-1].cursor


async def scores_in(scores: Scores, filter: ScoreFilter) -> AsyncIterator[Score]:
    """Yield the scores that pass a filter, newest first, however many there are."""
    before = filter.before
    while True:
        found = await scores.find(filter.but(before=before, limit=_PAGE))
        for score in found:
            yield score
        if len(found) < _PAGE:
            return
        before = found[-1].id
