"""Writing traces. ClickHouse has no transactions: what comes is written first, and what is told of it after.

A row told too early, since another process wrote at the same time, is told again by whoever finds that out: each looks
once more after it has written.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

import msgspec

from rowen.store.bounds import bounded
from rowen.store.clickhouse.client import Server
from rowen.store.clickhouse.rows import (
    OF_ID,
    OF_TRACE,
    PUT_CALL,
    PUT_SPAN,
    PUT_TRACE,
    hour_of,
    span_values,
    trace_values,
)
from rowen.store.clickhouse.telling import Place, rows_told, states
from rowen.store.own import found_rows
from rowen.store.pack import body_of, call_body, span_body
from rowen.store.words import facts_of, split, words_of_call, words_of_span
from rowen.values import Clock, Observed, Trace

Key = tuple[int, str, str]
"""Hour, tenant and id of a row of `traces` or `calls`."""

SpanKey = tuple[int, str, str, str]
"""Hour, tenant, trace and id of a row of `spans`."""

_PLACES = "SELECT trace, tenant, hour FROM places WHERE (trace, tenant) IN ?"
_SPANS = f"SELECT hour, tenant, trace, id, own FROM spans WHERE {OF_TRACE}"  # noqa: S608 - made of constants
_TRACES = f"SELECT hour, tenant, id, version FROM traces WHERE {OF_ID}"  # noqa: S608 - likewise
_CALLS = f"SELECT hour, tenant, id FROM calls WHERE {OF_ID}"  # noqa: S608 - likewise
_GONE = ("version", "gone")

_encode = msgspec.json.Encoder().encode


class Late(Protocol):
    """Is told of the hours whose rows are about to change, and again when they have."""

    def __call__(self, server: Server, *, traces: Iterable[int] = (), spans: Iterable[int] = ()) -> None: ...


class Writing:
    """Writes in one thread.

    Args:
        clock: what versions are taken from; those of one process only grow.
        late: told of hours for which sums may be kept.

    """

    def __init__(self, clock: Clock, late: Late) -> None:
        self._clock = clock
        self._late = late
        self._version = 0

    def write(self, server: Server, traces: Sequence[Trace]) -> None:
        """Write calls; one that is there already is replaced, and keeps the spans that were sent to us."""
        latest = {(trace.row.id, trace.row.tenant): trace for trace in traces}
        version, own = self._next(), {place: found_rows(trace) for place, trace in latest.items()}
        rows = [
            span_values(
                span, version, own=1 if tells else 2, words=split(words_of_call(latest[place])) if tells else ()
            )
            for place, spans in own.items()
            for span, tells in spans
        ]
        calls = [
            [hour_of(trace.row.started_ns), trace.row.tenant, trace.row.id, version, 0, _encode(trace.row).decode(),
             call_body(trace).decode()]
            for trace in latest.values()
        ]  # fmt: skip
        known = self._places(server, latest, [*map(_span_key, rows), *((*_key(call), "") for call in calls)])
        stored = _stored(server, known)
        coming = {_place_of(key): key for key in map(_span_key, rows)}
        gone = [key for key, kind in stored.items() if coming.get(_place_of(key), () if kind else key) != key]
        old = [tuple(key) for key in server.lists(_CALLS, [known])] if known else []
        new = {(call[1], call[2]): _key(call) for call in calls}
        moved = [key for key in old if new[key[1], key[2]] != key]
        self._put_spans(server, rows, gone, version)
        server.insert("calls", PUT_CALL, calls)
        server.insert("calls", ("hour", "tenant", "id", *_GONE), [(*key, version, 1) for key in moved])
        self._settle(server, list(latest))
        around = {(trace.row.within, trace.row.tenant) for trace in latest.values() if trace.row.within} - set(latest)
        if around:  # what these calls spent is not counted there once more
            self._settle(server, sorted(around))

    def observe(self, server: Server, spans: Sequence[Observed]) -> None:
        """Write spans that were sent to us; one that is there already is replaced."""
        latest = {(span.row.tenant, span.row.trace, span.row.id): span for span in map(bounded, spans)}
        places = {(span.row.trace, span.row.tenant) for span in latest.values()}
        version = self._next()
        keys = [(hour_of(span.row.started_ns), *place) for place, span in latest.items()]
        known = self._places(server, places, keys)
        stored = _stored(server, known)
        own = {_place_of(key) for key, kind in stored.items() if kind}  # a call's own span, which came back to us
        rows = [
            span_values(
                span.row,
                version,
                own=0,
                body=span_body(body_of(span), span.row).decode(),
                words=split(words_of_span(span.input, span.output)),
                facts=facts_of(span.span.attributes),
            )
            for place, span in latest.items()
            if place not in own
        ]
        coming = {_place_of(key): key for key in map(_span_key, rows)}
        gone = [key for key in stored if coming.get(_place_of(key), key) != key]
        self._put_spans(server, rows, gone, version)
        self._settle(server, list(places))

    def _settle(self, server: Server, places: Sequence[Place]) -> None:
        """Tell the rows of traces until nothing of them has changed since it was read."""
        left = places
        while left:
            told = self._tell(server, left)
            after = states(server, left)
            left = [place for place in left if told.get(place) != after.get(place)]

    def _tell(self, server: Server, places: Sequence[Place]) -> dict[Place, int]:
        """Write the rows of traces; return the states that they were told from.

        A row is in the hour of the call or of the first span, which was noted as one of the trace's when that came.
        """
        told = rows_told(server, places)
        new = {_trace_key(each.row.started_ns, *place): each.row for place, each in told.items()}
        old = {tuple(key): version for *key, version in server.lists(_TRACES, [list(places)])}
        version = self._next(*old.values())
        gone = [key for key in old if key not in new]
        hours = {key[0] for key in chain(new, gone)}
        self._late(server, traces=hours)
        server.insert("traces", PUT_TRACE, [trace_values(row, version) for row in new.values()])
        server.insert("traces", ("hour", "tenant", "id", *_GONE), [(*key, version, 1) for key in gone])
        self._late(server, traces=hours)
        return {place: each.state for place, each in told.items()}

    def _put_spans(self, server: Server, rows: list[list[Any]], gone: Sequence[SpanKey], version: int) -> None:
        hours = {key[0] for key in chain(map(_span_key, rows), gone)}
        self._late(server, spans=hours)
        server.insert("spans", PUT_SPAN, rows)
        server.insert("spans", ("hour", "tenant", "trace", "id", *_GONE), [(*key, version, 1) for key in gone])
        self._late(server, spans=hours)

    def _places(self, server: Server, places: Iterable[Place], keys: Sequence[tuple[Any, ...]]) -> list[Place]:
        """Note in which hours traces are about to have rows; return those that were known before."""
        noted = {tuple(each) for each in server.lists(_PLACES, [list(places)])}
        new = {(trace, tenant, hour) for hour, tenant, trace, *_ in keys} - noted
        server.insert("places", ("trace", "tenant", "hour"), new)
        return [*{(trace, tenant) for trace, tenant, _ in noted}]

    def _next(self, *before: int) -> int:
        self._version = max(self._clock.now_ns(), self._version + 1, *(version + 1 for version in before))
        return self._version


def _stored(server: Server, places: Sequence[Place]) -> Mapping[SpanKey, int]:
    """Return the spans that traces have, and which of them are a call's own."""
    if not places:
        return {}
    return {(hour, tenant, trace, id): own for hour, tenant, trace, id, own in server.lists(_SPANS, [places])}


def _span_key(row: list[Any]) -> SpanKey:
    hour, tenant, trace, id, *_ = row
    return hour, tenant, trace, id


def _key(row: list[Any]) -> Key:
    hour, tenant, id, *_ = row
    return hour, tenant, id


def _trace_key(started_ns: int, id: str, tenant: str) -> Key:
    return hour_of(started_ns), tenant, id


def _place_of(key: SpanKey) -> tuple[str, str, str]:
    """Return what a span is known by, whenever it began."""
    return key[1:]
