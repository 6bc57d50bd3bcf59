"""Traces: rows in typed columns, bodies compressed, the words of spans in an index, and the sums beside them."""

from collections.abc import Callable, Sequence
from functools import partial
from threading import local
from typing import Any

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
from rowen.store.named import in_order
from rowen.store.own import own_rows, own_span, twig_of
from rowen.store.pack import Packing, span_of
from rowen.store.postgres import find, kept, rows, subjects, sums, writing
from rowen.store.postgres.database import PostgresDatabase, Raw
from rowen.store.postgres.rows import plain, told
from rowen.values import Observed, SessionRow, SpanRow, Trace, TraceRow, Twig, UserRow

SCRIPT = rows.SCRIPT

_GET = "SELECT record, body FROM traces WHERE id = %s"
_SEVERAL = "FROM traces WHERE id = ANY(%s) AND (%s::text IS NULL OR tenant = %s)"
_ROWS = f"SELECT record {_SEVERAL}"
_CALLS = f"SELECT record, body {_SEVERAL}"
_OF = f"SELECT spans.body, {find.SPAN} FROM {find.SPANS} WHERE spans.trace = %s AND spans.tenant = %s AND own = 0"  # noqa: S608 - made of constants
_LISTED = f"SELECT {find.SPAN} FROM {find.SPANS} WHERE spans.trace = %s AND spans.tenant = %s AND own = 0"  # noqa: S608 - made of constants
_TWIGS = "SELECT id, parent, started_ns, duration_ns FROM spans WHERE trace = %s AND tenant = %s AND own = 0"
_BY_ID = " AND spans.id > %s ORDER BY spans.id LIMIT %s"
_ROOT_FIRST = " ORDER BY spans.parent <> '', spans.started_ns, spans.id LIMIT %s"


class PostgresTraces:
    """Traces in two tables."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._own = local()

    async def write(self, traces: Sequence[Trace]) -> None:
        """Write a batch of calls in one transaction; a call that is already there is replaced."""
        if traces:
            await self._database.change(lambda raw: writing.write(raw, self._packing(), traces))

    async def observe(self, spans: Sequence[Observed]) -> None:
        """Write spans that were sent to us; when it returns they are on the disk."""
        if spans:
            await self._database.change(lambda raw: writing.observe(raw, self._packing(), spans))

    async def find(self, filter: TraceFilter) -> list[TraceRow]:
        """Return the rows that pass the filter, newest first."""
        return await self._database.look(lambda raw: find.find(raw, filter))

    async def find_spans(self, filter: SpanFilter) -> list[SpanRow]:
        """Return the rows of spans that pass the filter, newest first."""
        return await self._database.look(lambda raw: find.find_spans(raw, filter))

    async def get(self, id: str, tenant: str | None = None) -> Trace | None:
        """Return one trace, with the root and the earliest of the spans that were sent to us."""

        def work(raw: Raw) -> Trace | None:
            found = self._one(raw, id, tenant)
            if found is None:
                return None
            row, call = found
            spans = []
            for packed, *each in raw.execute(_OF + _ROOT_FIRST, (plain(row.id), plain(row.tenant), SPANS_WHOLE)):
                spans.append(self._observed(packed, *each).span)
            return Trace(row=row, spans=tuple(spans)) if call is None else call.but(spans=(*call.spans, *spans))

        return await self._database.look(work)

    async def row(self, id: str, tenant: str | None = None) -> TraceRow | None:
        """Return the row of one trace."""

        def work(raw: Raw) -> TraceRow | None:
            found = self._one(raw, id, tenant)
            return None if found is None else found[0]

        return await self._database.look(work)

    async def rows(self, ids: Sequence[str], tenant: str | None = None) -> list[TraceRow]:
        """Return the rows of several traces."""

        def work(raw: Raw) -> list[TraceRow]:
            found = raw.execute(_ROWS, _several(ids, tenant))
            return [row for row, _ in in_order(ids, ((rows.trace_row(record), None) for (record,) in found))]

        return await self._database.look(work)

    async def calls(self, ids: Sequence[str], tenant: str | None = None) -> list[Trace]:
        """Return several calls, without the spans that were sent to us."""

        def work(raw: Raw) -> list[Trace]:
            found = raw.execute(_CALLS, _several(ids, tenant))
            each = in_order(ids, ((rows.trace_row(record), body) for record, body in found))
            return [self._packing().as_call(body, row) for row, body in each if body is not None]

        return await self._database.look(work)

    async def tree(self, trace: str, tenant: str | None = None) -> list[Twig]:
        """Return the shape of a trace, without reading what its spans are."""

        def work(raw: Raw) -> list[Twig]:
            found = self._one(raw, trace, tenant)
            if found is None:
                return []
            row, call = found
            twigs = [
                Twig(id=told(id), parent=told(parent), started_ns=started_ns, duration_ns=duration_ns)
                for id, parent, started_ns, duration_ns in raw.execute(_TWIGS, (plain(row.id), plain(row.tenant)))
            ]
            if call is not None:
                twigs += map(twig_of, call.spans)
            return sorted(twigs, key=lambda twig: (twig.started_ns, twig.id))

        return await self._database.look(work)

    async def spans(self, trace: str, tenant: str | None = None, *, only: Sequence[str] | None = None) -> list[SpanRow]:
        """Return the rows of the spans of a trace, or of some of them, in the order of their start."""

        def work(raw: Raw) -> list[SpanRow]:
            found = self._one(raw, trace, tenant)
            if found is None:
                return []
            row, call = found
            query = _LISTED
            values: list[Any] = [plain(row.id), plain(row.tenant)]
            if only is not None:
                query, values = query + " AND spans.id = ANY(%s)", [*values, [plain(id) for id in only]]
            listed = [find.span_of(*each) for each in raw.execute(query, values)]
            if call is not None:
                listed += [own for own in own_rows(row, call.spans) if only is None or own.id in only]
            return sorted(listed, key=lambda row: (row.started_ns, row.id))

        return await self._database.look(work)

    async def span(self, trace: str, id: str, tenant: str | None = None) -> Observed | None:
        """Return one span whole."""

        def work(raw: Raw) -> Observed | None:
            found = self._one(raw, trace, tenant)
            if found is None:
                return None
            row, call = found
            own = None if call is None else own_span(call, id)
            if own is not None:
                return own
            place = (plain(row.id), plain(row.tenant), plain(id))
            kept = raw.execute(_OF + " AND spans.id = %s", place).fetchone()
            if kept is None:
                return None
            return self._observed(*kept)

        return await self._database.look(work)

    async def sent(self, trace: str, tenant: str, *, after: str = "", limit: int = 500) -> list[Observed]:
        """Return spans that were sent to us under a trace, by id."""
        values = (plain(trace), plain(tenant), plain(after), max(0, limit))
        return await self._database.look(
            lambda raw: [self._observed(*each) for each in raw.execute(_OF + _BY_ID, values)]
        )

    async def days(self, *, before_ns: int) -> list[Day]:
        """Return the days that have traces, by day and tenant."""
        return await self._database.look(lambda raw: kept.days(raw, before_ns))

    async def buckets(
        self, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: GroupBy = "", app: str = ""
    ) -> list[Bucket]:
        """Return the sums by stretch and group."""
        return await self._database.look(
            lambda raw: sums.buckets(
                raw, tenant=tenant, since_ns=since_ns, until_ns=until_ns, every_ns=every_ns, by=by, app=app
            )
        )

    async def span_buckets(
        self, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: SpanGroup = "", app: str = ""
    ) -> list[SpanBucket]:
        """Return the sums over spans by stretch and group."""
        return await self._database.look(
            lambda raw: sums.span_buckets(
                raw, tenant=tenant, since_ns=since_ns, until_ns=until_ns, every_ns=every_ns, by=by, app=app
            )
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
        return await self._database.look(
            lambda raw: kept.day_costs(
                raw, tenant=tenant, since_ns=since_ns, until_ns=until_ns, by=by, app=app, names=names, whole=whole
            )
        )

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
        found = await self._database.look(
            lambda raw: subjects.found(
                raw, "session", tenant=tenant, app=app, user=user, since_ns=since_ns, until_ns=until_ns, before=before,
                limit=limit,
            )
        )  # fmt: skip
        return [SessionRow(session=last.session, user=last.user, **totals) for last, totals in found]

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
        found = await self._database.look(
            lambda raw: subjects.found(
                raw, "user", tenant=tenant, app=app, user="", since_ns=since_ns, until_ns=until_ns, before=before,
                limit=limit,
            )
        )  # fmt: skip
        return [UserRow(user=last.user, session=last.session, **totals) for last, totals in found]

    async def values(self, column: GroupBy, tenant: str | None = None) -> list[str]:
        """Return the distinct values of a column."""
        return await self._database.look(lambda raw: sums.values(raw, column, tenant))

    async def delete(self, *, before_ns: int, days: Sequence[Day] | None = None) -> int:
        """Remove the traces that began earlier, of some days only as long as nothing came to them; return how many."""
        if days is not None:
            return sum([await self._removed_of(day, before_ns) for day in days])
        return await self._removed("traces.started_ns < %s", [before_ns], aged=True)

    async def erase(self, tenant: str, *, traces: Sequence[str] = (), user: str = "", session: str = "") -> int:
        """Remove traces of one tenant by id, by user and by session; return how many."""
        removed = 0
        if traces:
            ids = [plain(id) for id in traces]
            removed += await self._removed("traces.tenant = %s AND traces.id = ANY(%s)", [plain(tenant), ids])
        for column, wanted in (('"user"', user), ("session", session)):
            if wanted:
                where = f"traces.tenant = %s AND traces.{column} = %s AND traces.{column} <> ''"
                removed += await self._removed(where, [plain(tenant), plain(wanted)])
        if user:
            await self._database.change(lambda raw: kept.forget_user(raw, tenant, user))
        return removed

    async def _removed_of(self, day: Day, before_ns: int) -> int:
        total = 0
        while True:
            removed, day = await self._database.change(partial(writing.remove_of_day, day=day, before_ns=before_ns))
            if not removed:
                return total
            total += removed

    async def _removed(self, where: str, values: Sequence[Any], *, aged: bool = False) -> int:
        total = 0
        work: Callable[[Raw], tuple[int, int]] = partial(writing.remove_some, where=where, values=values, aged=aged)
        while True:
            found, gone = await self._database.change(work)
            total += gone
            if not found:
                return total

    def _one(self, raw: Raw, id: str, tenant: str | None) -> tuple[TraceRow, Trace | None] | None:
        if tenant is None:
            found = raw.execute(_GET + " ORDER BY tenant LIMIT 1", (plain(id),)).fetchone()
        else:
            found = raw.execute(_GET + " AND tenant = %s", (plain(id), plain(tenant))).fetchone()
        if found is None:
            return None
        record, body = found
        row = rows.trace_row(record)
        return row, None if body is None else self._packing().as_call(body, row)

    def _observed(self, packed: bytes, *each: Any) -> Observed:
        row = find.span_of(*each)
        held = self._packing().as_span(packed, row)
        return Observed(row=row, span=span_of(row, held), input=held.input, output=held.output)

    def _packing(self) -> Packing:
        """Return the packing of this thread: its contexts are not shared."""
        packing: Packing | None = getattr(self._own, "packing", None)
        if packing is None:
            packing = self._own.packing = Packing()
        return packing


def _several(ids: Sequence[str], tenant: str | None) -> tuple[list[str], str | None, str | None]:
    scope = None if tenant is None else plain(tenant)
    return [plain(id) for id in ids], scope, scope
