"""Traces in dicts: sums are told anew from rows, and a row from its spans once one has changed. Others are compared with this."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from rowen.store import words
from rowen.store.base import (
    DAY_NS,
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
from rowen.store.bounds import bounded
from rowen.store.cursor import place_of
from rowen.store.daily import DaySum, whole_days
from rowen.store.fold import Telling
from rowen.store.own import found_rows, own_rows, own_span
from rowen.store.query import Judged, said_as
from rowen.store.spend import Used
from rowen.store.sums import MINUTE_NS, SpanSums, Sums, whole_minutes
from rowen.values import Observed, SessionRow, SpanRow, Trace, TraceRow, Twig, UserRow

_SAME = (
    "app", "model", "deployment", "provider", "key", "user", "session", "feature", "status", "code", "source", "origin",
    "name", "environment", "release", "within",
)  # fmt: skip
_SPAN_SAME = (
    "trace", "type", "name", "model", "provider", "status", "code", "app", "environment", "release", "session", "user",
    "feature", "prompt",
)  # fmt: skip

_MARKED = ("spans", "failed_spans", "duration_ns", "input_tokens", "output_tokens")

_Id = tuple[str, str]


class _Kept:
    """One trace: the call, if it is one, and the spans that were sent to us under its id."""

    def __init__(self, id: _Id) -> None:
        self._id = id
        self.call: Trace | None = None
        self.sent: dict[str, Observed] = {}
        self._served: dict[str, Used] = {}
        self._own: frozenset[str] | None = None
        self._row: TraceRow | None = None

    def put(self, call: Trace) -> None:
        """Keep the call."""
        self.call, self._row, self._own = call, None, None

    def send(self, span: Observed) -> None:
        """Keep a span that was sent to us."""
        self.sent[span.row.id], self._row = span, None

    def serve(self, row: TraceRow) -> None:
        """Note the tokens of a call through Rowen that was made within it."""
        self._served[row.id], self._row = (row.input_tokens, row.output_tokens), None

    @property
    def spans(self) -> dict[str, Observed]:
        """The spans sent, without those that the call has itself."""
        if self.call is None or not self.sent:
            return self.sent
        if self._own is None:
            self._own = frozenset(row.id for row, _ in found_rows(self.call))
        return {id: span for id, span in self.sent.items() if id not in self._own}

    @property
    def row(self) -> TraceRow:
        """What is told of it, told again when something has come to it since."""
        if self._row is None:
            self._row = self._told()
        return self._row

    def _told(self) -> TraceRow:
        if self.call is not None and not self.sent:
            return self.call.row
        telling = Telling(held={})
        for call, used in self._served.items():
            telling.serve(call, used)
        for span in self.spans.values():
            telling.add(span.row)
        if self.call is None:
            return telling.row(self._id[1], self._id[0])
        row = self.call.row
        return row.but(spans=row.spans + telling.spans, failed_spans=row.failed_spans + telling.failed)


class MemoryTraces:
    """Traces by tenant and id, all of them until they are deleted."""

    def __init__(self) -> None:
        self._kept: dict[_Id, _Kept] = {}
        self._aged: list[TraceRow] = []
        """What went for its age: its days' costs stay known."""

    async def write(self, traces: Sequence[Trace]) -> None:
        """Keep a batch of calls."""
        for trace in traces:
            row = trace.row
            self._at((row.tenant, row.id)).put(trace)
            around = self._kept.get((row.tenant, row.within))
            if row.within and around is not None and around.call is None:
                around.serve(row)

    async def observe(self, spans: Sequence[Observed]) -> None:
        """Keep a batch of spans."""
        for span in map(bounded, spans):
            kept = self._at((span.row.tenant, span.row.trace))
            if not kept.sent:
                for call in (each.call.row for each in self._kept.values() if each.call is not None):
                    if (call.tenant, call.within) == (span.row.tenant, span.row.trace):
                        kept.serve(call)
            kept.send(span)

    async def find(self, filter: TraceFilter) -> list[TraceRow]:
        """Return the rows that pass the filter, newest first."""
        place = place_of(filter.before, 2)
        same = {name: value for name in _SAME if (value := getattr(filter, name))}
        found = [
            kept.row
            for id, kept in self._kept.items()
            if filter.tenant in (None, id[0]) and _passes(kept.row, kept, filter, same, place)
        ]
        if filter.where is not None:
            found = [row for row in found if self._judged(row).fits(filter.where)]
        found.sort(key=_when, reverse=True)
        return found[: filter.limit]

    def _judged(self, row: TraceRow) -> Judged:
        kept = self._kept[row.tenant, row.id]
        rows = [span.row for span in kept.spans.values()]
        facts = {span.row.id: words.facts_of(span.span.attributes) for span in kept.spans.values()}
        if kept.call is not None:
            rows += [row for row, _ in found_rows(kept.call)]
        session = [
            each
            for other in self._kept.values()
            if row.session and (each := other.row).session == row.session and each.tenant == row.tenant
        ]
        return Judged(
            row,
            spans=[_whole_tells(row, span) for span in rows],
            has=lambda span, key, value: words.fact_wanted(f"{key}={value}") in facts.get(span, ()),
            session=_summed(session) if session else {},
            says=lambda text, phrase: _says(kept, said_as(text, phrase=phrase)),
        )

    async def find_spans(self, filter: SpanFilter) -> list[SpanRow]:
        """Return the rows of spans that pass the filter, newest first."""
        place = place_of(filter.before, 3)
        same = {name: value for name in _SPAN_SAME if (value := getattr(filter, name))}
        found = [row for row, text, facts in self._all_spans() if _span_passes(row, text, facts, filter, same, place)]
        found.sort(key=_span_when, reverse=True)
        return found[: filter.limit]

    async def get(self, id: str, tenant: str | None = None) -> Trace | None:
        """Return one trace."""
        kept = self._one(id, tenant)
        if kept is None:
            return None
        ordered = sorted(kept.spans.values(), key=lambda span: (bool(span.row.parent), *_span_when(span.row)))
        sent = tuple(span.span for span in ordered[:SPANS_WHOLE])
        if kept.call is None:
            return Trace(row=kept.row, spans=sent)
        return kept.call.but(row=kept.row, spans=(*kept.call.spans, *sent))

    async def row(self, id: str, tenant: str | None = None) -> TraceRow | None:
        """Return the row of one trace."""
        kept = self._one(id, tenant)
        return None if kept is None else kept.row

    async def rows(self, ids: Sequence[str], tenant: str | None = None) -> list[TraceRow]:
        """Return the rows of several traces."""
        found = [self._one(id, tenant) for id in dict.fromkeys(ids)]
        return [kept.row for kept in found if kept is not None]

    async def calls(self, ids: Sequence[str], tenant: str | None = None) -> list[Trace]:
        """Return several calls, without the spans that were sent to us."""
        found = [self._one(id, tenant) for id in dict.fromkeys(ids)]
        return [kept.call.but(row=kept.row) for kept in found if kept is not None and kept.call is not None]

    async def tree(self, trace: str, tenant: str | None = None) -> list[Twig]:
        """Return the shape of a trace."""
        return [
            Twig(id=row.id, parent=row.parent, started_ns=row.started_ns, duration_ns=row.duration_ns)
            for row in await self.spans(trace, tenant)
        ]

    async def spans(self, trace: str, tenant: str | None = None, *, only: Sequence[str] | None = None) -> list[SpanRow]:
        """Return the rows of the spans of a trace in the order of their start."""
        kept = self._one(trace, tenant)
        if kept is None:
            return []
        rows = [_with(kept.row, span.row) for span in kept.spans.values()]
        if kept.call is not None:
            rows += own_rows(kept.call.row, kept.call.spans)
        return sorted((row for row in rows if only is None or row.id in only), key=lambda row: (row.started_ns, row.id))

    async def span(self, trace: str, id: str, tenant: str | None = None) -> Observed | None:
        """Return one span."""
        kept = self._one(trace, tenant)
        if kept is None:
            return None
        own = own_span(kept.call, id) if kept.call is not None else None
        sent = kept.sent.get(id)
        return own or (None if sent is None else sent.but(row=_with(kept.row, sent.row)))

    async def sent(self, trace: str, tenant: str, *, after: str = "", limit: int = 500) -> list[Observed]:
        """Return spans that were sent to us under a trace, by id."""
        kept = self._one(trace, tenant)
        if kept is None:
            return []
        row = kept.row
        spans = (span.but(row=_with(row, span.row)) for id, span in sorted(kept.spans.items()) if id > after)
        return list(islice(spans, limit))

    async def days(self, *, before_ns: int) -> list[Day]:
        """Return the days that have traces, by day and tenant."""
        found: dict[tuple[int, str], list[TraceRow]] = {}
        for row in self._rows(None):
            if row.started_ns // DAY_NS * DAY_NS < before_ns:
                found.setdefault((row.started_ns // DAY_NS * DAY_NS, row.tenant), []).append(row)
        return [
            Day(
                start_ns=start,
                tenant=tenant,
                count=len(rows),
                mark=".".join(str(sum(getattr(row, name) for row in rows)) for name in _MARKED),
            )
            for (start, tenant), rows in sorted(found.items())
        ]

    async def buckets(
        self, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: GroupBy = "", app: str = ""
    ) -> list[Bucket]:
        """Return the sums by stretch and group."""
        since, until, every = whole_minutes(since_ns, until_ns, every_ns)
        found: dict[tuple[int, str], Sums] = {}
        for row in self._rows(tenant):
            if (not app or row.app == app) and since <= row.started_ns < until:
                start = row.started_ns // MINUTE_NS * MINUTE_NS // every * every
                found.setdefault((start, getattr(row, by) if by else ""), Sums()).count(row)
        return [sums.bucket(*place) for place, sums in sorted(found.items())]

    async def span_buckets(
        self, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: SpanGroup = "", app: str = ""
    ) -> list[SpanBucket]:
        """Return the sums over spans by stretch and group."""
        since, until, every = whole_minutes(since_ns, until_ns, every_ns)
        found: dict[tuple[int, str], SpanSums] = {}
        for row, _, _ in self._all_spans():
            if tenant in (None, row.tenant) and (not app or row.app == app) and since <= row.started_ns < until:
                start = row.started_ns // MINUTE_NS * MINUTE_NS // every * every
                found.setdefault((start, getattr(row, by) if by else ""), SpanSums()).tell(row)
        return [sums.bucket(*place) for place, sums in sorted(found.items())]

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
        since, until = whole_days(since_ns, until_ns)
        found: dict[tuple[int, str], DaySum] = {}
        for row in (*self._rows(tenant), *(row for row in self._aged if tenant in (None, row.tenant))):
            group = getattr(row, by) if by else ""
            if since <= row.started_ns < until and app in ("", row.app) and (names is None or group in names):
                start = 0 if whole else row.started_ns // DAY_NS * DAY_NS
                found.setdefault((start, group), DaySum()).count(row)
        return [sums.told(*place) for place, sums in sorted(found.items())]

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
        return [
            SessionRow(session=last.session, user=last.user, **sums)
            for last, sums in self._subjects("session", tenant, since_ns, until_ns, before)
            if (not app or last.app == app) and (not user or last.user == user)
        ][:limit]

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
        return [
            UserRow(user=last.user, session=last.session, **sums)
            for last, sums in self._subjects("user", tenant, since_ns, until_ns, before)
            if not app or last.app == app
        ][:limit]

    async def values(self, column: GroupBy, tenant: str | None = None) -> list[str]:
        """Return the distinct values of a column."""
        return sorted({getattr(row, column) for row in self._rows(tenant)} - {""}) if column else []

    async def delete(self, *, before_ns: int, days: Sequence[Day] | None = None) -> int:
        """Remove the traces that began earlier, of some days only as long as nothing came to them; return how many."""
        now = {(day.start_ns, day.tenant): day for day in await self.days(before_ns=before_ns)} if days else {}
        still = {(day.start_ns, day.tenant) for day in days or () if now.get((day.start_ns, day.tenant)) == day}

        def goes(row: TraceRow) -> bool:
            return row.started_ns < before_ns and (
                days is None or (row.started_ns // DAY_NS * DAY_NS, row.tenant) in still
            )

        self._aged += [row for row in self._rows(None) if goes(row)]
        return self._remove(goes)

    async def erase(self, tenant: str, *, traces: Sequence[str] = (), user: str = "", session: str = "") -> int:
        """Remove traces of one tenant; return how many."""
        if user:
            self._aged = [row.but(user="") if (row.tenant, row.user) == (tenant, user) else row for row in self._aged]
        return self._remove(
            lambda row: (
                row.tenant == tenant
                and (row.id in traces or bool(user and row.user == user) or bool(session and row.session == session))
            )
        )

    def _remove(self, goes: Callable[[TraceRow], bool]) -> int:
        gone = [id for id, kept in self._kept.items() if goes(kept.row)]
        for id in gone:
            del self._kept[id]
        return len(gone)

    def _at(self, id: _Id) -> _Kept:
        """Return a trace, a new one if there is none."""
        if id not in self._kept:
            self._kept[id] = _Kept(id)
        return self._kept[id]

    def _one(self, id: str, tenant: str | None) -> _Kept | None:
        if tenant is None:
            tenant = min((at[0] for at in self._kept if at[1] == id), default="")
        return self._kept.get((tenant, id))

    def _rows(self, tenant: str | None) -> Iterator[TraceRow]:
        return (kept.row for id, kept in self._kept.items() if tenant in (None, id[0]))

    def _all_spans(self) -> Iterator[tuple[SpanRow, str, list[str]]]:
        for kept in self._kept.values():
            row = kept.row
            for sent in kept.spans.values():
                facts = words.facts_of(sent.span.attributes)
                yield _with(row, sent.row), words.words_of_span(sent.input, sent.output), facts
            if kept.call is not None:
                for own, tells in found_rows(kept.call):
                    yield own, words.words_of_call(kept.call) if tells else "", []

    def _subjects(
        self, kind: str, tenant: str | None, since_ns: int, until_ns: int, before: str
    ) -> Iterator[tuple[TraceRow, dict[str, Any]]]:
        groups: dict[tuple[str, str], list[TraceRow]] = {}
        for row in self._rows(tenant):
            if getattr(row, kind):
                groups.setdefault((row.tenant, getattr(row, kind)), []).append(row)
        told = [(max(rows, key=_when), rows) for rows in groups.values()]
        place = place_of(before, 2)
        for last, rows in sorted(
            told, key=lambda each: (each[0].started_ns, getattr(each[0], kind), each[0].tenant), reverse=True
        ):
            first_ns = min(row.started_ns for row in rows)
            if (
                (place is not None and (last.started_ns, getattr(last, kind), last.tenant) >= place)
                or last.started_ns < since_ns
                or (until_ns and first_ns >= until_ns)
            ):
                continue
            sums = Sums()
            for row in rows:
                sums.count(row)
            yield (
                last,
                {
                    "tenant": last.tenant,
                    "app": last.app,
                    "first_ns": first_ns,
                    "last_ns": last.started_ns,
                    "traces": sums.calls,
                    "failed": sums.failed,
                    "input_tokens": sums.input_tokens,
                    "output_tokens": sums.output_tokens,
                    "cost": sums.cost,
                    "unpriced": sums.unpriced,
                    "asked": last.asked,
                    "said": last.said,
                },
            )


def _when(row: TraceRow) -> tuple[int, str, str]:
    return row.started_ns, row.id, row.tenant


def _span_when(row: SpanRow) -> tuple[int, str, str, str]:
    return row.started_ns, row.trace, row.id, row.tenant


def _with(trace: TraceRow, row: SpanRow) -> SpanRow:
    """Return the row of a span with what concerns its whole trace."""
    return row.but(session=trace.session, user=trace.user, feature=trace.feature, tags=row.tags or trace.tags)


def _whole_tells(row: TraceRow, span: SpanRow) -> SpanRow:
    """Return a span's row with what its whole trace says of it."""
    return span.but(session=row.session, user=row.user, feature=row.feature, tags=span.tags or row.tags)


def _summed(rows: Sequence[TraceRow]) -> dict[str, float]:
    return {
        "traces": len(rows),
        "failed": sum(row.status == "failed" for row in rows),
        "tokens": sum(row.input_tokens + row.output_tokens for row in rows),
        "cost": float(sum(row.cost or 0 for row in rows)),
    }


def _passes(
    row: TraceRow, kept: _Kept, filter: TraceFilter, same: Mapping[str, Any], place: tuple[Any, ...] | None
) -> bool:
    return (
        filter.since_ns <= row.started_ns
        and (not filter.until_ns or row.started_ns < filter.until_ns)
        and all(getattr(row, name) == value for name, value in same.items())
        and (not filter.tag or filter.tag in row.tags)
        and filter.complete in (None, row.complete)
        and (not filter.slower_ms or row.duration_ns > filter.slower_ms * 1_000_000)
        and (filter.dearer is None or (row.cost is not None and row.cost > filter.dearer))
        and (place is None or _when(row) < place)
        and (not filter.text or _says(kept, filter.text))
    )


def _says(kept: _Kept, text: str) -> bool:
    wanted = words.phrases(text)
    texts: Iterable[str] = (words.words_of_span(span.input, span.output) for span in kept.spans.values())
    if any(words.holds(words.split(said), wanted) for said in texts):
        return True
    call = kept.call
    return call is not None and bool(call.spans) and words.holds(words.split(words.words_of_call(call)), wanted)


def _span_passes(
    row: SpanRow,
    text: str,
    facts: list[str],
    filter: SpanFilter,
    same: Mapping[str, Any],
    place: tuple[Any, ...] | None,
) -> bool:
    return (
        filter.tenant in (None, row.tenant)
        and all(getattr(row, name) == value for name, value in same.items())
        and (not filter.tag or filter.tag in row.tags)
        and (not filter.attribute or words.fact_wanted(filter.attribute) in facts)
        and filter.since_ns <= row.started_ns
        and (not filter.until_ns or row.started_ns < filter.until_ns)
        and (not filter.slower_ms or row.duration_ns > filter.slower_ms * 1_000_000)
        and (filter.dearer is None or (row.cost is not None and row.cost > filter.dearer))
        and (place is None or _span_when(row) < place)
        and (not filter.text or words.holds(words.split(text), words.phrases(filter.text)))
    )
