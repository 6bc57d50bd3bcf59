"""Spans as OTLP protobuf, written by hand: a third of the time that building the generated messages takes.

Messages: https://github.com/open-telemetry/opentelemetry-proto (v1, `collector/trace/v1/trace_service.proto`). The tests
read what is written here with the generated classes of `opentelemetry-proto`.
"""

import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache

Plain = str | bytes | bool | int | float | list[str] | list[bool] | list[int] | list[float]
"""What an attribute may hold. Bytes are UTF-8 text that is encoded already."""

SCHEMA_URL = b"https://opentelemetry.io/schemas/gen-ai/1.42.0"
OK, ERROR = 1, 2
INTERNAL, CLIENT = 1, 3

_double = struct.Struct("<d").pack
_fixed64 = struct.Struct("<Q").pack
_fixed32 = struct.Struct("<I").pack
_SMALL = [bytes((number,)) for number in range(0x80)] + [
    bytes((number & 0x7F | 0x80, number >> 7)) for number in range(0x80, 0x4000)
]


def request(spans: Iterable[bytes], resource: bytes, scope: bytes) -> bytes:
    """Return an `ExportTraceServiceRequest` of spans that are encoded already."""
    within = field(1, scope) + b"".join([field(2, span) for span in spans]) + field(3, SCHEMA_URL)
    return field(1, field(1, resource) + field(2, within))


def resource(attributes: Mapping[str, Plain]) -> bytes:
    """Return a `Resource`: what sends."""
    return b"".join([b"\x0a" + _sized(key_value(key, value)) for key, value in attributes.items()])


def scope(name: str, version: str) -> bytes:
    """Return an `InstrumentationScope`."""
    return field(1, name.encode()) + field(2, version.encode())


def head(trace: int, span: int, parent: int, state: str, name: str) -> bytes:
    """Return the first fields of a `Span`: who it is."""
    found = b"\x0a\x10" + trace.to_bytes(16, "big") + b"\x12\x08" + span.to_bytes(8, "big")
    if state:
        found += field(3, utf8(state))
    if parent:
        found += b"\x22\x08" + parent.to_bytes(8, "big")
    return found + b"\x2a" + _sized(utf8(name))


def times(kind: int, started_ns: int, ended_ns: int) -> bytes:
    """Return the fields of a `Span` that say its kind and when it was."""
    return b"\x30" + _SMALL[kind] + b"\x39" + _fixed64(started_ns) + b"\x41" + _fixed64(ended_ns)


def attributes(given: Iterable[tuple[str, Plain]]) -> bytes:
    """Return the attributes of a `Span`. Texts, which most are, are written without a call for each part of them."""
    found: list[bytes] = []
    for key, value in given:
        kind = type(value)
        if kind is str:
            body = utf8(value)  # type: ignore[arg-type]  # its type was asked the quick way
        elif kind is bytes:
            body = value  # type: ignore[assignment]
        else:
            found += (b"\x4a", _sized(key_value(key, value)))
            continue
        name, length = _key(key), varint(len(body))
        inner = varint(1 + len(length) + len(body))
        whole = varint(len(name) + 2 + len(inner) + len(length) + len(body))
        found += (b"\x4a", whole, name, b"\x12", inner, b"\x0a", length, body)
    return b"".join(found)


def tail(*, lost: int, events: Iterable[bytes], status: int, message: str, flags: int) -> bytes:
    """Return the last fields of a `Span`: attributes left out, events, status and flags."""
    found = b"\x50" + varint(lost) if lost else b""
    for each in events:
        found += b"\x5a" + _sized(each)
    if status:
        said = field(2, utf8(message)) if message else b""
        found += b"\x7a" + _sized(said + b"\x18" + _SMALL[status])
    return found + b"\x85\x01" + _fixed32(flags)


def event(name: str, at_ns: int, given: Mapping[str, Plain]) -> bytes:
    """Return an event within a span."""
    found = b"\x09" + _fixed64(at_ns) + b"\x12" + _sized(utf8(name))
    return found + b"".join([b"\x1a" + _sized(key_value(key, value)) for key, value in given.items()])


def key_value(key: str, value: Plain) -> bytes:
    """Return a `KeyValue`."""
    return _key(key) + b"\x12" + _sized(any_value(value))


def any_value(value: Plain) -> bytes:
    """Return an `AnyValue`. An integer of more than 64 bits becomes a text."""
    kind = type(value)
    if kind is str:
        return b"\x0a" + _sized(utf8(value))  # type: ignore[arg-type]  # its type was asked the quick way
    if kind is bytes:
        return b"\x0a" + _sized(value)  # type: ignore[arg-type]
    if kind is bool:
        return b"\x10\x01" if value else b"\x10\x00"
    if kind is int:
        whole: int = value  # type: ignore[assignment]
        if -(1 << 63) <= whole < 1 << 63:
            return b"\x18" + varint(whole & 0xFFFFFFFFFFFFFFFF)
        return b"\x0a" + _sized(hex(whole).encode())
    if kind is float:
        return b"\x21" + _double(value)
    items = b"".join([b"\x0a" + _sized(any_value(item)) for item in value])  # type: ignore[union-attr]
    return b"\x2a" + _sized(items)


def field(number: int, body: bytes) -> bytes:
    """Return a length-delimited field, its number up to 15."""
    return bytes((number << 3 | 2,)) + _sized(body)


def varint(number: int) -> bytes:
    """Return a number of up to 64 bits, none below zero, in groups of seven bits."""
    if number < 0x4000:
        return _SMALL[number]
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def utf8(text: str) -> bytes:
    """Return a text as UTF-8; half a surrogate pair, which UTF-8 cannot hold, as a question mark."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace")


def rejected(answer: bytes) -> tuple[int, str]:
    """Return how many spans an `ExportTraceServiceResponse` turns down, and why. Nonsense turns down none."""
    try:
        partial = dict(_fields(answer)).get(1, b"")
        found = dict(_fields(partial if isinstance(partial, bytes) else b""))
    except (IndexError, ValueError):
        return 0, ""
    count, reason = found.get(1, 0), found.get(2, b"")
    return count if isinstance(count, int) else 0, reason.decode(errors="replace") if isinstance(reason, bytes) else ""


def _fields(body: bytes) -> Iterable[tuple[int, int | bytes]]:
    place = 0
    while place < len(body):
        tag, place = _read(body, place)
        number, place = _read(body, place)
        if tag & 7 == 0:
            yield tag >> 3, number
        elif tag & 7 == 2:
            yield tag >> 3, body[place : place + number]
            place += number
        else:
            raise ValueError("a field of a kind that this answer does not have")


def _read(body: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while body[place] & 0x80:
        number |= (body[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
    return number | body[place] << shift, place + 1


def _sized(body: bytes) -> bytes:
    return varint(len(body)) + body


@lru_cache(maxsize=2048)
def _key(key: str) -> bytes:
    return b"\x0a" + _sized(utf8(key))
