"""Reads a day of a tenant out of the store, page by page, and hands its lines to a spool."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from rowen.store.archive.columns import Family
from rowen.store.archive.lines import Whole, own_lines, score_line, sent_line, trace_line
from rowen.store.archive.merge import merged
from rowen.store.archive.spool import Spool
from rowen.store.base import DAY_NS, ScoreFilter, Scores, TraceFilter, Traces
from rowen.values import Observed, Trace, TraceRow

Beat = Callable[[], Awaitable[None]]
"""Called now and then in long work; raises when it must end."""

Known = Callable[[Sequence[str]], Awaitable[dict[str, Whole]]]
"""Gives traces by id as the archive has them."""

_PAGE = 200


async def traces_of(
    traces: Traces, spool: Spool, tenant: str, start_ns: int, *, beat: Beat, known: Known | None = None
) -> None:
    """Spool the traces that began on a day, with their spans.

    Args:
        traces: of the store.
        spool: takes the lines.
        tenant: whose.
        start_ns: when the day begins.
        beat: called with every page.
        known: when the store may have deleted the first half of a trace, gives that half.

    """
    async for rows in _pages(traces, tenant, start_ns):
        await beat()
        earlier = await known([row.id for row in rows]) if known is not None else {}
        for row in rows:
            if row.id in earlier:
                whole = await _whole(traces, row)
                if whole is not None:
                    whole = merged(earlier[row.id], whole)
                    await _add(spool, "traces", [trace_line(whole.trace)])
                    await _add(spool, "spans", own_lines(whole.trace))
                    await _add_sent(spool, whole.sent)
            elif row.origin == "call":
                whole = await _whole(traces, row)
                if whole is not None:
                    spool.add("traces", [trace_line(whole.trace)])
                    spool.add("spans", own_lines(whole.trace))
                    await _add_sent(spool, whole.sent)
            else:
                spool.add("traces", [trace_line(Trace(row=row))])
                async for page in _sent(traces, row):
                    await _add_sent(spool, page)


async def scores_of(scores: Scores, spool: Spool, tenant: str, start_ns: int, *, beat: Beat) -> None:
    """Spool the scores of what began on a day."""
    before = ""
    while page := await scores.find(
        ScoreFilter(tenant=tenant, since_ns=start_ns, until_ns=start_ns + DAY_NS, before=before, limit=_PAGE)
    ):
        await beat()
        await _add(spool, "scores", [score_line(score) for score in page])
        before = page[-1].id


async def _pages(traces: Traces, tenant: str, start_ns: int) -> AsyncIterator[list[TraceRow]]:
    before = ""
    while page := await traces.find(
        TraceFilter(tenant=tenant, since_ns=start_ns, until_ns=start_ns + DAY_NS, before=before, limit=_PAGE)
    ):
        yield page
        before = page[-1].cursor


async def _sent(traces: Traces, row: TraceRow) -> AsyncIterator[list[Observed]]:
    after = ""
    while page := await traces.sent(row.id, row.tenant, after=after, limit=_PAGE):
        yield page
        if len(page) < _PAGE:
            return
        after = page[-1].row.id


async def _whole(traces: Traces, row: TraceRow) -> Whole | None:
    """Return a trace with all its spans in memory; None when it went meanwhile."""
    sent = [span async for page in _sent(traces, row) for span in page]
    if row.origin != "call":
        return Whole(trace=Trace(row=row), sent=tuple(sent))
    found = await traces.get(row.id, row.tenant)
    if found is None:
        return None
    others = {span.row.id for span in sent}
    own = tuple(span for span in found.spans if span.id not in others)
    return Whole(trace=found.but(spans=own), sent=tuple(sent))


async def _add_sent(spool: Spool, spans: Sequence[Observed]) -> None:
    if spans:
        await _add(spool, "spans", [sent_line(span) for span in spans])


async def _add(spool: Spool, table: Family, lines: Sequence[bytes]) -> None:
    spool.add(table, lines)
    await asyncio.sleep(0)  # others have their turn between two pages
