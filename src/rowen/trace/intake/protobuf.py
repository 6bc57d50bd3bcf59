"""Reads OTLP's protobuf.

The messages are declared here, wire-compatible with the official ones, with texts and attributes as bytes: what is not
UTF-8 is then repaired instead of refusing the whole request, a span that is malformed costs only itself, and an
attribute that came before is not read again. Measured: 13 µs a span of 16 attributes, against 24 with the official
classes.
"""

import struct
from base64 import b64encode
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from rowen.trace.intake.wire import DEEPEST, KINDS, STATUSES, TOO_DEEP, Sent, checked, scope_named
from rowen.values import Happening, Link, Mistaken, Span

_F = descriptor_pb2.FieldDescriptorProto
_BYTES, _FIXED, _UINT, _INT64, _DOUBLE, _BOOL = (
    _F.TYPE_BYTES,
    _F.TYPE_FIXED64,
    _F.TYPE_UINT32,
    _F.TYPE_INT64,
    _F.TYPE_DOUBLE,
    _F.TYPE_BOOL,
)

_SCHEMA: dict[str, dict[str, tuple[int, Any]]] = {
    "Request": {"resources": (1, ["OfResource"])},
    "OfResource": {"resource": (1, "Resource"), "scopes": (2, ["OfScope"])},
    "Resource": {"attributes": (1, [_BYTES])},
    "OfScope": {"scope": (1, "Scope"), "items": (2, [_BYTES])},
    "Scope": {"name": (1, _BYTES), "version": (2, _BYTES)},
    "Span": {
        "trace": (1, _BYTES),
        "id": (2, _BYTES),
        "parent": (4, _BYTES),
        "name": (5, _BYTES),
        "kind": (6, _UINT),
        "started": (7, _FIXED),
        "ended": (8, _FIXED),
        "attributes": (9, [_BYTES]),
        "events": (11, ["Event"]),
        "links": (13, ["Link"]),
        "status": (15, "Status"),
    },
    "Event": {"at": (1, _FIXED), "name": (2, _BYTES), "attributes": (3, [_BYTES])},
    "Link": {"trace": (1, _BYTES), "span": (2, _BYTES), "attributes": (4, [_BYTES])},
    "Status": {"message": (2, _BYTES), "code": (3, _UINT)},
    "Pair": {"key": (1, _BYTES), "value": (2, _BYTES)},
    "Any": {
        "text": (1, _BYTES),
        "truth": (2, _BOOL),
        "whole": (3, _INT64),
        "real": (4, _DOUBLE),
        "many": (5, "Many"),
        "table": (6, "Table"),
        "raw": (7, _BYTES),
    },
    "Many": {"values": (1, [_BYTES])},
    "Table": {"pairs": (1, [_BYTES])},
    "Log": {
        "at": (1, _FIXED),
        "body": (5, _BYTES),
        "attributes": (6, [_BYTES]),
        "trace": (9, _BYTES),
        "span": (10, _BYTES),
        "seen": (11, _FIXED),
        "event": (12, _BYTES),
    },
    "Metric": {
        "gauge": (5, "Points"),
        "sum": (7, "Points"),
        "histogram": (9, "Points"),
        "exponential": (10, "Points"),
        "summary": (11, "Points"),
    },
    "Points": {"points": (1, [_BYTES])},
}
"""Message → field → its number, and its type: a list for what may come many times, a name for a message."""


def _classes() -> dict[str, Any]:
    package = "rowen.otlp"
    file = descriptor_pb2.FileDescriptorProto(name="rowen_otlp.proto", package=package, syntax="proto3")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        if name == "Any":
            message.oneof_decl.add(name="value")
        for field_name, (number, kind) in fields.items():
            one = kind[0] if isinstance(kind, list) else kind
            field = message.field.add(
                name=field_name,
                number=number,
                label=_F.LABEL_REPEATED if isinstance(kind, list) else _F.LABEL_OPTIONAL,
            )
            if isinstance(one, str):
                field.type = _F.TYPE_MESSAGE
                field.type_name = f".{package}.{one}"
            else:
                field.type = one
            if name == "Any":
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in _SCHEMA}


_MADE = _classes()
_request, _span, _pair, _any = (_MADE[name].FromString for name in ("Request", "Span", "Pair", "Any"))
_log, _metric = _MADE["Log"].FromString, _MADE["Metric"].FromString

_KNOWN: dict[bytes, tuple[str, Any]] = {}
"""Short attributes that came lately. The same few names and values come with nearly every span."""
_KNOWN_AT_MOST = 8192
_SHORT = 100


def sent(body: bytes) -> list[Sent]:
    """Return the spans of an `ExportTraceServiceRequest`.

    Raises:
        Mistaken: `protobuf_malformed`.

    """
    return [
        Sent(
            resource=resource,
            scope=scope,
            spans=items,
            read=span,
        )
        for resource, scope, items in opened(body)
    ]


def opened(body: bytes) -> list[tuple[dict[str, Any], str, list[bytes]]]:
    """Return what a request of any signal holds: resource, scope, and the spans, log records or metrics as bytes.

    Raises:
        Mistaken: `protobuf_malformed`.

    """
    found: list[tuple[dict[str, Any], str, list[bytes]]] = []
    try:
        for of_resource in _request(body).resources:
            resource = attributes(of_resource.resource.attributes)
            for of_scope in of_resource.scopes:
                named = of_scope.scope
                found.append((resource, scope_named(_text(named.name), _text(named.version)), list(of_scope.items)))
    except (DecodeError, IndexError, struct.error) as error:
        raise Mistaken("protobuf_malformed", place="body") from error
    return found


def span(raw: bytes, scope: str) -> Span:
    """Return one span.

    Raises:
        Mistaken: it is malformed, or its ids are wrong.

    """
    try:
        it = _span(raw)
        trace, id = it.trace.hex(), it.id.hex()
        status = it.status
        return Span(
            trace=trace,
            id=id,
            parent=checked(trace, id, it.parent.hex()),
            name=_text(it.name),
            kind=KINDS[it.kind] if it.kind < len(KINDS) else "internal",
            started_ns=it.started,
            ended_ns=it.ended,
            status=STATUSES[status.code] if status.code < len(STATUSES) else "unset",  # type: ignore[arg-type]
            message=_text(status.message),
            attributes=attributes(it.attributes),
            events=tuple(
                Happening(name=_text(each.name), at_ns=each.at, attributes=attributes(each.attributes))
                for each in it.events
            ),
            links=tuple(
                Link(trace=each.trace.hex(), span=each.span.hex(), attributes=attributes(each.attributes))
                for each in it.links
            ),
            scope=scope,
        )
    except (DecodeError, IndexError, struct.error) as error:
        raise Mistaken("protobuf_malformed", "a span is not valid protobuf", place="span") from error


def record(raw: bytes) -> tuple[str, Happening, str, str]:
    """Return a log record: the event's name, the event, and the trace and span it belongs to.

    Raises:
        Mistaken: it is malformed.

    """
    try:
        it = _log(raw)
        found = attributes(it.attributes)
        name = _text(it.event) or str(found.get("event.name", ""))
        return (
            name,
            Happening(name=name, at_ns=it.at or it.seen, attributes=found),
            it.trace.hex(),
            it.span.hex(),
        )
    except (DecodeError, IndexError, struct.error) as error:
        raise Mistaken("protobuf_malformed", "a log record is not valid protobuf", place="logRecord") from error


def points(raw: bytes) -> int:
    """Return how many data points a metric has; none when it cannot be read."""
    try:
        it = _metric(raw)
    except DecodeError:
        return 0
    return sum(len(getattr(it, kind).points) for kind in _SCHEMA["Metric"])


def attributes(pairs: Any) -> dict[str, Any]:
    """Return key-value pairs as a dict; the last of a name counts."""
    found: dict[str, Any] = {}
    known = _KNOWN.get
    for raw in pairs:
        pair = known(raw)
        if pair is None:
            pair = _read(raw, 0)
            if len(raw) < _SHORT and type(pair[1]) not in {dict, list}:
                if len(_KNOWN) >= _KNOWN_AT_MOST:
                    _KNOWN.clear()
                _KNOWN[raw] = pair
        found[pair[0]] = pair[1]
    return found


def _read(raw: bytes, depth: int) -> tuple[str, Any]:
    """Read one pair: at once as every exporter writes it, by the message class otherwise."""
    if raw[:1] == b"\n" and raw[1:2] < b"\x80" and raw[1:]:
        at = 2 + raw[1]
        if raw[at : at + 1] == b"\x12":
            size, start = _varint(raw, at + 1)
            if start + size == len(raw):
                return _text(raw[2:at]), _value(raw[start:], depth)
    it = _pair(raw)
    return _text(it.key), _value(it.value, depth)


def _value(raw: bytes, depth: int) -> Any:
    """Return an `AnyValue` as JSON has it; bytes become base64."""
    if raw[:1] == b"\n":
        size, start = _varint(raw, 1)
        if start + size == len(raw):
            return raw[start:].decode("utf-8", "replace")
    it = _any(raw)
    match it.WhichOneof("value"):
        case "text":
            return _text(it.text)
        case "truth":
            return it.truth
        case "whole":
            return it.whole
        case "real":
            return it.real
        case "many":
            if depth >= DEEPEST:
                return TOO_DEEP
            return [_value(each, depth + 1) for each in it.many.values]
        case "table":
            if depth >= DEEPEST:
                return TOO_DEEP
            return dict(_read(each, depth + 1) for each in it.table.pairs)
        case "raw":
            return b64encode(it.raw).decode()
        case _:
            return None


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and where it ends."""
    number = raw[at]
    if number < 128:
        return number, at + 1
    number &= 127
    for shift in range(7, 70, 7):
        at += 1
        byte = raw[at]
        number |= (byte & 127) << shift
        if byte < 128:
            break
    return number, at + 1


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
