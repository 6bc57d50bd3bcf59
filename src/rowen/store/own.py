"""The spans of a call through Rowen as rows, in the words that spans from elsewhere have."""

from decimal import Decimal, InvalidOperation
from typing import Any

from rowen.values import Observed, Span, SpanRow, SpanType, Trace, TraceRow

_STEPS: dict[str, SpanType] = {
    "guard": "guardrail",
    "prompt": "prompt",
    "memory": "memory",
    "retrieve": "retriever",
    "agent": "agent",
}


def found_rows(trace: Trace) -> list[SpanRow]:
    """Return the rows that a call is found by among spans: its root and its attempts."""
    spans = trace.spans
    return [own_row(trace.row, span, root=not at) for at, span in enumerate(spans) if not at or span.kind == "client"]


def own_rows(row: TraceRow, spans: tuple[Span, ...]) -> list[SpanRow]:
    """Return the rows of all spans of a call: root, steps and attempts."""
    return [own_row(row, span, root=not at) for at, span in enumerate(spans)]


def own_row(row: TraceRow, span: Span, *, root: bool) -> SpanRow:
    """Return the row of one span of a call. What was spent stands at the attempts alone."""
    said = span.attributes
    attempt = not root and span.kind == "client"
    first = said.get("gen_ai.response.time_to_first_chunk")
    return SpanRow(
        trace=row.id,
        id=span.id,
        parent=span.parent,
        name=span.name,
        type=_type(span, root=root, attempt=attempt),
        kind=span.kind,
        started_ns=span.started_ns,
        duration_ns=span.ended_ns - span.started_ns,
        first_ns=row.first_ns if root else round(first * 1e9) if isinstance(first, float) else None,
        status=span.status,
        code=str(said.get("error.type") or (span.message if not root and not attempt else "")),
        tenant=row.tenant,
        app=row.app,
        environment=row.environment,
        release=row.release,
        session=row.session,
        user=row.user,
        feature=row.feature,
        tags=row.tags,
        model=str(said.get("gen_ai.request.model", "")),
        provider=str(said.get("gen_ai.provider.name", "")),
        prompt=_prompt(said),
        input_tokens=_whole(said, "gen_ai.usage.input_tokens") if attempt else 0,
        output_tokens=_whole(said, "gen_ai.usage.output_tokens") if attempt else 0,
        cached_tokens=_whole(said, "gen_ai.usage.cache_read.input_tokens") if attempt else 0,
        reasoning_tokens=_whole(said, "gen_ai.usage.reasoning.output_tokens") if attempt else 0,
        cost=_cost(said.get("rowen.cost")) if attempt else None,
        input=row.asked if root else "",
        output=row.said if root else "",
    )


def own_span(trace: Trace, id: str) -> Observed | None:
    """Return one span of a call whole."""
    for at, span in enumerate(trace.spans):
        if span.id == id:
            row = own_row(trace.row, span, root=not at)
            return Observed(
                row=row, span=span, input=None if at else _asked(trace), output=None if at else _answered(trace)
            )
    return None


def _asked(trace: Trace) -> Any:
    if trace.request is None:
        return trace.row.asked or None
    if trace.request.texts:
        return list(trace.request.texts)
    return [{"role": message.role, "content": message.text} for message in trace.request.messages]


def _answered(trace: Trace) -> Any:
    if trace.answer is None:
        return trace.row.said or None
    return [
        {"role": "assistant", "content": choice.message.text, "finish_reason": choice.reason}
        for choice in trace.answer.choices
    ]


def _type(span: Span, *, root: bool, attempt: bool) -> SpanType:
    if root:
        return "chain"
    if attempt:
        return "embedding" if span.attributes.get("gen_ai.operation.name") == "embeddings" else "llm"
    return _STEPS.get(span.name.partition(".")[0], "other")


def _prompt(said: dict[str, Any]) -> str:
    name, version = said.get("gen_ai.prompt.name"), said.get("gen_ai.prompt.version")
    return f"{name}:{version}" if name and version else str(name or "")


def _whole(said: dict[str, Any], key: str) -> int:
    value = said.get(key, 0)
    return value if isinstance(value, int) else 0


def _cost(said: Any) -> Decimal | None:
    if said is None or said == "unknown":
        return None
    try:
        return Decimal(str(said))
    except InvalidOperation:
        return None
