"""Traces: rows in columns, bodies compressed apart, an index over the words of spans, and the sums of past hours."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from rowen.store.base import (
    SPANS_WHOLE,
    Bucket,
    CostBy,
    Day,
    DayCost,
    GroupBy,
    SpanBucket,
    SpanFilter,
    SpanGroup,
    TraceFilter,
)
from rowen.store.clickhouse import costs, find, removal, subjects, sums
from rowen.store.clickhouse.client import Client, Server
from rowen.store.clickhouse.hours import Hours
from rowen.store.clickhouse.rows import OF_ID, OF_TRACE, SPAN, TRACE
from rowen.store.clickhouse.writing import Writing
from rowen.store.group import Group
from rowen.store.named import in_order
from rowen.store.own import own_rows, own_span, twig_of
from rowen.store.pack import call_of, read_call, read_span, span_of
from rowen.values import Clock, Observed, SessionRow, SpanRow, Trace, TraceRow, Twig, UserRow

_ONE = f"""SELECT {TRACE} FROM traces
WHERE (hour, tenant, id) IN (SELECT hour, tenant, trace FROM places WHERE trace = ?){{}} ORDER BY tenant LIMIT 1"""  # noqa: S608 - made of constants
_BODY = f"SELECT body FROM calls WHERE {OF_ID}"  # noqa: S608 - likewise
_SEVERAL = f"""SELECT {TRACE} FROM traces
WHERE (hour, tenant, id) IN (SELECT hour, tenant, trace FROM places WHERE trace IN ?){{}}"""  # noqa: S608 - likewise
_BODIES = f"SELECT id, tenant, body FROM calls WHERE {OF_ID}"  # noqa: S608 - likewise
_LISTED = f"SELECT {SPAN} FROM spans WHERE own = 0 AND {OF_TRACE}"  # noqa: S608 - likewise
_WHOLE = f"SELECT {SPAN}, body FROM spans WHERE own = 0 AND {OF_TRACE}"  # noqa: S608 - likewise
_TWIGS = f"SELECT id, parent, started_ns, duration_ns FROM spans WHERE own = 0 AND {OF_TRACE}"  # noqa: S608 - likewise
_ROOT_FIRST = " ORDER BY parent <> '', started_ns, id LIMIT ?"


class _Packed(msgspec.Struct):
    """What a row of `_WHOLE` has beside that of the span."""

    body: str


_spans = msgspec.json.Decoder(SpanRow).decode_lines
_bodies = msgspec.json.Decoder(_Packed).decode_lines


class ClickhouseTraces:
    """Traces in one database of a ClickHouse server.

    Args:
        client: the server.
        clock: tells which hours are past, and what is later than what.

    """

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._hours = Hours(clock)
        self._writing = Writing(clock, self._hours.late)
        self._group = Group(self._together, most=20_000)

    async def write(self, traces: Sequence[Trace]) -> None:
        """Write a batch of calls; a call that is already there is replaced."""
        if traces:
            await self._client.change(lambda server: self._writing.write(server, traces))

    async def observe(self, spans: Sequence[Observed]) -> None:
        """Write spans that were sent to us, together with those of others who wait."""
        if spans:
            await self._group.put(spans)

    async def find(self, filter: TraceFilter) -> list[TraceRow]:
        """Return the rows that pass the filter, newest first."""
        now_ns = self._clock.now_ns()
        return await self._client.look(lambda server: find.find(server, filter, now_ns))

    async def find_spans(self, filter: SpanFilter) -> list[SpanRow]:
        """Return the rows of spans that pass the filter, newest first."""
        now_ns = self._clock.now_ns()
        return await self._client.look(lambda server: find.find_spans(server, filter, now_ns))

    async def get(self, id: str, tenant: str | None = None) -> Trace | None:
        """Return one trace, with the root and the earliest of the spans that were sent to us."""

        def work(server: Server) -> Trace | None:
            row = _one(server, id, tenant)
            if row is None:
                return None
            spans = tuple(span.span for span in _sent(server, row, _ROOT_FIRST, [SPANS_WHOLE]))
            call = _call(server, row)
            return Trace(row=row, spans=spans) if call is None else call.but(spans=(*call.spans, *spans))

        return await self._client.look(work)

    async def row(self, id: str, tenant: str | None = None) -> TraceRow | None:
        """Return the row of one trace."""
        return await self._client.look(lambda server: _one(server, id, tenant))

    async def rows(self, ids: Sequence[str], tenant: str | None = None) -> list[TraceRow]:
        """Return the rows of several traces."""
        return await self._client.look(lambda server: _several(server, ids, tenant)) if ids else []

    async def calls(self, ids: Sequence[str], tenant: str | None = None) -> list[Trace]:
        """Return several calls, without the spans that were sent to us."""

        def work(server: Server) -> list[Trace]:
            listed = [row for row in _several(server, ids, tenant) if row.origin == "call"]
            if not listed:
                return []
            found = server.lists(_BODIES, [[place for row in listed for place in _place(row)]])
            bodies = {(id, tenant): body for id, tenant, body in found}
            return [call_of(row, read_call(bodies[row.id, row.tenant])) for row in listed if _place(row)[0] in bodies]

        return await self._client.look(work) if ids else []

    async def tree(self, trace: str, tenant: str | None = None) -> list[Twig]:
        """Return the shape of a trace, without reading what its spans are."""

        def work(server: Server) -> list[Twig]:
            row = _one(server, trace, tenant)
            if row is None:
                return []
            twigs = server.rows(_TWIGS, [_place(row)], Twig)
            call = _call(server, row)
            if call is not None:
                twigs += map(twig_of, call.spans)
            return sorted(twigs, key=lambda twig: (twig.started_ns, twig.id))

        return await self._client.look(work)

    async def spans(self, trace: str, tenant: str | None = None, *, only: Sequence[str] | None = None) -> list[SpanRow]:
        """Return the rows of the spans of a trace, or of some of them, in the order of their start."""

        def work(server: Server) -> list[SpanRow]:
            row = _one(server, trace, tenant)
            if row is None:
                return []
            query, values = (_LISTED, []) if only is None else (f"{_LISTED} AND id IN ?", [list(only)])
            listed = find.with_traces(server.rows(query, [_place(row), *values], SpanRow), [row])
            call = _call(server, row)
            if call is not None:
                listed += [own for own in own_rows(row, call.spans) if only is None or own.id in only]
            return sorted(listed, key=lambda row: (row.started_ns, row.id))

        return await self._client.look(work)

    async def span(self, trace: str, id: str, tenant: str | None = None) -> Observed | None:
        """Return one span whole."""

        def work(server: Server) -> Observed | None:
            row = _one(server, trace, tenant)
            if row is None:
                return None
            call = _call(server, row)
            own = None if call is None else own_span(call, id)
            if own is not None:
                return own
            return next(iter(_sent(server, row, " AND id = ?", [id])), None)

        return await self._client.look(work)

    async def sent(self, trace: str, tenant: str, *, after: str = "", limit: int = 500) -> list[Observed]:
        """Return spans that were sent to us under a trace, by id."""

        def work(server: Server) -> list[Observed]:
            row = _one(server, trace, tenant)
            return [] if row is None else _sent(server, row, " AND id > ? ORDER BY id LIMIT ?", [after, max(0, limit)])

        return await self._client.look(work)

    async def days(self, *, before_ns: int) -> list[Day]:
        """Return the days that have traces, by day and tenant."""
        return await self._client.look(lambda server: sums.days(server, before_ns))

    async def buckets(
        self, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: GroupBy = "", app: str = ""
    ) -> list[Bucket]:
        """Return the sums by stretch and group."""
        asked = sums.window(tenant=tenant, since_ns=since_ns, until_ns=until_ns, every_ns=every_ns, by=by, app=app)
        return await self._client.look(
            lambda server: sums.trace_buckets(server, asked, self._hours.kept(server, "traces", asked))
        )

    async def span_buckets(
        self, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: SpanGroup = "", app: str = ""
    ) -> list[SpanBucket]:
        """Return the sums over spans by stretch and group."""
        asked = sums.window(tenant=tenant, since_ns=since_ns, until_ns=until_ns, every_ns=every_ns, by=by, app=app)
        return await self._client.look(
            lambda server: sums.span_buckets(server, asked, self._hours.kept(server, "spans", asked))
        )

    async def day_costs(
        self,
        *,
        tenant: str | None,
        since_ns: int,
        until_ns: int,
        by: CostBy = "",
        app: str = "",
        names: Sequence[str] | None = None,
        whole: bool = False,
    ) -> list[DayCost]:
        """Return what days cost, oldest first, then by group."""
        return await self._client.look(
            partial(
                costs.found, tenant=tenant, since_ns=since_ns, until_ns=until_ns, by=by, app=app, names=names,
                whole=whole,
            )
        )  # fmt: skip

    async def sessions(
        self,
        *,
        tenant: str | None,
        app: str = "",
        user: str = "",
        since_ns: int = 0,
        until_ns: int = 0,
        before: str = "",
        limit: int = 50,
    ) -> list[SessionRow]:
        """Return the sessions, newest first."""
        found = partial(
            subjects.found, kind="session", tenant=tenant, app=app, user=user, since_ns=since_ns, until_ns=until_ns,
            before=before, limit=limit,
        )  # fmt: skip
        return [SessionRow(**fields) for fields in await self._client.look(found)]

    async def users(
        self,
        *,
        tenant: str | None,
        app: str = "",
        since_ns: int = 0,
        until_ns: int = 0,
        before: str = "",
        limit: int = 50,
    ) -> list[UserRow]:
        """Return the users, newest first."""
        found = partial(
            subjects.found, kind="user", tenant=tenant, app=app, user="", since_ns=since_ns, until_ns=until_ns,
            before=before, limit=limit,
        )  # fmt: skip
        return [UserRow(**fields) for fields in await self._client.look(found)]

    async def values(self, column: GroupBy, tenant: str | None = None) -> list[str]:
        """Return the distinct values of a column."""
        return await self._client.look(lambda server: sums.values(server, column, tenant))

    async def delete(self, *, before_ns: int, days: Sequence[Day] | None = None) -> int:
        """Remove the traces that began earlier, of some days only where nothing came to them; return how many."""
        return await self._client.change(lambda server: removal.struck(server, before_ns, self._hours.late, days))

    async def erase(self, tenant: str, *, traces: Sequence[str] = (), user: str = "", session: str = "") -> int:
        """Remove traces of one tenant by id, by user and by session; return how many."""
        wanted = {"id IN ?": list(traces), "user = ?": user, "session = ?": session}
        asked = {term: value for term, value in wanted.items() if value}
        if not asked:
            return 0
        where = f"tenant = ? AND ({' OR '.join(asked)})"
        values = [tenant, *asked.values()]
        gone = await self._client.change(lambda server: removal.erased(server, where, values, self._hours.late))
        if user:
            await self._client.change(lambda server: costs.forget_user(server, tenant, user))
        return gone

    async def _together(self, spans: Sequence[Observed]) -> None:
        await self._client.change(lambda server: self._writing.observe(server, spans))


def _one(server: Server, id: str, tenant: str | None) -> TraceRow | None:
    scope, values = ("", []) if tenant is None else (" AND tenant = ?", [tenant])
    return next(iter(server.rows(_ONE.format(scope), [id, *values], TraceRow)), None)


def _several(server: Server, ids: Sequence[str], tenant: str | None) -> list[TraceRow]:
    scope, values = ("", []) if tenant is None else (" AND tenant = ?", [tenant])
    found = server.rows(_SEVERAL.format(scope), [list(ids), *values], TraceRow)
    return [row for row, _ in in_order(ids, ((row, None) for row in found))]


def _place(row: TraceRow) -> list[tuple[str, str]]:
    return [(row.id, row.tenant)]


def _call(server: Server, row: TraceRow) -> Trace | None:
    if row.origin != "call":
        return None
    found = server.lists(_BODY, [_place(row)])
    return call_of(row, read_call(found[0][0])) if found else None


def _sent(server: Server, row: TraceRow, more: str, values: Sequence[Any]) -> list[Observed]:
    said = server.said(_WHOLE + more, [_place(row), *values])
    spans = _spans(said)
    found = []
    for span, whole, packed in zip(spans, find.with_traces(spans, [row]), _bodies(said), strict=True):
        body = read_span(packed.body, span)
        found.append(Observed(row=whole, span=span_of(whole, body), input=body.input, output=body.output))
    return found
