"""The spans of a call through Rowen as rows, in the words that spans from elsewhere have."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from rowen.values import Noted, Observed, Span, SpanRow, SpanType, Told, Trace, TraceRow, Twig, span_id, vendor_of

_STEPS: dict[str, SpanType] = {
    "guard": "guardrail",
    "prompt": "prompt",
    "memory": "memory",
    "retrieve": "retriever",
    "agent": "agent",
}


def found_rows(trace: Trace) -> list[tuple[SpanRow, bool]]:
    """Return the rows that a call is found by, and of each whether it has the texts.

    It is found by its attempts: the last that went well has the texts, else the last. A call without an attempt, such
    as one answered from the cache, is found by its root.
    """
    spans = trace.spans
    if isinstance(spans, Told):  # of a call that has just ended no span is told for this
        rows = _noted_rows(trace.row, spans.noted)
        return rows or [(own_row(trace.row, spans.root, root=True, tells=True), True)]
    attempts = _attempts(spans)
    if attempts:
        teller = _teller(attempts)
        return [(own_row(trace.row, span, root=False, tells=span is teller), span is teller) for span in attempts]
    return [(own_row(trace.row, root, root=True, tells=True), True) for root in spans[:1]]


def own_rows(row: TraceRow, spans: Sequence[Span]) -> list[SpanRow]:
    """Return the rows of all spans of a call: root, steps and attempts. The root, too, has the texts."""
    teller = _teller(_attempts(spans))
    return [own_row(row, span, root=not at, tells=not at or span is teller) for at, span in enumerate(spans)]


def _attempts(spans: Sequence[Span]) -> list[Span]:
    return [span for span in spans[1:] if span.kind == "client"]


def _teller(attempts: Sequence[Span]) -> Span | None:
    for attempt in reversed(attempts):
        if attempt.status != "error":
            return attempt
    return attempts[-1] if attempts else None


def _noted_rows(row: TraceRow, noted: Noted) -> list[tuple[SpanRow, bool]]:
    """Return what `own_row` would say of the spans of the attempts."""
    parent = span_id(noted.first)
    operation = row.name.partition(" ")[0]
    tried = noted.tried
    teller = next((each for _, each in reversed(tried) if each.status == "ok"), tried[-1][1] if tried else None)
    found = []
    for number, each in tried:
        usage, tells = each.usage, each is teller
        own = SpanRow(
            trace=row.id,
            id=span_id(number),
            parent=parent,
            name=f"{operation} {each.model}",
            type="embedding" if operation == "embeddings" else "llm",
            kind="client",
            started_ns=each.started_ns,
            duration_ns=each.ended_ns - each.started_ns,
            first_ns=each.first_event_ns - each.started_ns if each.first_event_ns else None,
            status="ok" if each.status == "ok" else "error",
            code=each.code,
            tenant=row.tenant,
            app=row.app,
            environment=row.environment,
            release=row.release,
            session=row.session,
            user=row.user,
            feature=row.feature,
            tags=row.tags,
            model=each.model,
            provider=vendor_of(each.provider),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cache_read_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            cost=each.cost.amount if each.cost else None,
            input=row.asked if tells else "",
            output=row.said if tells else "",
        )
        found.append((own, tells))
    return found


def own_row(row: TraceRow, span: Span, *, root: bool, tells: bool) -> SpanRow:
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
        input=row.asked if tells else "",
        output=row.said if tells else "",
    )


def twig_of(span: Span) -> Twig:
    """Return what the shape of a call's tree is told from."""
    return Twig(id=span.id, parent=span.parent, started_ns=span.started_ns, duration_ns=span.ended_ns - span.started_ns)


def own_span(trace: Trace, id: str) -> Observed | None:
    """Return one span of a call whole."""
    rows = own_rows(trace.row, trace.spans)
    for span, row in zip(trace.spans, rows, strict=True):
        if span.id == id:
            tells = span is trace.spans[0] or (row.type in {"llm", "embedding"} and bool(row.input or row.output))
            return Observed(
                row=row, span=span, input=_asked(trace) if tells else None, output=_answered(trace) if tells else None
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
