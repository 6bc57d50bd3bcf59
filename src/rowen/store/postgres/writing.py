"""Writing and removing traces. What changes one trace waits for what else changes it, and for nothing more."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

import msgspec

from rowen.store.bounds import bounded
from rowen.store.fold import Telling
from rowen.store.own import found_rows
from rowen.store.pack import Packing, body_of
from rowen.store.postgres.database import Raw
from rowen.store.postgres.rows import PUT_SPAN, PUT_TRACE, plain, span_row, span_values, trace_row, trace_values
from rowen.store.words import facts_of, split, words_of_call, words_of_span
from rowen.values import Observed, SpanRow, Trace, TraceRow

Place = tuple[str, str]
"""Tenant and id of a trace."""

_LOCKS = 64  # what all traces share; each has one of them
_LOCK = "SELECT pg_advisory_xact_lock(hashtext(current_schema()), number) FROM unnest(%s::integer[]) AS number"

_KNOWN = """SELECT record, telling FROM traces
JOIN unnest(%s::text[], %s::text[]) AS wanted (tenant, id) USING (tenant, id)"""
_STORED = """SELECT record, own FROM spans
JOIN unnest(%s::text[], %s::text[], %s::text[]) AS wanted (tenant, trace, id) USING (tenant, trace, id)"""
_SENT = "SELECT record FROM spans WHERE trace = %s AND tenant = %s AND own = 0"
_DROP_OWN = "DELETE FROM spans WHERE trace = %s AND tenant = %s AND (own > 0 OR id = ANY(%s)) RETURNING record, own"
_OLD = "SELECT tenant, id FROM traces WHERE {} ORDER BY started_ns LIMIT 200"
_DROP = """DELETE FROM traces USING unnest(%s::text[], %s::text[]) AS gone (tenant, id)
WHERE traces.tenant = gone.tenant AND traces.id = gone.id AND {} RETURNING traces.tenant, traces.id"""
_DROP_SPANS = """DELETE FROM spans USING unnest(%s::text[], %s::text[]) AS gone (tenant, trace)
WHERE spans.tenant = gone.tenant AND spans.trace = gone.trace"""

_encode = msgspec.msgpack.Encoder(decimal_format="string").encode
_telling = msgspec.msgpack.Decoder(Telling).decode


class _Known(msgspec.Struct):
    """A trace that is there already."""

    row: TraceRow
    telling: Telling | None
    sent: tuple[int, int] = (0, 0)
    """How many spans were sent to us, and how many of them failed, before this transaction."""


def write(raw: Raw, packing: Packing, traces: Sequence[Trace]) -> None:
    """Write a batch of calls; one that is there already is replaced, and keeps the spans that were sent to us."""
    latest = {(trace.row.tenant, trace.row.id): trace for trace in traces}
    _lock(raw, latest)
    known = _known(raw, latest)
    put_traces, put_spans = [], []
    for place in sorted(latest):
        trace = latest[place]
        row, old, own = trace.row, known.get(place), found_rows(trace)
        telling = old.telling if old else None
        if old is not None:
            _drop_own(raw, place, [span.id for span, _ in own], telling)
        if telling is not None:
            row = row.but(spans=row.spans + telling.spans, failed_spans=row.failed_spans + telling.failed)
        put_traces.append(trace_values(row, None if telling is None else _encode(telling), packing.call(trace)))
        for span, tells in own:
            words = split(words_of_call(trace)) if tells else ()
            put_spans.append(span_values(span, own=1 if tells else 2, words=words))
    raw.cursor().executemany(PUT_TRACE, put_traces)
    raw.cursor().executemany(PUT_SPAN, put_spans)


def observe(raw: Raw, packing: Packing, spans: Sequence[Observed]) -> None:
    """Write a batch of spans; one that is there already is replaced. The rows of their traces follow."""
    latest = {(span.row.tenant, span.row.trace, span.row.id): span for span in map(bounded, spans)}
    places = {(tenant, trace) for tenant, trace, _ in latest}
    _lock(raw, places)
    known = _known(raw, places)
    stored = _stored(raw, latest)
    tellings = {place: (known[place].telling if place in known else None) or Telling(held={}) for place in places}
    put = []
    coming = []
    for key in sorted(latest):
        span, there = latest[key], stored.get(key)
        if there is not None:
            row, own = there
            if own:
                continue  # a call's own span, which came back to us
            tellings[key[:2]].take(row)
        coming.append(span)
        words = split(words_of_span(span.input, span.output))
        body = packing.span(body_of(span), span.row)
        put.append(span_values(span.row, own=0, body=body, words=words, facts=facts_of(span.span.attributes)))
    for span in coming:
        tellings[span.row.tenant, span.row.trace].add(span.row)
    raw.cursor().executemany(PUT_SPAN, put)
    rows = [
        _told(raw, place, known.get(place), tellings[place])
        for place in sorted(places)
        if tellings[place].spans or place in known
    ]
    raw.cursor().executemany(PUT_TRACE, rows)


def remove_some(raw: Raw, where: str, values: Sequence[Any]) -> tuple[int, int]:
    """Remove some of the traces for which a condition holds; return how many were found and how many removed."""
    found: list[Place] = raw.execute(_OLD.format(where), values).fetchall()
    if not found:
        return 0, 0
    _lock(raw, found)
    # What has changed since it was found, so that the condition no longer holds, stays.
    gone = raw.execute(_DROP.format(where), (*_lists(found), *values)).fetchall()
    raw.execute(_DROP_SPANS, _lists(gone))
    return len(found), len(gone)


def _told(raw: Raw, place: Place, old: _Known | None, telling: Telling) -> tuple[Any, ...]:
    tenant, id = place
    telling.settle(lambda: (span_row(record) for (record,) in raw.execute(_SENT, (plain(id), plain(tenant)))))
    if old is None or old.row.origin == "spans":
        return trace_values(telling.row(id, tenant), _encode(telling), None)
    spans, failed = old.sent
    row = old.row.but(
        spans=old.row.spans - spans + telling.spans, failed_spans=old.row.failed_spans - failed + telling.failed
    )
    return trace_values(row, _encode(telling), None)


def _drop_own(raw: Raw, place: Place, own: list[str], telling: Telling | None) -> None:
    """Remove the rows of the call's own spans, and of sent ones that turn out to be the call's own."""
    tenant, id = place
    for record, kind in raw.execute(_DROP_OWN, (plain(id), plain(tenant), list(map(plain, own)))).fetchall():
        if not kind:
            assert telling is not None
            telling.take(span_row(record))


def _lock(raw: Raw, places: Iterable[Place]) -> None:
    numbers = {crc32(f"{tenant}\n{id}".encode()) % _LOCKS for tenant, id in places}
    raw.execute(_LOCK, (sorted(numbers),))


def _known(raw: Raw, places: Iterable[Place]) -> dict[Place, _Known]:
    found = {}
    for record, told in raw.execute(_KNOWN, _lists(places)):
        row = trace_row(record)
        telling = None if told is None else _telling(told)
        sent = (telling.spans, telling.failed) if telling else (0, 0)
        found[row.tenant, row.id] = _Known(row, telling, sent)
    return found


def _stored(raw: Raw, keys: Mapping[tuple[str, str, str], Any]) -> dict[tuple[str, str, str], tuple[SpanRow, int]]:
    found = {}
    for record, own in raw.execute(_STORED, _lists(keys)):
        row = span_row(record)
        found[row.tenant, row.trace, row.id] = (row, own)
    return found


def _lists(places: Iterable[tuple[str, ...]]) -> list[list[str]]:
    return [[plain(text) for text in column] for column in zip(*places, strict=True)]
