"""Langfuse's observations as spans, and its ids as ours."""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final

from rowen.values import Observed, Span, ns_of

_ATTRIBUTES: Final = {
    "input": "langfuse.observation.input",
    "output": "langfuse.observation.output",
    "level": "langfuse.observation.level",
    "statusMessage": "langfuse.observation.status_message",
    "model": "langfuse.observation.model.name",
    "modelParameters": "langfuse.observation.model.parameters",
    "usageDetails": "langfuse.observation.usage_details",
    "costDetails": "langfuse.observation.cost_details",
    "completionStartTime": "langfuse.observation.completion_start_time",
    "promptName": "langfuse.observation.prompt.name",
    "promptVersion": "langfuse.observation.prompt.version",
    "metadata": "langfuse.observation.metadata",
    "environment": "langfuse.environment",
    "version": "langfuse.version",
    "release": "langfuse.release",
    "userId": "user.id",
    "sessionId": "session.id",
    "tags": "langfuse.trace.tags",
}
_USAGE: Final = {"input": "input", "output": "output", "promptTokens": "input", "completionTokens": "output"}
_COSTS: Final = {"inputCost": "input", "outputCost": "output", "totalCost": "total"}

_IDS: Final = "langfuse.id"
"""Attribute that keeps the id as it was sent, where ours is another."""


def span_of(
    body: dict[str, Any],
    kind: str,
    trace: str,
    id: str,
    *,
    now_ns: int,
    before: Observed | None = None,
    latest_ns: int = 0,
    below: str = "",
) -> Span:
    """Return an observation as a span. What it leaves out is as it was before.

    Args:
        body: as Langfuse's API has it, in its own names.
        kind: `trace` for a trace itself, which becomes the root span, else the type of observation.
        trace: the trace's id, ours.
        id: the span's id, ours.
        now_ns: the time of one that names none.
        before: what is stored of it.
        latest_ns: the last time that is known in its trace, until which a trace goes on.
        below: the parent of an observation that names none.

    """
    started = ns(body, "startTime") or ns(body, "timestamp") or (before.span.started_ns if before else 0) or now_ns
    ended = ns(body, "endTime") or (before.span.ended_ns if before else 0)
    if kind == "trace":
        ended = max(ended, latest_ns)
    parent = before.span.parent if before else ""
    if kind != "trace":
        named = body.get("parentObservationId")
        parent = span_id(str(named)) if named else parent or below
    return Span(
        trace=trace,
        id=id,
        parent=parent,
        name=str(body.get("name") or (before.span.name if before else kind)),
        started_ns=started,
        ended_ns=max(ended, started),
        attributes={**_known(before), **_said(body, kind, trace, id)},
        events=before.span.events if before else (),
        scope="langfuse",
    )


def _known(before: Observed | None) -> dict[str, Any]:
    if before is None:
        return {}
    content = {_ATTRIBUTES["input"]: before.input, _ATTRIBUTES["output"]: before.output}
    return {**before.span.attributes, **{name: value for name, value in content.items() if value is not None}}


def _said(body: dict[str, Any], kind: str, trace: str, id: str) -> dict[str, Any]:
    """The attributes in which a body says the same."""
    usage = body.get("usage")
    if isinstance(usage, dict):
        tokens = {ours: usage[theirs] for theirs, ours in _USAGE.items() if usage.get(theirs) is not None}
        costs = {ours: usage[theirs] for theirs, ours in _COSTS.items() if usage.get(theirs) is not None}
        body = {**({"usageDetails": tokens} if tokens else {}), **({"costDetails": costs} if costs else {}), **body}
    found = {_ATTRIBUTES[name]: value for name, value in body.items() if name in _ATTRIBUTES and value is not None}
    found["langfuse.observation.type"] = "chain" if kind == "trace" else kind
    if body.get("id", id) not in {id, trace}:
        found[_IDS] = body["id"]
    return found


def root_of(trace: str) -> str:
    """Return the id of the span that stands for a trace itself."""
    return span_id(f"root of {trace}")


def trace_id(id: str) -> str:
    """Return a trace id as Rowen has it: of a UUID its 32 hex digits, of another text a hash that is always the same."""
    return _hex(id, 32)


def span_id(id: str) -> str:
    """Return an observation's id as Rowen has it: 16 hex digits, of another text a hash that is always the same."""
    return _hex(id, 16)


def _hex(id: str, length: int) -> str:
    plain = id.replace("-", "").lower()
    if not id or (len(plain) == length and not plain.strip("0123456789abcdef")):
        return plain
    return hashlib.sha256(id.encode("utf-8", "replace")).hexdigest()[:length]


def ns(body: dict[str, Any], name: str) -> int:
    """Return a moment that a field names, 0 when it names none."""
    text = body.get(name)
    found = moment(text) if isinstance(text, str) else None
    return max(0, ns_of(found)) if found else 0


def moment(text: str) -> datetime | None:
    """Return a moment in ISO 8601, of UTC where it names no zone; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
