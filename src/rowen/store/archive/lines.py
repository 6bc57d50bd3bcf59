"""Traces, spans and scores as rows of the archive, and back."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from rowen.store.archive.columns import TABLES, Family, money
from rowen.store.own import own_rows
from rowen.values import Answer, Happening, Link, Observed, Request, Score, Span, SpanRow, Trace, TraceRow, Value

_encode = msgspec.json.Encoder().encode
_any = msgspec.json.Decoder().decode
_request = msgspec.json.Decoder(Request).decode
_answer = msgspec.json.Decoder(Answer).decode
_events = msgspec.json.Decoder(tuple[Happening, ...]).decode
_links = msgspec.json.Decoder(tuple[Link, ...]).decode
_exact = msgspec.json.Decoder(dict[str, Decimal]).decode

_SAME = ("trace", "id", "parent", "name", "kind", "started_ns", "status")


class Whole(Value, frozen=True, kw_only=True):
    """One trace with all that belongs to it: a call has spans of its own, and any trace those that were sent to us."""

    trace: Trace
    """With the call's own spans alone."""
    sent: tuple[Observed, ...] = ()
    """By id."""


def trace_line(trace: Trace) -> bytes:
    """Return the line of a trace."""
    fields = _fields(trace.row)
    fields["started"] = fields.pop("started_ns")
    fields |= {
        "masked": trace.masked,
        "request": None if trace.request is None else _text(trace.request),
        "answer": None if trace.answer is None else _text(trace.answer),
    }
    return _line(money(fields, "cost", "waste"))


def own_lines(trace: Trace) -> list[bytes]:
    """Return the lines of a call's own spans. What was asked and answered stands in the line of the trace."""
    rows = own_rows(trace.row, trace.spans)
    return [
        _span_line(Observed(row=row, span=span), place=place)
        for place, (row, span) in enumerate(zip(rows, trace.spans, strict=True))
    ]


def sent_line(observed: Observed) -> bytes:
    """Return the line of a span that was sent to us."""
    return _span_line(observed, place=None)


def score_line(score: Score) -> bytes:
    """Return the line of a score."""
    fields = _fields(score)
    fields["judged"], fields["created"] = fields.pop("judged_ns"), fields.pop("created_ns")
    fields["value"] = _text(score.value)
    fields["metadata"] = _text(score.metadata) if score.metadata else None
    return _line(money(fields, "cost"))


def as_trace(found: Sequence[Any], tenant: str) -> Trace:
    """Return a trace, without its spans, from a row of `plain("traces")`."""
    fields = _read("traces", found)
    request, answer, masked = fields.pop("request"), fields.pop("answer"), fields.pop("masked")
    return Trace(
        row=TraceRow(tenant=tenant, started_ns=fields.pop("started"), **fields),
        request=None if request is None else _request(request),
        answer=None if answer is None else _answer(answer),
        masked=masked,
    )


def as_span(found: Sequence[Any], tenant: str) -> tuple[Observed, int | None]:
    """Return a span, and of a call's own its place, from a row of `plain("spans")`."""
    fields = _read("spans", found)
    place = fields.pop("place")
    input, output = fields.pop("input"), fields.pop("output")
    beside = {
        "message": fields.pop("message"),
        "scope": fields.pop("scope"),
        "attributes": _any(fields.pop("attributes") or "{}"),
        "events": _events(fields.pop("events") or "[]"),
        "links": _links(fields.pop("links") or "[]"),
    }
    differs = _any(fields.pop("differs") or "{}")
    del fields["own"]
    row = SpanRow(
        tenant=tenant,
        started_ns=fields.pop("started"),
        input=fields.pop("input_start"),
        output=fields.pop("output_start"),
        **fields,
    )
    span = Span(
        **{
            **{name: getattr(row, name) for name in _SAME},
            "ended_ns": row.started_ns + row.duration_ns,
            **beside,
            **differs,
        }
    )
    observed = Observed(
        row=row,
        span=span,
        input=None if input is None else _any(input),
        output=None if output is None else _any(output),
    )
    return observed, place


def as_score(found: Sequence[Any], tenant: str) -> Score:
    """Return a score from a row of `plain("scores")`."""
    fields = _read("scores", found)
    metadata, value = fields.pop("metadata"), _any(fields.pop("value"))
    return Score(
        tenant=tenant,
        judged_ns=fields.pop("judged"),
        created_ns=fields.pop("created"),
        value=float(value) if type(value) is int else value,
        metadata=_any(metadata or "{}"),
        **fields,
    )


def _span_line(observed: Observed, *, place: int | None) -> bytes:
    row, span = observed.row, observed.span
    fields = _fields(row)
    differs = {name: getattr(span, name) for name in _SAME if getattr(span, name) != getattr(row, name)}
    if span.ended_ns != row.started_ns + row.duration_ns:
        differs["ended_ns"] = span.ended_ns
    fields |= {
        "own": place is not None,
        "place": place,
        "started": fields.pop("started_ns"),
        "input_start": row.input,
        "output_start": row.output,
        "input": None if observed.input is None else _text(observed.input),
        "output": None if observed.output is None else _text(observed.output),
        "message": span.message,
        "scope": span.scope,
        "attributes": _text(span.attributes) if span.attributes else None,
        "events": _text(span.events) if span.events else None,
        "links": _text(span.links) if span.links else None,
        "differs": _text(differs) if differs else None,
    }
    return _line(money(fields, "cost"))


def _fields(value: Value) -> dict[str, Any]:
    fields = msgspec.structs.asdict(value)
    del fields["tenant"]
    return fields


def _text(value: Any) -> str:
    return _encode(value).decode()


def _line(fields: Mapping[str, Any]) -> bytes:
    exact = fields["exact"]
    return _encode({**fields, "exact": None if exact is None else _text(exact)}) + b"\n"


def _read(table: Family, found: Sequence[Any]) -> dict[str, Any]:
    fields = dict(zip(TABLES[table], found, strict=True))
    exact = fields.pop("exact")
    for name in ("cost", "waste"):
        amount = fields.get(name)
        if amount is not None:
            fields[name] = Decimal(f"{amount.normalize():f}")  # without the zeros that fill the column's digits
    if exact is not None:
        fields |= _exact(exact)
    if "tags" in fields:
        fields["tags"] = tuple(fields["tags"])
    return fields
