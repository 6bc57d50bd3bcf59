"""Reads OTLP's JSON: camelCase, hex ids, 64-bit integers as texts or numbers; unknown fields are ignored."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from rowen.trace.intake.wire import DEEPEST, KINDS, STATUSES, TOO_DEEP, Sent, checked, scope_named
from rowen.values import Happening, Link, Mistaken, Span

T = TypeVar("T")

Whole = int | str
"""A 64-bit integer: the specification has it as a text, many programs send a number."""


class _Camel(msgspec.Struct, rename="camel"):
    """A message of OTLP."""


class _Any(_Camel):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: Whole | None = None
    double_value: float | str | None = None
    array_value: "_Many | None" = None
    kvlist_value: "_Table | None" = None
    bytes_value: str | None = None


class _Many(_Camel):
    values: list[_Any] | None = None


class _Pair(_Camel):
    key: str = ""
    value: _Any | None = None


class _Table(_Camel):
    values: list[_Pair] | None = None


Pairs = list[_Pair] | None


class _Event(_Camel):
    time_unix_nano: Whole | None = None
    name: str | None = None
    attributes: Pairs = None


class _Link(_Camel):
    trace_id: str | None = None
    span_id: str | None = None
    attributes: Pairs = None


class _Status(_Camel):
    code: Whole | None = None
    message: str | None = None


class _Span(_Camel):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    kind: Whole | None = None
    start_time_unix_nano: Whole | None = None
    end_time_unix_nano: Whole | None = None
    attributes: Pairs = None
    events: list[_Event] | None = None
    links: list[_Link] | None = None
    status: _Status | None = None


class _Log(_Camel):
    time_unix_nano: Whole | None = None
    observed_time_unix_nano: Whole | None = None
    attributes: Pairs = None
    trace_id: str | None = None
    span_id: str | None = None
    event_name: str | None = None


class _Points(_Camel):
    data_points: list[msgspec.Raw] | None = None


class _Metric(_Camel):
    gauge: _Points | None = None
    sum: _Points | None = None
    histogram: _Points | None = None
    exponential_histogram: _Points | None = None
    summary: _Points | None = None


class _Scope(_Camel):
    name: str | None = None
    version: str | None = None


class _OfScope(_Camel):
    scope: _Scope | None = None
    spans: list[msgspec.Raw] | None = None
    log_records: list[msgspec.Raw] | None = None
    metrics: list[msgspec.Raw] | None = None


class _Resource(_Camel):
    attributes: Pairs = None


class _OfResource(_Camel):
    resource: _Resource | None = None
    scope_spans: list[_OfScope] | None = None
    scope_logs: list[_OfScope] | None = None
    scope_metrics: list[_OfScope] | None = None


class _Request(_Camel):
    resource_spans: list[_OfResource] | None = None
    resource_logs: list[_OfResource] | None = None
    resource_metrics: list[_OfResource] | None = None


_request = msgspec.json.Decoder(_Request).decode
_span = msgspec.json.Decoder(_Span).decode
_log = msgspec.json.Decoder(_Log).decode
_metric = msgspec.json.Decoder(_Metric).decode


def sent(body: bytes) -> list[Sent]:
    """Return the spans of a request.

    Raises:
        Mistaken: `json_malformed`, `json_too_deep` or `field_invalid`.

    """
    return [Sent(resource=resource, scope=scope, spans=items, read=span) for resource, scope, items in opened(body)]


def opened(body: bytes) -> list[tuple[dict[str, Any], str, list[msgspec.Raw]]]:
    """Return what a request of any signal holds: resource, scope, and the spans, log records or metrics unread.

    Raises:
        Mistaken: `json_malformed`, `json_too_deep` or `field_invalid`.

    """
    request = _read(_request, body)
    found: list[tuple[dict[str, Any], str, list[msgspec.Raw]]] = []
    for of_resource in (
        *(request.resource_spans or ()),
        *(request.resource_logs or ()),
        *(request.resource_metrics or ()),
    ):
        resource = attributes(of_resource.resource.attributes if of_resource.resource else None)
        for of_scope in (
            *(of_resource.scope_spans or ()),
            *(of_resource.scope_logs or ()),
            *(of_resource.scope_metrics or ()),
        ):
            named = of_scope.scope
            scope = scope_named(named.name or "", named.version or "") if named else ""
            found.append((resource, scope, of_scope.spans or of_scope.log_records or of_scope.metrics or []))
    return found


def span(raw: msgspec.Raw, scope: str) -> Span:
    """Return one span.

    Raises:
        Mistaken: it is malformed, or its ids are wrong.

    """
    it = _read(_span, raw)
    trace, id = _hex(it.trace_id), _hex(it.span_id)
    status = it.status or _Status()
    return Span(
        trace=trace,
        id=id,
        parent=checked(trace, id, _hex(it.parent_span_id)),
        name=it.name or "",
        kind=KINDS[_choice(it.kind, "SPAN_KIND_", len(KINDS), _KINDS)],
        started_ns=whole(it.start_time_unix_nano),
        ended_ns=whole(it.end_time_unix_nano),
        status=STATUSES[_choice(status.code, "STATUS_CODE_", 3, _CODES)],  # type: ignore[arg-type]
        message=status.message or "",
        attributes=attributes(it.attributes),
        events=tuple(
            Happening(name=each.name or "", at_ns=whole(each.time_unix_nano), attributes=attributes(each.attributes))
            for each in it.events or ()
        ),
        links=tuple(
            Link(trace=_hex(each.trace_id), span=_hex(each.span_id), attributes=attributes(each.attributes))
            for each in it.links or ()
        ),
        scope=scope,
    )


def record(raw: msgspec.Raw) -> tuple[str, Happening, str, str]:
    """Return a log record: the event's name, the event, and the trace and span it belongs to.

    Raises:
        Mistaken: it is malformed.

    """
    it = _read(_log, raw)
    found = attributes(it.attributes)
    name = it.event_name or str(found.get("event.name", ""))
    at = whole(it.time_unix_nano) or whole(it.observed_time_unix_nano)
    return name, Happening(name=name, at_ns=at, attributes=found), _hex(it.trace_id), _hex(it.span_id)


def points(raw: msgspec.Raw) -> int:
    """Return how many data points a metric has; none when it cannot be read."""
    try:
        it = _read(_metric, raw)
    except Mistaken:
        return 0
    kinds = (it.gauge, it.sum, it.histogram, it.exponential_histogram, it.summary)
    return sum(len(kind.data_points or ()) for kind in kinds if kind)


def attributes(pairs: Pairs) -> dict[str, Any]:
    """Return key-value pairs as a dict; the last of a name counts."""
    return {pair.key: _value(pair.value, 0) for pair in pairs} if pairs else {}


def whole(given: Whole | None) -> int:
    """Return a 64-bit integer.

    Raises:
        Mistaken: `field_invalid`.

    """
    if given is None:
        return 0
    try:
        number = int(given)
    except ValueError:
        raise Mistaken("field_invalid", f"not a whole number: {str(given)[:40]!r}") from None
    if not -(2**63) <= number < 2**64:
        raise Mistaken("field_invalid", f"more than 64 bits: {str(given)[:40]}")
    return number


_KINDS = {name: number for number, name in enumerate(("UNSPECIFIED", *(kind.upper() for kind in KINDS[1:])))}
_CODES = {name: number for number, name in enumerate(("UNSET", "OK", "ERROR"))}


def _choice(given: Whole | None, prefix: str, count: int, names: dict[str, int]) -> int:
    """Return the number of an enumeration, 0 for one that is not known. Names are not allowed, and sent all the same."""
    if given is None:
        return 0
    if isinstance(given, str) and not given.isdecimal():
        return names.get(given.removeprefix(prefix), 0)
    number = whole(given)
    return number if 0 <= number < count else 0


def _value(it: _Any | None, depth: int) -> Any:
    if it is None:
        return None
    if it.string_value is not None:
        return it.string_value
    if it.int_value is not None:
        return whole(it.int_value)
    if it.bool_value is not None:
        return it.bool_value
    if it.double_value is not None:
        return _real(it.double_value)
    if it.array_value is not None:
        return TOO_DEEP if depth >= DEEPEST else [_value(each, depth + 1) for each in it.array_value.values or ()]
    if it.kvlist_value is not None:
        if depth >= DEEPEST:
            return TOO_DEEP
        return {pair.key: _value(pair.value, depth + 1) for pair in it.kvlist_value.values or ()}
    return it.bytes_value


def _real(given: float | str) -> float:
    try:
        return float(given)
    except ValueError:
        return math.nan


def _hex(given: str | None) -> str:
    text = (given or "").lower()
    try:
        bytes.fromhex(text)
    except ValueError:
        raise Mistaken("field_invalid", f"an id must be hex: {text[:40]!r}", place="id") from None
    return text


def _read(decode: Callable[[bytes | msgspec.Raw | str], T], raw: bytes | msgspec.Raw) -> T:
    """Return a message. One text that is not UTF-8 is repaired, so that it does not cost the others."""
    try:
        try:
            return decode(raw)
        except UnicodeDecodeError:
            return decode(bytes(raw).decode("utf-8", "replace"))
    except RecursionError:
        raise Mistaken("json_too_deep", place="body") from None
    except msgspec.ValidationError as error:
        raise Mistaken("field_invalid", f"not as OTLP has it: {str(error)[:200]}", place="body") from None
    except msgspec.DecodeError as error:
        raise Mistaken("json_malformed", f"not valid JSON: {str(error)[:200]}", place="body") from None
