"""Forgetting for good: traces, and everything that was made of them or says something about a person.

What was made is removed before the traces are, since it is found by them; whoever is stopped in between erases again.
"""

from collections.abc import AsyncIterator, Iterator, Sequence

import msgspec

from rowen.evaluate.forget import forget
from rowen.insight.book import Book
from rowen.store.base import Record, Records, ScoreFilter, Store, TraceFilter
from rowen.values import Case, Clock, Value
from rowen.values.query import Either, Holds

_ERASED = "erased"
_PAGE = 500
_SOME = 50
"""Traces of which the calls within are looked for at once."""
_EVERY_RECORD = 1_000_000

_MADE = ("queue_item", "rule.fault")
"""Small records about a trace: answers under review with what was said of them, and judgements that failed."""


class Gone(Value, frozen=True, kw_only=True):
    """What was erased from the store."""

    traces: int = 0
    """With the calls within them, such as a shadow's copies, and those of judges and runs that were told of them."""
    scores: int = 0
    """Of the traces and their spans, of the session, and those that the user gave."""
    items: int = 0
    """Answers under review."""
    cases: int = 0
    versions: int = 0
    """Versions of data sets that had such cases, and have them no more."""
    outcomes: int = 0
    """Outcomes of runs over such cases: their texts are gone, their figures stay."""
    turns: int = 0
    """Answers kept for `previous_response_id`."""
    calls: tuple[str, ...] = ()
    """The ids of the calls that went with the traces that were meant: within them, or told of them."""


class _Made(msgspec.Struct):
    trace: str = ""
    evidence: str = ""


_made = msgspec.json.Decoder(_Made).decode
_case = msgspec.json.Decoder(Case).decode


async def erase(
    store: Store, clock: Clock, tenant: str, *, traces: Sequence[str] = (), user: str = "", session: str = ""
) -> Gone:
    """Erase traces of one tenant by id, by user and by session, with all that was made of them.

    Scores of judges about traces that are gone already for their age name no user, and stay until they age.

    Raises:
        Unavailable: `store_unavailable`; what is gone by then stays gone.

    """
    meant = await _meant(store, tenant, traces, user, session)
    within = await _within(store, tenant, meant)
    ids = [*meant, *within]
    known = set(ids)

    def mine(case: Case) -> bool:
        return case.trace in known or (user != "" and case.user == user) or (session != "" and case.session == session)

    filters = [ScoreFilter(traces=tuple(some)) for some in _parts(ids)]
    filters += [ScoreFilter(session=session)] if session else []
    filters += [ScoreFilter(by=user, source="user")] if user else []
    scores, told = 0, set[str]()
    for each in filters:
        removed, evidence = await _scores(store, each.but(tenant=tenant, limit=_PAGE))
        scores, told = scores + removed, told | evidence
    items = 0
    for kind in _MADE:
        removed, evidence = await _records(store, kind, tenant, known)
        items, told = items + removed * (kind == "queue_item"), told | evidence
    cases = [one for each in await store.records.find("case", tenant=tenant, limit=_EVERY_RECORD)
             if mine(one := _case(each.body))]  # fmt: skip
    for case in cases:
        await store.records.delete("case", case.id, tenant)
    forgotten = await forget(store.records, store.runs, tenant, mine, cases)
    turns = sum([await store.turns.delete(f"resp_{id}", tenant) for id in ids])
    if ids or cases or forgotten.versions:
        await store.cache.clear()  # what was answered, of which nobody knows whose it was
        mark = Record(kind=_ERASED, id="last", at_ns=clock.now_ns())
        await store.records.put_all([(mark, None)], tell=True)  # those who serve forget what they hold in memory
    if user:
        await Book(store.records, store.traces, clock).forget(tenant, user)
    named = sorted({*told, *forgotten.traces} - known)
    inner = [id for id in await _within(store, tenant, named) if id not in known]
    ours = [id for id in dict.fromkeys((*named, *inner)) if await _is_ours(store, tenant, id)]
    gone = await store.traces.erase(tenant, traces=[*ids, *ours], user=user, session=session)
    return Gone(
        traces=gone,
        scores=scores,
        items=items,
        cases=len(cases),
        versions=forgotten.versions,
        outcomes=forgotten.outcomes,
        turns=turns,
        calls=(*within, *ours),
    )


async def erasures(records: Records) -> int:
    """Return how often something was erased that others may hold in memory."""
    mark = await records.get(_ERASED, "last")
    return 0 if mark is None else mark.version


async def _meant(store: Store, tenant: str, traces: Sequence[str], user: str, session: str) -> list[str]:
    """Return the ids of the traces that are meant."""
    ids = list(traces)
    for filter in (TraceFilter(user=user), TraceFilter(session=session)):
        if filter.user or filter.session:
            ids += [id async for id in _ids(store, filter.but(tenant=tenant))]
    return list(dict.fromkeys(ids))


async def _within(store: Store, tenant: str, ids: Sequence[str]) -> list[str]:
    """Return the ids of the calls within traces, as far down as they go: a shadow's copy says neither user nor session."""
    every, known, first = list(ids), set(ids), 0
    while first < len(every):
        some = every[first : first + _SOME]
        first += len(some)
        where = Either(parts=tuple(Holds(field="within", value=id) for id in some))
        more = [id async for id in _ids(store, TraceFilter(tenant=tenant, where=where)) if id not in known]
        every, known = [*every, *more], known | set(more)
    return every[len(ids) :]


async def _is_ours(store: Store, tenant: str, id: str) -> bool:
    """Whether a trace is a call by which Rowen itself judged or tried something: what a score names may be anything."""
    found = await store.traces.get(id, tenant)
    return found is not None and found.row.house


async def _ids(store: Store, filter: TraceFilter) -> AsyncIterator[str]:
    before = ""
    while page := await store.traces.find(filter.but(before=before, limit=_PAGE)):
        for row in page:
            yield row.id
        before = page[-1].cursor


async def _scores(store: Store, filter: ScoreFilter) -> tuple[int, set[str]]:
    """Remove scores; return how many, and the traces by which they were judged."""
    removed, told = 0, set[str]()
    while page := await store.scores.find(filter):
        for score in page:
            removed += await store.scores.delete(score.id, filter.tenant)
            told |= {each for each in (score.evidence, *score.metadata.get("traces", ())) if isinstance(each, str)}
    return removed, told - {""}


async def _records(store: Store, kind: str, tenant: str, ids: set[str]) -> tuple[int, set[str]]:
    """Remove what was made of traces; return how much, and the traces by which it was judged."""
    removed, told = 0, set[str]()
    for record in await store.records.find(kind, tenant=tenant, limit=_EVERY_RECORD) if ids else ():
        made = _made(record.body)
        if made.trace in ids:
            removed += await store.records.delete(kind, record.id, tenant)
            told.add(made.evidence)
    return removed, told - {""}


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[first : first + _PAGE] for first in range(0, len(ids), _PAGE))
