"""Traces in `traces.db`: rows in typed columns, bodies compressed apart, a full-text index, and the sums beside them."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

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
from rowen.store.group import Group
from rowen.store.named import in_order
from rowen.store.own import own_rows, own_span, twig_of
from rowen.store.pack import Packing, span_of
from rowen.store.sqlite import calls, days, marks, removal, rollup, search, sent, subjects
from rowen.store.sqlite.entry import Entry, Ledger
from rowen.store.sqlite.file import File
from rowen.store.sqlite.migration import SCRIPTS
from rowen.store.sqlite.packs import Packs
from rowen.store.sqlite.rows import SPAN_NAMES, SPAN_TABLES, TRACE_NAMES, long, short, span_row, trace_row
from rowen.values import Mistaken, Observed, SessionRow, SpanRow, Trace, TraceRow, Twig, UserRow

__all__ = ["SCRIPTS", "SqliteTraces"]

T = TypeVar("T")

_GET = f"""SELECT traces.number, (SELECT body FROM bodies WHERE bodies.number = traces.number), {TRACE_NAMES}
FROM traces JOIN whats ON whats.number = traces.what WHERE traces.id = ?"""  # noqa: S608 - made of constants
_SEVERAL = """traces.id IN (SELECT value FROM json_each(?)) AND (? IS NULL OR traces.tenant = ?)"""
_ROWS = f"SELECT {TRACE_NAMES} FROM traces JOIN whats ON whats.number = traces.what WHERE {_SEVERAL}"  # noqa: S608 - made of constants
_CALLS = f"""SELECT (SELECT body FROM bodies WHERE bodies.number = traces.number), {TRACE_NAMES}
FROM traces JOIN whats ON whats.number = traces.what WHERE {_SEVERAL}"""  # noqa: S608 - made of constants
_SENT = f"SELECT {SPAN_NAMES} FROM {SPAN_TABLES} WHERE spans.trace = ? AND spans.own = 0"  # noqa: S608 - made of constants
_BY_PACK = " ORDER BY spans.pack"
_ONLY = " AND spans.id IN ({})"
_TWIGS = "SELECT id, parent, started_ns, duration_ns FROM spans WHERE trace = ? AND own = 0"
_NUMBER = "SELECT number FROM traces WHERE id = ? AND tenant = ?"
_BY_ID = " AND spans.id > ? ORDER BY spans.id LIMIT ?"
_ROOT_FIRST = " ORDER BY spans.parent <> '', spans.started_ns, spans.id LIMIT ?"

_PAGES = 500  # of the full-text index, written anew in one transaction, so that writers get their turn

_ids = msgspec.json.Encoder().encode


class SqliteTraces:
    """Traces in one file, written through one connection; read through a second and searched through a third."""

    def __init__(self, writer: File, reader: File, searcher: File) -> None:
        self._writer = writer
        self._reader = reader
        self._searcher = searcher
        self._ledger = Ledger(Packing())
        self._packing = Packing()
        self._searching = Packing()
        self._group = Group(self._observed)

    async def write(self, traces: Sequence[Trace]) -> None:
        """Write a batch of calls in one transaction; a call that is already there is replaced."""
        if traces:
            await self._changed(lambda entry: calls.write(entry, traces))

    async def observe(self, spans: Sequence[Observed]) -> None:
        """Write spans that were sent to us; when it returns they are on the disk."""
        if spans:
            await self._group.put(spans)

    async def find(self, filter: TraceFilter) -> list[TraceRow]:
        """Return the rows that pass the filter, newest first."""
        return await self._searcher.read(lambda connection: search.find(connection, filter, self._searching))

    async def find_spans(self, filter: SpanFilter) -> list[SpanRow]:
        """Return the rows of spans that pass the filter, newest first."""
        return await self._searcher.read(lambda connection: search.find_spans(connection, filter, self._searching))

    async def get(self, id: str, tenant: str | None = None) -> Trace | None:
        """Return one trace, with the root and the earliest of the spans that were sent to us."""

        def work(connection: sqlite3.Connection) -> Trace | None:
            found = self._one(connection, id, tenant)
            if found is None:
                return None
            number, row, call = found
            packs = Packs(connection, self._packing)
            kept = connection.execute(_SENT + _ROOT_FIRST, (number, SPANS_WHOLE))
            spans = [_whole(each, packs).span for each in kept]
            return Trace(row=row, spans=tuple(spans)) if call is None else call.but(spans=(*call.spans, *spans))

        return await self._reader.read(work)

    async def row(self, id: str, tenant: str | None = None) -> TraceRow | None:
        """Return the row of one trace."""

        def work(connection: sqlite3.Connection) -> TraceRow | None:
            found = self._one(connection, id, tenant)
            return None if found is None else found[1]

        return await self._reader.read(work)

    async def rows(self, ids: Sequence[str], tenant: str | None = None) -> list[TraceRow]:
        """Return the rows of several traces."""
        wanted = _ids(list(ids)).decode()

        def work(connection: sqlite3.Connection) -> list[TraceRow]:
            found = connection.execute(_ROWS, (wanted, tenant, tenant))
            return [row for row, _ in in_order(ids, ((trace_row(fields), None) for fields in found))]

        return await self._reader.read(work)

    async def calls(self, ids: Sequence[str], tenant: str | None = None) -> list[Trace]:
        """Return several calls, without the spans that were sent to us."""
        wanted = _ids(list(ids)).decode()

        def work(connection: sqlite3.Connection) -> list[Trace]:
            found = connection.execute(_CALLS, (wanted, tenant, tenant))
            each = in_order(ids, ((trace_row(fields), body) for body, *fields in found))
            return [self._packing.as_call(body, row) for row, body in each if body is not None]

        return await self._reader.read(work)

    async def tree(self, trace: str, tenant: str | None = None) -> list[Twig]:
        """Return the shape of a trace."""

        def work(connection: sqlite3.Connection) -> list[Twig]:
            found = self._one(connection, trace, tenant)
            if found is None:
                return []
            number, _, call = found
            twigs = [
                Twig(id=long(id), parent=long(parent), started_ns=started, duration_ns=duration)
                for id, parent, started, duration in connection.execute(_TWIGS, (number,))
            ]
            twigs += [twig_of(span) for span in call.spans] if call is not None else []
            return sorted(twigs, key=_when)

        return await self._reader.read(work)

    async def spans(self, trace: str, tenant: str | None = None, *, only: Sequence[str] | None = None) -> list[SpanRow]:
        """Return the rows of the spans of a trace in the order of their start."""

        def work(connection: sqlite3.Connection) -> list[SpanRow]:
            found = self._one(connection, trace, tenant)
            if found is None:
                return []
            number, row, call = found
            packs = Packs(connection, self._packing)
            kept = (
                connection.execute(_SENT + _BY_PACK, (number,))
                if only is None
                else connection.execute(
                    _SENT + _ONLY.format(", ".join("?" * len(only))) + _BY_PACK, (number, *map(short, only))
                )
            )
            rows = [span_row(each, packs) for each in kept]
            if call is not None:
                rows += [own for own in own_rows(row, call.spans) if only is None or own.id in only]
            return sorted(rows, key=_when)

        return await self._reader.read(work)

    async def span(self, trace: str, id: str, tenant: str | None = None) -> Observed | None:
        """Return one span whole."""

        def work(connection: sqlite3.Connection) -> Observed | None:
            found = self._one(connection, trace, tenant)
            if found is None:
                return None
            number, _, call = found
            own = None if call is None else own_span(call, id)
            if own is not None:
                return own
            kept = connection.execute(_SENT + " AND spans.id = ?", (number, short(id))).fetchone()
            return None if kept is None else _whole(kept, Packs(connection, self._packing))

        return await self._reader.read(work)

    async def sent(self, trace: str, tenant: str, *, after: str = "", limit: int = 500) -> list[Observed]:
        """Return spans that were sent to us under a trace, by id."""

        def work(connection: sqlite3.Connection) -> list[Observed]:
            number = connection.execute(_NUMBER, (trace, tenant)).fetchone()
            if number is None:
                return []
            packs = Packs(connection, self._packing)
            return [_whole(each, packs) for each in connection.execute(_SENT + _BY_ID, (*number, short(after), limit))]

        return await self._reader.read(work)

    async def days(self, *, before_ns: int) -> list[Day]:
        """Return the days that have traces, by day and tenant."""
        return await self._reader.read(lambda connection: marks.days(connection, before_ns))

    async def buckets(
        self, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: GroupBy = "", app: str = ""
    ) -> list[Bucket]:
        """Return the sums by stretch and group."""
        return await self._reader.read(
            lambda connection: rollup.buckets(
                connection, tenant=tenant, since_ns=since_ns, until_ns=until_ns, every_ns=every_ns, by=by, app=app
            )
        )

    async def span_buckets(
        self, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: SpanGroup = "", app: str = ""
    ) -> list[SpanBucket]:
        """Return the sums over spans by stretch and group."""
        return await self._reader.read(
            lambda connection: rollup.span_buckets(
                connection, tenant=tenant, since_ns=since_ns, until_ns=until_ns, every_ns=every_ns, by=by, app=app
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
        return await self._reader.read(
            lambda connection: days.found(
                connection, tenant=tenant, since_ns=since_ns, until_ns=until_ns, by=by, app=app, names=names,
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

        def work(connection: sqlite3.Connection) -> list[SessionRow]:
            kind = subjects.SESSION
            found = (
                SessionRow(session=last.session, user=last.user, **sums)
                for last, sums in subjects.found(connection, kind, tenant, since_ns, until_ns, before)
                if (not app or last.app == app) and (not user or last.user == user)
            )
            return list(islice(found, limit))

        return await self._searcher.read(work)

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

        def work(connection: sqlite3.Connection) -> list[UserRow]:
            kind = subjects.USER
            found = (
                UserRow(user=last.user, session=last.session, **sums)
                for last, sums in subjects.found(connection, kind, tenant, since_ns, until_ns, before)
                if not app or last.app == app
            )
            return list(islice(found, limit))

        return await self._searcher.read(work)

    async def values(self, column: GroupBy, tenant: str | None = None) -> list[str]:
        """Return the distinct values of a column."""
        return await self._reader.read(lambda connection: rollup.values(connection, column, tenant))

    async def delete(self, *, before_ns: int, days: Sequence[Day] | None = None) -> int:
        """Remove the traces that began earlier, of some days only as long as nothing came to them; return how many."""
        if days is None:
            removed = await self._removed(removal.OLD, (before_ns,))
        else:
            removed = sum([await self._removed_of(day, before_ns) for day in days])
            await self._swept(removed)
        if removed and await self._reader.read(lambda connection: removal.few_left(connection, removed)):
            await self._rewrite_words()
        return removed

    async def erase(self, tenant: str, *, traces: Sequence[str] = (), user: str = "", session: str = "") -> int:
        """Remove traces of one tenant by id, by user and by session; return how many."""
        removed = 0
        if traces:
            removed += await self._removed(removal.OF_IDS, (_ids(list(traces)).decode(), tenant))
        if user:
            removed += await self._removed(removal.OF_USER, (user, tenant))
            await self._writer.write(lambda connection: days.forget_user(connection, tenant, user))
        if session:
            removed += await self._removed(removal.OF_SESSION, (session, tenant))
        if removed:
            await self._rewrite_words()
        return removed

    async def _observed(self, spans: Sequence[Observed]) -> None:
        await self._changed(lambda entry: sent.observe(entry, spans), durable=True)

    async def _removed(self, query: str, values: tuple[Any, ...]) -> int:
        total = 0
        while removed := await self._changed(lambda entry: removal.remove_some(entry, query, values)):
            total += removed
        await self._swept(total)
        return total

    async def _removed_of(self, day: Day, before_ns: int) -> int:
        total = 0
        while True:
            removed, day = await self._changed(partial(removal.remove_of_day, day=day, before_ns=before_ns))
            if not removed:
                return total
            total += removed

    async def _swept(self, removed: int) -> None:
        if removed:
            await self._writer.write(removal.sweep)
            await self._give_back()

    async def _rewrite_words(self) -> None:
        await self._writer.write(lambda connection: removal.rewrite_words(connection, -_PAGES))
        while await self._writer.write(lambda connection: removal.rewrite_words(connection, _PAGES)):
            pass
        await self._give_back()

    async def _give_back(self) -> None:
        while await self._writer.apart(removal.give_back):
            pass

    async def _changed(self, work: Callable[[Entry], T], *, durable: bool = False) -> T:
        def whole(connection: sqlite3.Connection) -> T:
            try:
                return work(self._ledger.begin(connection))
            except UnicodeEncodeError as error:
                self._ledger.forget()
                raise Mistaken(
                    "field_invalid", "a text holds half of a surrogate pair, which is no character"
                ) from error
            except BaseException:
                self._ledger.forget()  # the names it gave are rolled back with the rest
                raise

        return await self._writer.write(whole, durable=durable)

    def _one(
        self, connection: sqlite3.Connection, id: str, tenant: str | None
    ) -> tuple[int, TraceRow, Trace | None] | None:
        if tenant is None:
            found = connection.execute(_GET + " ORDER BY traces.tenant LIMIT 1", (id,)).fetchone()
        else:
            found = connection.execute(_GET + " AND traces.tenant = ?", (id, tenant)).fetchone()
        if found is None:
            return None
        number, body, *fields = found
        row = trace_row(fields)
        return number, row, None if body is None else self._packing.as_call(body, row)


def _whole(found: Sequence[Any], packs: Packs) -> Observed:
    """Return a span that was read as `SPAN_NAMES`."""
    row = span_row(found, packs)
    held = packs.body(*found[-2:])
    return Observed(row=row, span=span_of(row, held), input=held.input, output=held.output)


def _when(each: SpanRow | Twig) -> tuple[int, str]:
    return each.started_ns, each.id
