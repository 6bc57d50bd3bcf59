"""Writing and removing traces. What changes one trace waits for what else changes it, and for nothing more."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

import msgspec

from rowen.store.base import DAY_NS, Day
from rowen.store.bounds import bounded
from rowen.store.fold import Telling
from rowen.store.own import found_rows
from rowen.store.pack import Packing, body_of
from rowen.store.postgres import kept
from rowen.store.postgres.database import Raw
from rowen.store.postgres.rows import PUT_SPAN, PUT_TRACE, plain, span_row, span_values, trace_row, trace_values
from rowen.store.spend import MOST
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
_WITHIN = f"""SELECT record FROM traces
WHERE within = %s AND within <> '' AND tenant = %s AND origin = 'call' ORDER BY id LIMIT {MOST}"""  # noqa: S608 - made of constants
_SENT = "SELECT record FROM spans WHERE trace = %s AND tenant = %s AND own = 0"
_DROP_OWN = "DELETE FROM spans WHERE trace = %s AND tenant = %s AND (own > 0 OR id = ANY(%s)) RETURNING record, own"
_OLD = "SELECT tenant, id FROM traces WHERE {} ORDER BY started_ns LIMIT 200"
_DROP = """DELETE FROM traces USING unnest(%s::text[], %s::text[]) AS gone (tenant, id)
WHERE traces.tenant = gone.tenant AND traces.id = gone.id AND {} RETURNING traces.record"""
_DROP_SPANS = """DELETE FROM spans USING unnest(%s::text[], %s::text[]) AS gone (tenant, trace)
WHERE spans.tenant = gone.tenant AND spans.trace = gone.trace"""

_OF_DAY = "traces.tenant = %s AND traces.started_ns >= %s AND traces.started_ns < %s"

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
    within = {(row.tenant, row.within) for row in (trace.row for trace in latest.values()) if row.within} - set(latest)
    _lock(raw, {*latest, *within})
    known = _known(raw, {*latest, *within})
    put_traces, put_spans = [], []
    changes: list[tuple[TraceRow, int]] = []
    for place in sorted(latest):
        trace = latest[place]
        row, old, own = trace.row, known.get(place), found_rows(trace)
        telling = old.telling if old else None
        if old is not None:
            _drop_own(raw, place, [span.id for span, _ in own], telling)
        if telling is not None:
            row = row.but(spans=row.spans + telling.spans, failed_spans=row.failed_spans + telling.failed)
        changes += [(row, 1)] if old is None else [(old.row, -1), (row, 1)]
        put_traces.append(trace_values(row, None if telling is None else _encode(telling), packing.call(trace)))
        for span, tells in own:
            words = split(words_of_call(trace)) if tells else ()
            put_spans.append(span_values(span, own=1 if tells else 2, words=words))
    for around, row, telling in _served(latest.values(), {place: known[place] for place in within if place in known}):
        put_traces.append(trace_values(row, _encode(telling), None))
        changes += [(around.row, -1), (row, 1)]
    raw.cursor().executemany(PUT_TRACE, put_traces)
    raw.cursor().executemany(PUT_SPAN, put_spans)
    kept.keep(raw, changes)


def observe(raw: Raw, packing: Packing, spans: Sequence[Observed]) -> None:
    """Write a batch of spans; one that is there already is replaced. The rows of their traces follow."""
    latest = {(span.row.tenant, span.row.trace, span.row.id): span for span in map(bounded, spans)}
    places = {(tenant, trace) for tenant, trace, _ in latest}
    _lock(raw, places)
    known = _known(raw, places)
    stored = _stored(raw, latest)
    tellings = {
        place: (known[place].telling if place in known else None) or _begun(raw, place) for place in sorted(places)
    }
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
    rows, changes = [], list[tuple[TraceRow, int]]()
    for place in sorted(places):
        old = known.get(place)
        if tellings[place].spans or old is not None:
            told, telling = _told(raw, place, old, tellings[place])
            rows.append(trace_values(told, telling, None))
            changes += [(told, 1)] if old is None else [(old.row, -1), (told, 1)]
    raw.cursor().executemany(PUT_TRACE, rows)
    kept.keep(raw, changes)


def _served(calls: Iterable[Trace], known: Mapping[Place, _Known]) -> list[tuple[_Known, TraceRow, Telling]]:
    """Tell the traces that calls were made within of them, so that what these spent is not counted there once more."""
    changed = {}
    for call in calls:
        row = call.row
        place = (row.tenant, row.within)
        around = known.get(place)
        if around is None or around.telling is None or around.row.origin != "spans":
            continue
        if around.telling.serve(row.id, (row.input_tokens, row.output_tokens)):
            changed[place] = around
    return [
        (around, around.telling.row(id, tenant), around.telling)
        for (tenant, id), around in changed.items()
        if around.telling is not None
    ]


def _begun(raw: Raw, place: Place) -> Telling:
    """Return the telling of a trace whose first spans come, with the calls through Rowen that were made within it."""
    telling = Telling(held={})
    tenant, id = place
    for (record,) in raw.execute(_WITHIN, (plain(id), plain(tenant))):
        row = trace_row(record)
        telling.serve(row.id, (row.input_tokens, row.output_tokens))
    return telling


def remove_of_day(raw: Raw, day: Day, before_ns: int) -> tuple[int, Day]:
    """Remove some traces of a day unless something came to it since; return how many, and the day as it is then."""
    values = (plain(day.tenant), day.start_ns, min(day.start_ns + DAY_NS, before_ns))
    found: list[Place] = raw.execute(_OLD.format(_OF_DAY), values).fetchall()
    if not found:
        return 0, day
    _lock(raw, found)
    kept.alone(raw, (day.tenant,))
    # Who writes to the day has either ended, and its mark is another, or waits to change its sums.
    if day not in kept.days(raw, day.start_ns + 1, day.tenant):
        return 0, day
    gone = _dropped(raw, found, _OF_DAY, values)
    kept.keep(raw, [(row, -1) for row in gone], aged=True)
    now = [each for each in kept.days(raw, day.start_ns + 1, day.tenant) if each.start_ns == day.start_ns]
    return len(gone), now[0] if now else day.but(count=0)


def remove_some(raw: Raw, where: str, values: Sequence[Any], *, aged: bool) -> tuple[int, int]:
    """Remove some of the traces for which a condition holds; return how many were found and how many removed.

    What days cost stays where they go for their age.
    """
    found: list[Place] = raw.execute(_OLD.format(where), values).fetchall()
    if not found:
        return 0, 0
    _lock(raw, found)
    # What has changed since it was found, so that the condition no longer holds, stays.
    gone = _dropped(raw, found, where, values)
    kept.keep(raw, [(row, -1) for row in gone], aged=aged)
    return len(found), len(gone)


def _dropped(raw: Raw, found: Sequence[Place], where: str, values: Sequence[Any]) -> list[TraceRow]:
    gone = [trace_row(record) for (record,) in raw.execute(_DROP.format(where), (*_lists(found), *values))]
    raw.execute(_DROP_SPANS, _lists((row.tenant, row.id) for row in gone) or ([], []))
    return gone


def _told(raw: Raw, place: Place, old: _Known | None, telling: Telling) -> tuple[TraceRow, bytes]:
    tenant, id = place
    telling.settle(lambda: (span_row(record) for (record,) in raw.execute(_SENT, (plain(id), plain(tenant)))))
    if old is None or old.row.origin == "spans":
        return telling.row(id, tenant), _encode(telling)
    spans, failed = old.sent
    row = old.row.but(
        spans=old.row.spans - spans + telling.spans, failed_spans=old.row.failed_spans - failed + telling.failed
    )
    return row, _encode(telling)


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
