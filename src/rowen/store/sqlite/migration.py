"""How a `traces.db` of an earlier shape becomes one of today's."""

import sqlite3
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from rowen.store.pack import Packing, encoded_of, span_of
from rowen.store.sqlite import calls, days, marks, rollup
from rowen.store.sqlite.entry import Entry, Ledger
from rowen.store.sqlite.rows import TRACE_NAMES, trace_row
from rowen.store.sqlite.schema import (
    DROP_ASIDE,
    DROP_UNPACKED,
    FIRST,
    NOW,
    OF_SPANS,
    PACKED,
    PLACES,
    SET_ASIDE,
    SPANS,
    UNPACKED,
)
from rowen.store.words import facts_of, words_of_call, words_of_span
from rowen.values import Observed, SpanRow, Trace, TraceRow

_AT_ONCE = 600
_NAMES = TraceRow.__struct_fields__
_EARLIER = f"""SELECT earlier_traces.number, earlier_bodies.body, {", ".join(_NAMES)} FROM earlier_traces
JOIN earlier_bodies ON earlier_bodies.number = earlier_traces.number
WHERE earlier_traces.number > ? ORDER BY earlier_traces.number LIMIT ?"""  # noqa: S608 - made of constants
_TRACES = f"""SELECT traces.number, {TRACE_NAMES} FROM traces JOIN whats ON whats.number = traces.what
WHERE traces.number > ? ORDER BY traces.number LIMIT ?"""  # noqa: S608 - made of constants

_COLUMNS = ("id", "started_ns", *(name for name in SPANS if name not in {"id", "started_ns"}), *PACKED)
_SPAN_NAMES = (*_COLUMNS, "trace", *PLACES)
_UNPACKED = f"""SELECT spans.number, spans.trace, spans.own, span_bodies.body,
{", ".join(f"spans.{name}" for name in _COLUMNS)}, traces.id,
{", ".join(f"places.{name}" for name in PLACES)} FROM earlier_spans AS spans
JOIN traces ON traces.number = spans.trace JOIN places ON places.number = spans.place
LEFT JOIN earlier_span_bodies AS span_bodies ON span_bodies.number = spans.number
WHERE (spans.trace, spans.number) > (?, ?) ORDER BY spans.trace, spans.number LIMIT ?"""  # noqa: S608 - made of constants
_OF_NUMBER = f"""SELECT {TRACE_NAMES} FROM traces JOIN whats ON whats.number = traces.what
WHERE traces.number = ?"""  # noqa: S608 - made of constants


def rewrite(connection: sqlite3.Connection) -> None:
    """Write every trace anew into the tables of today, with its words and sums."""
    for script in (SET_ASIDE, NOW):
        for statement in script.split(";\n"):
            connection.execute(statement)
    packing = Packing()
    ledger = Ledger(packing)
    last = 0
    while found := connection.execute(_EARLIER, (last, _AT_ONCE)).fetchall():
        last = found[-1][0]
        calls.write(ledger.begin(connection), [_trace(packing, body, row) for _, body, *row in found])
    for statement in DROP_ASIDE.split(";\n"):
        connection.execute(statement)


def repack(connection: sqlite3.Connection) -> None:
    """Pack the bodies of spans that came together, and tell the full text anew, without places."""
    if any(name == "pack" for _, name, *_ in connection.execute("PRAGMA table_info(spans)")):
        return  # made by today's `rewrite`
    for script in (UNPACKED, OF_SPANS):
        for statement in script.split(";\n"):
            connection.execute(statement)
    ledger = Ledger(Packing())
    last = (-1, -1)
    while found := connection.execute(_UNPACKED, (*last, _AT_ONCE)).fetchall():
        last = found[-1][1], found[-1][0]
        _repack(ledger.begin(connection), found)
    for statement in DROP_UNPACKED.split(";\n"):
        connection.execute(statement)


def sum_days(connection: sqlite3.Connection) -> None:
    """Keep sums by one thing at a time, where the tables are not made with them."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'day_costs'").fetchone():
        return
    connection.execute("DROP TABLE IF EXISTS who_rollups")
    for statement in NOW.split(";\n"):
        if statement.lstrip().startswith(("CREATE TABLE charts", "CREATE TABLE day_costs", "CREATE TABLE day_marks")):
            connection.execute(statement)
    last = 0
    while found := connection.execute(_TRACES, (last, _AT_ONCE)).fetchall():
        last = found[-1][0]
        rows = [(trace_row(each), 1) for _, *each in found]
        rollup.keep_charts(connection, rows)
        marks.keep(connection, rows)
        days.keep(connection, rows)


SCRIPTS: tuple[str | Callable[[sqlite3.Connection], None], ...] = (*FIRST, rewrite, repack, sum_days)


def _repack(entry: Entry, found: list[tuple[Any, ...]]) -> None:
    numbers = entry.numbers([(started, id) for _, _, _, _, id, started, *_ in found])
    calls: dict[int, Trace] = {}
    for number, (_, trace, own, body, *rest) in zip(numbers, found, strict=True):
        row = _span(rest)
        if own:
            entry.put_span(number, trace, own, row, None)
            if own == 1:
                if trace not in calls:
                    calls[trace] = _call(entry, trace)
                entry.put_words(number, words_of_call(calls[trace]))
            continue
        held = entry.ledger.packing.as_span(body, row)
        span = Observed(row=row, span=span_of(row, held), input=held.input, output=held.output)
        entry.put_span(number, trace, own, row, encoded_of(span))
        entry.put_words(number, words_of_span(held.input, held.output), facts_of(held.attributes))
    entry.write_spans()


def _call(entry: Entry, number: int) -> Trace:
    row = trace_row(entry.connection.execute(_OF_NUMBER, (number,)).fetchone())
    return entry.call(number, row) or Trace(row=row)


def _span(found: Sequence[Any]) -> SpanRow:
    fields = dict(zip(_SPAN_NAMES, found, strict=True))
    fields["cost"] = None if fields["cost"] is None else Decimal(fields["cost"])
    fields["tags"] = tuple(msgspec.json.decode(fields["tags"]))
    return SpanRow(**fields)


def _trace(packing: Packing, packed: bytes, found: list[Any]) -> Trace:
    fields = dict(zip(_NAMES, found, strict=True))
    for name in ("streamed", "estimated", "complete"):
        fields[name] = bool(fields[name])
    fields["cost"] = None if fields["cost"] is None else Decimal(fields["cost"])
    fields["waste"] = Decimal(fields["waste"])
    fields["tags"] = tuple(msgspec.json.decode(fields["tags"]))
    body = packing.as_body(packed)
    if not fields["spans"]:
        fields["spans"] = len(body.spans)
        fields["failed_spans"] = sum(span.status == "error" for span in body.spans)
        fields["name"] = body.spans[0].name if body.spans else ""
    return Trace(row=TraceRow(**fields), spans=body.spans, request=body.request, answer=body.answer, masked=body.masked)
