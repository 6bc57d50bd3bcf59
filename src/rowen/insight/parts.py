"""Where the time of one trace went: its spans as parts that add up to the whole.

A part is what a span does: by the name of a step of the chain, by OpenInference's kind, or by the operation of the
GenAI conventions. Of nested spans only the outermost that has a part counts, and overlapping ones count once, so the
parts never add up to more than was waited. What no span explains is `other`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from rowen.values import Span, Trace, TraceRow, Value

Part = Literal["queue", "network", "first_token", "decode", "guard", "retrieval", "tool", "other"]
PARTS: tuple[Part, ...] = get_args(Part)

_STEPS: dict[str, Part] = {
    "limits.admit": "queue",
    "route.choose": "queue",
    "guard": "guard",
    "retrieve": "retrieval",
    "memory": "retrieval",
    "agent.tool": "tool",
    "tool": "tool",
}
"""By the name of a step, or its room."""
_KINDS: dict[str, Part] = {
    "GUARDRAIL": "guard",
    "RETRIEVER": "retrieval",
    "RERANKER": "retrieval",
    "EMBEDDING": "retrieval",
    "TOOL": "tool",
}
_OPERATIONS: dict[str, Part] = {
    "execute_tool": "tool",
    "retrieval": "retrieval",
    "search_memory": "retrieval",
    "embeddings": "retrieval",
}
_CONNECTING = frozenset({"connect", "dns", "dns.lookup", "tcp.connect", "tls", "tls.handshake"})
_UNREACHED = frozenset({"upstream_connect", "upstream_cut", "upstream_timeout"})
"""Codes of attempts whose time the network had, not the model."""
_ASKING = frozenset({"chat", "generate_content", "text_completion"})
_FIRST = "gen_ai.response.time_to_first_chunk"

Stretch = tuple[int, int]


class Parts(Value, frozen=True, kw_only=True):
    """One trace as the diagnosis sees it. Times are milliseconds."""

    trace: str
    total: float
    times: dict[Part, float]
    cached: bool = False
    """Whether Rowen's own cache answered."""
    streamed: bool = False
    input_tokens: int = 0
    provider_cached: int = 0
    """Of the input tokens, those read from the provider's cache."""
    output_tokens: int = 0
    provider: str = ""
    deployment: str = ""

    def of(self, part: Part) -> float:
        """Return the milliseconds of a part."""
        return self.times.get(part, 0.0)


def parts_of(trace: Trace) -> Parts:
    """Return where the time of a trace went."""
    row, spans = trace.row, tuple(trace.spans)
    taken: dict[Part, list[Stretch]] = {}
    cached_tokens = 0
    before: Span | None = None
    for span, part in _outermost(row, spans):
        if part is not None:
            taken.setdefault(part, []).append((span.started_ns, span.ended_ns))
            continue
        if before is not None and before.status == "error":
            # The wait before the next attempt belongs to what made it necessary.
            taken.setdefault(_blamed(before), []).append((before.ended_ns, span.started_ns))
        before = span
        cached_tokens += _tokens(span)
        for asked, stretch in _asked(span, spans):
            taken.setdefault(asked, []).append(stretch)
    times = _lengths(taken)
    times["other"] = max(0.0, row.duration_ns / 1e6 - sum(times.values()))
    return Parts(
        trace=row.id,
        total=row.duration_ns / 1e6,
        times=times,
        cached=row.source == "cache",
        streamed=row.streamed if row.origin == "call" else any(_FIRST in span.attributes for span in spans),
        input_tokens=row.input_tokens,
        provider_cached=cached_tokens,
        output_tokens=row.output_tokens,
        provider=row.provider,
        deployment=row.deployment or row.model,
    )


def _outermost(row: TraceRow, spans: Sequence[Span]) -> list[tuple[Span, Part | None]]:
    """Return the spans that have a part, or ask a model, and no ancestor that does, in the order of time. The root has none."""
    if len(spans) == 1 and _asks(spans[0]) and row.origin == "spans":
        return [(spans[0], _part(spans[0]))]  # a program that sent nothing but the one span of its model
    by_id = {span.id: span for span in spans}
    told = {span.id: part for span in spans[1:] if (part := _part(span)) is not None or _asks(span)}
    found = []
    for span in spans[1:]:
        if span.id not in told:
            continue
        above, seen = by_id.get(span.parent), {span.id}
        while above is not None and above.id not in told and above.id not in seen:
            seen.add(above.id)
            above = by_id.get(above.parent)
        if above is None or above.id not in told:
            found.append((span, told[span.id]))
    return sorted(found, key=lambda one: (one[0].started_ns, one[0].id))


def _part(span: Span) -> Part | None:
    attributes = span.attributes
    if span.name in _CONNECTING:
        return "network"
    kind = attributes.get("openinference.span.kind")
    if kind is not None and (part := _KINDS.get(str(kind))) is not None:
        return part
    if "rowen.deployment" in attributes:
        return None  # an attempt at a model, also one of embeddings
    operation = attributes.get("gen_ai.operation.name")
    of_operation = None if operation is None else _OPERATIONS.get(str(operation))
    return of_operation or _STEPS.get(span.name) or _STEPS.get(span.name.partition(".")[0])


def _asks(span: Span) -> bool:
    attributes = span.attributes
    return (
        "rowen.deployment" in attributes
        or attributes.get("gen_ai.operation.name") in _ASKING
        or attributes.get("openinference.span.kind") == "LLM"
    )


def _asked(span: Span, spans: Sequence[Span]) -> list[tuple[Part, Stretch]]:
    """Return the parts of one attempt at a model: to be connected, to begin, to go on."""
    started, ended = span.started_ns, span.ended_ns
    if span.status == "error":
        return [(_blamed(span), (started, ended))]
    found: list[tuple[Part, Stretch]] = []
    connecting = [
        (each.started_ns, each.ended_ns) for each in spans if each.name in _CONNECTING and each.parent == span.id
    ]
    connected = max((end for _, end in connecting), default=started)
    if connected > started:
        found.append(("network", (started, connected)))
    first = _number(span.attributes, _FIRST)
    begun = ended if first is None else min(ended, started + round(first * 1e9))
    found.append(("first_token", (connected, max(connected, begun))))
    found.append(("decode", (begun, ended)))
    return found


def _blamed(span: Span) -> Part:
    return "network" if span.attributes.get("error.type") in _UNREACHED else "first_token"


def _tokens(span: Span) -> int:
    attributes = span.attributes
    found = _number(attributes, "gen_ai.usage.cache_read.input_tokens")
    if found is None:
        found = _number(attributes, "llm.token_count.prompt_details.cache_read")
    return round(found or 0)


def _number(attributes: Mapping[str, Any], name: str) -> float | None:
    value = attributes.get(name)
    return float(value) if isinstance(value, int | float) else None


def _lengths(taken: Mapping[Part, list[Stretch]]) -> dict[Part, float]:
    """Return the milliseconds of each part. Time that several parts claim goes to the one that began it."""
    marks = sorted((start, end, part) for part, stretches in taken.items() for start, end in stretches)
    times: dict[Part, float] = {}
    reached = 0
    for start, end, part in marks:
        begin = max(start, reached)
        if end > begin:
            times[part] = times.get(part, 0.0) + (end - begin) / 1e6
            reached = end
    return times
