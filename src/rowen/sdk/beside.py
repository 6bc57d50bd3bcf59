"""Beside the official OpenTelemetry API: its current span is our parent, and ours is the parent of its spans.

Nothing of OpenTelemetry is imported. Where a program has loaded the OpenTelemetry SDK, its modules stand in `sys.modules`;
where it has not, there cannot be a current span, and looking costs one look into a dictionary.
"""

import sys
from contextlib import suppress
from typing import Any

from rowen.sdk.context import RANDOM, SAMPLED, Remote

_SDK = "opentelemetry.sdk.trace"
_modules = sys.modules


def present() -> bool:
    """Whether this program uses the OpenTelemetry SDK."""
    return _SDK in _modules


def current() -> Remote | None:
    """Return the current span of OpenTelemetry."""
    try:
        found = _modules["opentelemetry.trace"].get_current_span().get_span_context()
        if not found.is_valid:
            return None
        flags = int(found.trace_flags) & (SAMPLED | RANDOM)
        state = found.trace_state.to_header()
        return Remote(found.trace_id, found.span_id, flags, state, near=not found.is_remote)
    except Exception:  # noqa: BLE001 - another version of OpenTelemetry must not stop the program
        return None


def attach(trace: int, span: int, flags: int, state: str) -> Any:
    """Make a span of ours the current one of OpenTelemetry. Returns what `detach` wants, None when that failed."""
    try:
        api = _modules["opentelemetry.trace"]
        context = api.SpanContext(
            trace, span, False, api.TraceFlags(flags), api.TraceState.from_header([state] if state else [])
        )
        within = api.set_span_in_context(api.NonRecordingSpan(context))
        return _modules["opentelemetry.context"].attach(within)
    except Exception:  # noqa: BLE001 - as above
        return None


def detach(token: Any) -> None:
    """Give OpenTelemetry back the current span that it had."""
    with suppress(Exception):  # as above
        _modules["opentelemetry.context"].detach(token)
