"""Rows of traces and spans as the tables have them, and back."""

from collections.abc import Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec

from rowen.store.sqlite.schema import PLACES, SPANS, TRACES, WHATS
from rowen.values import SpanRow, TraceRow

_json = msgspec.json.Encoder().encode
_tags = msgspec.json.Decoder(tuple[str, ...]).decode

what_of = attrgetter(*WHATS)
place_of = attrgetter(*PLACES)

TRACE_NAMES = ", ".join([*(f"traces.{name}" for name in TRACES), *(f"whats.{name}" for name in WHATS)])
"""What a trace's row is read from, with `FROM traces JOIN whats ON whats.number = traces.what`."""

_INHERITED = {
    "session": "traces.session",
    "user": "traces.user",
    "feature": "whats.feature",
    "tags": "CASE spans.tags WHEN '[]' THEN traces.tags ELSE spans.tags END",
    "input": "CASE spans.own WHEN 1 THEN traces.asked ELSE spans.input END",
    "output": "CASE spans.own WHEN 1 THEN traces.said ELSE spans.output END",
}
SPAN_NAMES = ", ".join(
    [
        "traces.id",
        *(_INHERITED.get(name, f"spans.{name}") for name in SPANS),
        *(f"places.{name}" for name in PLACES),
    ]
)
"""What a span's row is read from, with what concerns its whole trace, with `SPAN_TABLES`."""

SENT_NAMES = ", ".join(["traces.id", *(f"spans.{name}" for name in SPANS), *(f"places.{name}" for name in PLACES)])
"""What a span's row is read from as it was sent."""

SPAN_TABLES = (
    "spans CROSS JOIN traces ON traces.number = spans.trace CROSS JOIN whats ON whats.number = traces.what "
    "CROSS JOIN places ON places.number = spans.place"
)

_SPAN_FIELDS = ("trace", *SPANS, *PLACES)
_TRACE_FIELDS = (*TRACES, *WHATS)


def trace_columns(number: int, what: int, row: TraceRow) -> tuple[Any, ...]:
    """Return the columns `number, tenant, what` and `TRACES`."""
    cost, tags = row.cost, row.tags
    return (
        number, row.tenant, what,
        row.id, row.started_ns, row.duration_ns, row.first_ns, row.name, row.user, row.session,
        row.answered_by, row.streamed, row.attempts, row.input_tokens, row.output_tokens, row.estimated,
        None if cost is None else str(cost), str(row.waste) if row.waste else "0",
        _json(tags).decode() if tags else "[]", row.within, row.spans, row.failed_spans, row.complete, row.asked,
        row.said,
    )  # fmt: skip


def trace_row(found: Sequence[Any]) -> TraceRow:
    """Return a row that was read as `TRACE_NAMES`."""
    fields = dict(zip(_TRACE_FIELDS, found, strict=True))
    cost, tags = fields["cost"], fields["tags"]
    fields["cost"] = None if cost is None else Decimal(cost)
    fields["waste"] = Decimal(fields["waste"])
    fields["streamed"] = bool(fields["streamed"])
    fields["estimated"] = bool(fields["estimated"])
    fields["complete"] = bool(fields["complete"])
    fields["tags"] = () if tags == "[]" else _tags(tags)
    return TraceRow(**fields)


def span_columns(number: int, trace: int, place: int, own: int, row: SpanRow) -> tuple[Any, ...]:
    """Return the columns `number, trace, place, own` and `SPANS`. What a call's row says is not said again."""
    cost, tags = row.cost, row.tags
    return (
        number, trace, place, own, row.id, row.parent, row.started_ns, row.duration_ns, row.first_ns,
        "" if own else row.session, "" if own else row.user, "" if own else row.feature,
        "[]" if own or not tags else _json(tags).decode(),
        row.input_tokens, row.output_tokens, row.cached_tokens, row.reasoning_tokens,
        None if cost is None else str(cost), "" if own else row.input, "" if own else row.output,
    )  # fmt: skip


def span_row(found: Sequence[Any]) -> SpanRow:
    """Return a row that was read as `SPAN_NAMES` or `SENT_NAMES`."""
    fields = dict(zip(_SPAN_FIELDS, found, strict=True))
    cost, tags = fields["cost"], fields["tags"]
    fields["cost"] = None if cost is None else Decimal(cost)
    fields["tags"] = () if tags == "[]" else _tags(tags)
    return SpanRow(**fields)
