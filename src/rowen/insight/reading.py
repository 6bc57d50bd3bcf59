"""Reading traces page by page: rows, and what was bought with each attempt. For work in the background, not for views."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from rowen.store.base import TraceFilter, Traces
from rowen.store.spend import Spend, once
from rowen.values import Span, Trace, TraceRow, Usage, Value

Told = Callable[[int], None]
"""Is told how many traces were read so far."""

_PAGE = 500
_KINDS = {
    "azure.ai.openai": "azure",
    "aws.bedrock": "bedrock",
    "gcp.gemini": "gemini",
    "gcp.gen_ai": "gemini",
    "gcp.vertex_ai": "gemini",
    "mistral_ai": "mistral",
    "x_ai": "xai",
    "moonshot_ai": "moonshot",
}
"""The conventions' names of providers as kinds of ours, where they differ."""


class Bought(Value, frozen=True, kw_only=True):
    """One attempt at a model: what was used, and what it cost."""

    trace: str
    at_ns: int
    provider: str
    """A kind of the provider catalogue."""
    model: str
    """The provider's own name, as it was asked for."""
    answered_by: str = ""
    """The name that the provider answered with."""
    usage: Usage
    cost: Decimal | None = None
    waste: bool = False


async def rows_of(traces: Traces, filter: TraceFilter, told: Told | None = None) -> AsyncIterator[TraceRow]:
    """Yield all rows that pass a filter, newest first; its `limit` is the size of a page."""
    count, before = 0, filter.before
    while True:
        page = await traces.find(filter.but(before=before, limit=_PAGE))
        for row in page:
            yield row
        count += len(page)
        if told is not None:
            told(count)
        if len(page) < _PAGE:
            return
        before = page[-1].cursor


async def whole_of(traces: Traces, filter: TraceFilter, told: Told | None = None) -> AsyncIterator[Trace]:
    """Yield all traces that pass a filter, whole, newest first."""
    async for row in rows_of(traces, filter, told):
        found = await traces.get(row.id, filter.tenant)
        if found is not None:
            yield found


async def sampled(traces: Traces, filter: TraceFilter, most: int, told: Told | None = None) -> list[Trace]:
    """Return at most so many traces, spread evenly over those that pass a filter."""
    ids = [row.id async for row in rows_of(traces, filter, told)]
    step = max(1.0, len(ids) / most)
    chosen = [ids[int(number * step)] for number in range(min(most, len(ids)))]
    found = [await traces.get(id, filter.tenant) for id in chosen]
    return [trace for trace in found if trace is not None]


def bought(trace: Trace) -> list[Bought]:
    """Return the attempts at models in a trace: of a call through Rowen, or of spans that were sent to us."""
    found = []
    counted = None if trace.row.origin == "call" else once(_spends(trace))
    for span in trace.spans:
        attributes = span.attributes
        if counted is not None and span.id not in counted:
            continue
        if "rowen.deployment" not in attributes and (trace.row.origin == "call" or not _asks(span)):
            continue
        used = _usage(attributes)
        if not used.total and attributes.get("rowen.cost") in (None, "0", "unknown"):
            continue
        kind = str(attributes.get("gen_ai.provider.name") or attributes.get("gen_ai.system") or "")
        wasted = attributes.get("rowen.waste") is True
        found.append(
            Bought(
                trace=trace.row.id,
                at_ns=span.started_ns,
                provider=_KINDS.get(kind, kind) or trace.row.provider,
                model=str(attributes.get("gen_ai.request.model") or attributes.get("llm.model_name") or ""),
                answered_by=str(attributes.get("gen_ai.response.model") or ("" if wasted else trace.row.answered_by)),
                usage=used,
                cost=_cost(attributes),
                waste=wasted,
            )
        )
    return found


def _spends(trace: Trace) -> dict[str, Spend]:
    """Return what the spans of a trace that was sent to us say they spent."""
    found = {}
    for span in trace.spans:
        used, cost = _usage(span.attributes), _cost(span.attributes)
        if _asks(span) and (used.total or cost is not None):
            found[span.id] = Spend(
                parent=span.parent,
                type="embedding" if span.attributes.get("gen_ai.operation.name") == "embeddings" else "llm",
                name=span.name,
                started_ns=span.started_ns,
                ended_ns=span.ended_ns,
                used=(used.input_tokens, used.output_tokens),
                cost=cost,
            )
    return found


def _asks(span: Span) -> bool:
    return (
        span.attributes.get("gen_ai.operation.name") in {"chat", "generate_content", "text_completion", "embeddings"}
        or span.attributes.get("openinference.span.kind") == "LLM"
    )


def _usage(attributes: dict[str, Any]) -> Usage:
    def number(*names: str) -> int:
        for name in names:
            value = attributes.get(name)
            if isinstance(value, int | float):
                return int(value)
        return 0

    return Usage(
        input_tokens=number("gen_ai.usage.input_tokens", "llm.token_count.prompt"),
        output_tokens=number("gen_ai.usage.output_tokens", "llm.token_count.completion"),
        cache_read_tokens=number("gen_ai.usage.cache_read.input_tokens", "llm.token_count.prompt_details.cache_read"),
        cache_write_tokens=number(
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_write.input_tokens",
            "llm.token_count.prompt_details.cache_write",
        ),
        reasoning_tokens=number("gen_ai.usage.reasoning.output_tokens", "llm.token_count.completion_details.reasoning"),
        estimated=attributes.get("rowen.usage.estimated") is True,
    )


def _cost(attributes: dict[str, Any]) -> Decimal | None:
    said = attributes.get("rowen.cost", attributes.get("llm.cost.total"))
    try:
        return None if said is None else Decimal(str(said))
    except InvalidOperation:
        return None
