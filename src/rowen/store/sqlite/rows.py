"""Rows of traces and spans as the tables have them, and back."""

from collections.abc import Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec

from rowen.store.pack import shown
from rowen.store.sqlite.packs import Packs
from rowen.store.sqlite.schema import PACKED, PLACES, SPANS, TRACES, WHATS
from rowen.values import SpanRow, TraceRow

_HEX = 16

_json = msgspec.json.Encoder().encode
_tags = msgspec.json.Decoder(tuple[str, ...]).decode

what_of = attrgetter(*WHATS)
place_of = attrgetter(*PLACES)

TRACE_NAMES = ", ".join([*(f"traces.{name}" for name in TRACES), *(f"whats.{name}" for name in WHATS)])
"""What a trace's row is read from, with `FROM traces JOIN whats ON whats.number = traces.what`."""

_INHERITED = {
    "tags": "CASE spans.tags WHEN '[]' THEN traces.tags ELSE spans.tags END",
}
SPAN_NAMES = ", ".join(
    [
        "traces.id",
        *(_INHERITED.get(name, f"spans.{name}") for name in SPANS),
        *(f"places.{name}" for name in PLACES),
        "traces.session",
        "traces.user",
        "whats.feature",
        "CASE spans.own WHEN 1 THEN traces.asked ELSE '' END",
        "CASE spans.own WHEN 1 THEN traces.said ELSE '' END",
        "spans.pack",
        "spans.at",
    ]
)
"""What a span's row is read from, with what concerns its whole trace, with `SPAN_TABLES`."""

SENT_NAMES = ", ".join(
    [
        "traces.id",
        *(f"spans.{name}" for name in SPANS),
        *(f"places.{name}" for name in PLACES),
        *("''" for _ in PACKED),
        "spans.pack",
        "spans.at",
    ]
)
"""What a span's row is read from as it was sent."""

SPAN_TABLES = (
    "spans CROSS JOIN traces ON traces.number = spans.trace CROSS JOIN whats ON whats.number = traces.what "
    "CROSS JOIN places ON places.number = spans.place"
)

_SPAN_FIELDS = ("trace", *SPANS, *PLACES, *PACKED)
_TRACE_FIELDS = (*TRACES, *WHATS)


def trace_columns(number: int, what: int, row: TraceRow) -> tuple[Any, ...]:
    """Return the columns `number, tenant, what` and `TRACES`."""
    cost, tags = row.cost, row.tags
    return (
        number, row.tenant, what,
        row.id, row.started_ns, row.duration_ns, row.first_ns, row.name, row.user, row.session,
        row.answered_by, int(row.streamed), row.attempts, row.input_tokens, row.output_tokens, int(row.estimated),
        None if cost is None else str(cost), str(row.waste) if row.waste else "0",
        _json(tags).decode() if tags else "[]", row.within, row.spans, row.failed_spans, int(row.complete), row.asked,
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


def span_columns(number: int, trace: int, place: int, own: int, pack: int, at: int, row: SpanRow) -> tuple[Any, ...]:
    """Return the columns `number, trace, place, own, pack, at` and `SPANS`. What a call's row says is not said again."""
    cost, tags = row.cost, row.tags
    return (
        number, trace, place, own, pack, at, _bound(short(row.id)), _bound(short(row.parent)), row.started_ns, row.duration_ns, row.first_ns,
        "[]" if own or not tags else _json(tags).decode(),
        row.input_tokens, row.output_tokens, row.cached_tokens, row.reasoning_tokens,
        None if cost is None else str(cost),
    )  # fmt: skip


def _bound(id: str | bytes) -> str | bytearray:
    return id if isinstance(id, str) else blob(id)


def sent_row(found: Sequence[Any], packs: Packs) -> SpanRow:
    """Return a row that was read as `SENT_NAMES`."""
    row = span_row(found, packs)
    if not found[-2]:
        return row
    body = packs.body(*found[-2:])
    return row.but(session=body.session, user=body.user, feature=body.feature)


def span_row(found: Sequence[Any], packs: Packs) -> SpanRow:
    """Return a row that was read as `SPAN_NAMES`."""
    *named, pack, at = found
    fields = dict(zip(_SPAN_FIELDS, named, strict=True))
    if pack:
        fields["input"], fields["output"] = shown(packs.body(pack, at))
    cost, tags = fields["cost"], fields["tags"]
    fields["cost"] = None if cost is None else Decimal(cost)
    fields["tags"] = () if tags == "[]" else _tags(tags)
    fields["id"], fields["parent"] = long(fields["id"]), long(fields["parent"])
    return SpanRow(**fields)


def blob(body: bytes) -> bytearray:
    """Return bytes as they are quickest to be written.

    The driver looks for an adapter of every value that is not just a text, a number or a bytearray, bytes and booleans
    too: a fifth of the CPU of writing a row.
    """
    return bytearray(body)


def short(id: str) -> str | bytes:
    """Return the id of a span as its column has it: eight bytes where it is as OpenTelemetry writes it."""
    if len(id) == _HEX:
        try:
            found = bytes.fromhex(id)
        except ValueError:
            return id
        return found if found.hex() == id else id
    return id


def long(kept: str | bytes) -> str:
    """Return the id of a span as it came."""
    return kept.hex() if isinstance(kept, bytes) else kept
