"""OTLP's protobuf and JSON bodies as spans.

Specification: https://opentelemetry.io/docs/specs/otlp/ and https://github.com/open-telemetry/opentelemetry-proto.
A body is opened at once, its spans one by one, so that a span that cannot be read costs none of its neighbours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rowen.values import Mistaken, Span, SpanKind

DEEPEST = 32
"""Levels of nesting in the value of one attribute; what lies deeper is left out, and said so."""
TOO_DEEP = "[nested too deeply]"

KINDS: tuple[SpanKind, ...] = ("internal", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")

_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


@dataclass(frozen=True, slots=True)
class Sent:
    """What one instrumentation in one process sent: spans that are still to be read."""

    resource: dict[str, Any]
    scope: str
    """The instrumentation with its version."""
    spans: Sequence[Any]
    read: Callable[[Any, str], Span]
    """Gives one of the spans, told the scope; raises `Mistaken` when it is none."""


def checked(trace: str, span: str, parent: str) -> str:
    """Return the parent's id, empty for a root, when all ids are such as the specification wants them.

    Raises:
        Mistaken: an id is not 16 or 8 bytes, or all zero.

    """
    if len(trace) != 32 or trace == _NO_TRACE:
        raise Mistaken("field_invalid", f"a trace id must be 16 bytes, not all zero: {trace[:40]!r}", place="traceId")
    if len(span) != 16 or span == _NO_SPAN:
        raise Mistaken("field_invalid", f"a span id must be 8 bytes, not all zero: {span[:40]!r}", place="spanId")
    if not parent or parent == _NO_SPAN:
        return ""
    if len(parent) != 16:
        raise Mistaken("field_invalid", f"a parent's id must be 8 bytes: {parent[:40]!r}", place="parentSpanId")
    return parent


def scope_named(name: str, version: str) -> str:
    """Return an instrumentation and its version as one text."""
    return f"{name} {version}".strip()[:200]
