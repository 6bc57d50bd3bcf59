"""Forgetting for good: traces, and everything that was made of them or says something about a person.

What was made is removed before the traces are, since it is found by them; whoever is stopped in between erases again.
"""

from collections.abc import AsyncIterator, Iterator, Sequence

import msgspec

from rowen.insight.book import Book
from rowen.store.base import ScoreFilter, Store, TraceFilter
from rowen.values import Clock, Value

_PAGE = 500
_EVERY_RECORD = 1_000_000

_MADE = {"items": "queue_item", "cases": "case"}
"""Small records that hold what was asked and answered: answers under review with what was said of them, and cases."""


class Gone(Value, frozen=True, kw_only=True):
    """What was erased from the store."""

    traces: int = 0
    scores: int = 0
    """Of the traces and their spans, of the session, and those that the user gave."""
    items: int = 0
    """Answers under review."""
    cases: int = 0
    turns: int = 0
    """Answers kept for `previous_response_id`."""


class _Made(msgspec.Struct):
    trace: str = ""


_made = msgspec.json.Decoder(_Made).decode


async def erase(
    store: Store, clock: Clock, tenant: str, *, traces: Sequence[str] = (), user: str = "", session: str = ""
) -> Gone:
    """Erase traces of one tenant by id, by user and by session, with all that was made of them.

    Scores of judges about traces that are gone already for their age name no user, and stay until they age.

    Raises:
        Unavailable: `store_unavailable`; what is gone by then stays gone.

    """
    ids = list(traces)
    for filter in (TraceFilter(user=user), TraceFilter(session=session)):
        if filter.user or filter.session:
            ids += [id async for id in _ids(store, filter.but(tenant=tenant))]
    ids = list(dict.fromkeys(ids))
    filters = [ScoreFilter(traces=tuple(some)) for some in _parts(ids)]
    filters += [ScoreFilter(session=session)] if session else []
    filters += [ScoreFilter(by=user, source="user")] if user else []
    scores = 0
    for each in filters:
        scores += await _scores(store, each.but(tenant=tenant, limit=_PAGE))
    made = {name: await _records(store, kind, tenant, set(ids)) for name, kind in _MADE.items()}
    turns = sum([await store.turns.delete(f"resp_{id}", tenant) for id in ids])
    if ids:
        await store.cache.clear()  # what was answered, of which nobody knows whose it was
    if user:
        await Book(store.records, store.traces, clock).forget(tenant, user)
    removed = await store.traces.erase(tenant, traces=traces, user=user, session=session)
    return Gone(traces=removed, scores=scores, turns=turns, **made)


async def _ids(store: Store, filter: TraceFilter) -> AsyncIterator[str]:
    before = ""
    while page := await store.traces.find(filter.but(before=before, limit=_PAGE)):
        for row in page:
            yield row.id
        before = page[-1].cursor


async def _scores(store: Store, filter: ScoreFilter) -> int:
    removed = 0
    while page := await store.scores.find(filter):
        for score in page:
            removed += await store.scores.delete(score.id, filter.tenant)
    return removed


async def _records(store: Store, kind: str, tenant: str, ids: set[str]) -> int:
    removed = 0
    for record in await store.records.find(kind, tenant=tenant, limit=_EVERY_RECORD) if ids else ():
        if _made(record.body).trace in ids:
            removed += await store.records.delete(kind, record.id, tenant)
    return removed


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[first : first + _PAGE] for first in range(0, len(ids), _PAGE))
