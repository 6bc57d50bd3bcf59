"""A span that was sent to us, as what Rowen keeps: one row, the span, and what went in and out of it. Pure."""

import math
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from rowen.trace.intake import content
from rowen.trace.intake.names import (
    INSTRUCTIONS,
    LANGFUSE_TYPES,
    MLFLOW_TYPES,
    NOWHERE,
    OPENINFERENCE_KINDS,
    OPERATIONS,
    PROVIDERS,
    TRACELOOP_KINDS,
    VECTOR_DATABASES,
    place_of,
)
from rowen.values import Mistaken, Observed, Pricing, Settings, Span, SpanRow, SpanType, Usage, ns_of

_DAY = 86_400_000_000_000
_EARLIEST = 1_262_304_000_000_000_000  # 2010-01-01: nobody sent spans before
_MOST_TOKENS = 2**53

CUT = "rowen.cut"
"""Attribute that names the attributes of which only the beginning was kept."""
LEFT_OUT = "rowen.attributes_left_out"
FIXED = "rowen.fixed"
"""Attribute that says what was wrong with a span and was put right."""


class IntakeLimits(Settings, frozen=True, kw_only=True):
    """How much one span may hold."""

    attribute: int = 1_000_000
    """Characters of one text."""
    attributes: int = 1_000
    """Attributes of one span; OpenTelemetry's programmes send 128 at most."""
    events: int = 1_000
    """Events, and links."""


_LIMITS = IntakeLimits()
_BOUGHT = frozenset({"llm", "embedding", "reranker"})


def observed(
    span: Span,
    resource: dict[str, Any],
    *,
    tenant: str,
    now_ns: int,
    app: str = "",
    pricing: Pricing | None = None,
    limits: IntakeLimits = _LIMITS,
    preview: int = 200,
) -> Observed:
    """Return what is kept of a span.

    What a field of the row says, an attribute says too. Attributes that became input or output are not kept twice; all
    others are kept as they came, those of the resource among them.

    Args:
        span: as it came.
        resource: the attributes of its resource.
        tenant: whose it is.
        now_ns: the time here.
        app: the app that the sender named beside the spans; wins over what the resource says.
        pricing: what usages cost; without it only the sender's own costs are known.
        limits: how much of it to keep.
        preview: characters of input and output in the row.

    Raises:
        Mistaken: `field_invalid` for a span from before 2010 or from the future.

    """
    span = _timed(span, now_ns)
    found = _Found(resource, span.attributes, limits)
    asked, said, events = _content(found, span)
    fields = found.fields
    usage = _usage(fields)
    type_ = _type(fields, usage)
    status = "error" if fields.get("level") == "ERROR" else span.status
    provider = _provider(fields.get("provider"))
    row = SpanRow(
        trace=span.trace,
        id=span.id,
        parent=span.parent,
        name=span.name[:500],
        type=type_,
        kind=span.kind,
        started_ns=span.started_ns,
        duration_ns=span.ended_ns - span.started_ns,
        first_ns=_first(fields, span),
        status=status,
        code=_code(fields, span, status),
        tenant=tenant,
        app=app or _app(fields.get("app")),
        environment=_word(fields.get("environment")),
        release=_word(fields.get("release")),
        session=_word(fields.get("session")),
        user=_word(fields.get("user")),
        feature=_word(fields.get("feature")),
        tags=_tags(fields.get("tags")),
        model=_model(fields),
        provider=provider,
        prompt=_prompt(fields),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cache_read_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost=_cost(fields, usage, provider, type_, span.started_ns, pricing),
        input=content.preview(asked, "user", preview),
        output=content.preview(said, "assistant", preview),
    )
    message = span.message or _word(fields.get("status_message"), limits.attribute)
    kept = span.but(
        attributes=found.kept,
        events=events[: limits.events],
        links=span.links[: limits.events],
        status=status,
        message=message[: limits.attribute],
        name=row.name,
    )
    return Observed(row=row, span=kept, input=asked, output=said)


class _Found:
    """One pass over the attributes of a span: what they fill, and what is left of them."""

    __slots__ = ("_ranks", "content", "fields", "groups", "kept")

    def __init__(self, resource: dict[str, Any], attributes: dict[str, Any], limits: IntakeLimits) -> None:
        self.fields: dict[str, Any] = {}
        self._ranks: dict[str, int] = {}
        self.content: dict[str, str] = {}
        """`input` and `output` → the attribute that holds it, if one alone does."""
        self.groups: dict[str, dict[int, dict[str, Any]]] = {}
        kept = {**resource, **attributes} if resource else attributes
        cut: list[str] = []
        left_out = 0
        if len(kept) > limits.attributes:
            left_out = len(kept) - limits.attributes
            kept = dict(islice(kept.items(), limits.attributes))
        most = limits.attribute
        fields, ranks = self.fields, self._ranks
        own = attributes
        for name, value in kept.items():
            if type(value) is str and len(value) > most:
                value = value[:most]  # noqa: PLW2901 - what is looked at is what is kept
                cut.append(name)
            place = place_of(name)
            if place is NOWHERE:
                continue
            if place.group:
                self.groups.setdefault(place.group, {}).setdefault(place.number, {})[place.rest] = value
                continue
            field = place.field
            # What the span says of itself counts before what its resource says of all of them.
            rank = place.rank if name in own else place.rank + 100
            if value not in (None, "") and rank < ranks.get(field, 1000):
                fields[field] = value
                ranks[field] = rank
                if field in {"input", "output"}:
                    self.content[field] = name
        if cut or left_out:
            kept = {name: value[:most] if type(value) is str else value for name, value in kept.items()}
            if cut:
                kept[CUT] = cut
            if left_out:
                kept[LEFT_OUT] = left_out
        elif kept is attributes:
            kept = dict(attributes)
        self.kept = kept

    def rank(self, field: str) -> int:
        """How good what fills a field is; 0 is best."""
        return self._ranks.get(field, 1000)

    def take(self, name: str) -> None:
        """Leave out an attribute whose value is kept elsewhere."""
        self.kept.pop(name, None)

    def take_group(self, group: str) -> None:
        """Leave out the attributes of a list whose values are kept elsewhere."""
        for name in [name for name in self.kept if place_of(name).group == group]:
            del self.kept[name]


Make = Callable[[content.Items], Any]

_ASKED: tuple[tuple[str, Make], ...] = (
    ("llm.input_messages", content.openinference),
    ("gen_ai.prompt", lambda items: content.openllmetry(items, "user")),
    ("llm.prompts", lambda items: content.openllmetry(items, "user")),
    ("embedding.embeddings", content.texts),
)
_SAID: tuple[tuple[str, Make], ...] = (
    ("llm.output_messages", content.openinference),
    ("gen_ai.completion", lambda items: content.openllmetry(items, "assistant")),
    ("llm.choices", lambda items: content.openllmetry(items, "assistant")),
    ("retrieval.documents", content.documents),
    ("reranker.output_documents", content.documents),
)


def _content(found: _Found, span: Span) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return input, output, and the events that are neither."""
    events = span.events
    asked = _grouped(found, "input", _ASKED)
    said = _grouped(found, "output", _SAID)
    if events and (asked is None or said is None):
        event_asked, event_said, taken = content.of_events(events)
        if taken:
            if asked is None and event_asked is not None and found.rank("input"):
                asked = event_asked
            if said is None and event_said is not None and found.rank("output"):
                said = event_said
            events = tuple(event for place, event in enumerate(events) if place not in taken)
    if asked is None:
        asked = _alone(found, "input")
    if said is None:
        said = _alone(found, "output")
    if "instructions" in found.fields:
        asked = content.instructed(found.fields["instructions"], asked)
        found.take(INSTRUCTIONS)
    return asked, said, events


def _grouped(found: _Found, field: str, groups: tuple[tuple[str, Make], ...]) -> Any:
    """Return content that came in many attributes, None where one attribute of the first rank has it."""
    if not found.groups or not found.rank(field):
        return None
    for group, make in groups:
        items = found.groups.get(group)
        if items and (made := make(items)):
            if group != "embedding.embeddings":
                found.take_group(group)
            return made
    return None


def _alone(found: _Found, field: str) -> Any:
    name = found.content.get(field)
    if name is None:
        return None
    found.take(name)
    return content.parsed(found.fields[field])


def _timed(span: Span, now_ns: int) -> Span:
    """Return a span whose times can be: it ends no earlier than it starts."""
    started, ended = span.started_ns, span.ended_ns
    if not _EARLIEST <= started <= now_ns + _DAY:
        raise Mistaken("field_invalid", "a span began before 2010, or in the future", place="startTimeUnixNano")
    if started <= ended <= now_ns + _DAY:
        return span
    said = "it had no end" if not ended else "it ended before it started" if ended < started else "its end was to come"
    return span.but(ended_ns=started, attributes={**span.attributes, FIXED: said, "rowen.sent_end_ns": str(ended)})


def _first(fields: dict[str, Any], span: Span) -> int | None:
    seconds = fields.get("first_s")
    if isinstance(seconds, int | float) and math.isfinite(seconds) and 0 <= seconds < 1e6:
        return int(seconds * 1e9)
    at = fields.get("first_at")
    if isinstance(at, str):
        try:
            return max(0, ns_of(datetime.fromisoformat(at.strip('"'))) - span.started_ns)
        except (ValueError, TypeError):
            return None
    for event in span.events:
        if event.name == "First Token Stream Event":
            return max(0, event.at_ns - span.started_ns)
    return None


def _usage(fields: dict[str, Any]) -> Usage:
    details = content.parsed(fields.get("usage_details"))
    asked, said = _count(fields.get("input_tokens")), _count(fields.get("output_tokens"))
    read, written = _count(fields.get("cached_tokens")), _count(fields.get("written_tokens"))
    reasoned = _count(fields.get("reasoning_tokens"))
    if isinstance(details, dict):
        # Langfuse's parts of a usage are apart from each other; MLflow and OpenAI name the whole.
        parts = {name: _count(count) for name, count in details.items()}
        asked = asked or _whole(parts, "input", ("prompt_tokens", "input_tokens"))
        said = said or _whole(parts, "output", ("completion_tokens", "output_tokens"))
        read = read or next((n for name, n in parts.items() if "cache" in name and "creat" not in name), 0)
        reasoned = reasoned or next((n for name, n in parts.items() if "reasoning" in name), 0)
    return Usage(
        input_tokens=asked,
        output_tokens=said,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=reasoned,
    )


def _whole(parts: dict[str, int], kind: str, names: tuple[str, ...]) -> int:
    if kind in parts:
        return sum(count for name, count in parts.items() if name.startswith(kind))
    return next((parts[name] for name in names if name in parts), 0)


def _count(value: Any) -> int:
    """Return a number of tokens, 0 for what is none."""
    if type(value) is int:
        return value if 0 < value < _MOST_TOKENS else 0
    if type(value) is float and math.isfinite(value):
        return _count(int(value))
    if type(value) is str and value.isascii() and value.isdigit():
        return _count(int(value[:20]))
    return 0


def _cost(
    fields: dict[str, Any], usage: Usage, provider: str, type_: SpanType, at_ns: int, pricing: Pricing | None
) -> Decimal | None:
    """Return the sender's own figure, else what the prices say, None when neither is known."""
    own = _amount(fields.get("cost"))
    if own is None and "cost_details" in fields:
        details = content.parsed(fields["cost_details"])
        if isinstance(details, dict):
            amounts = {name: amount for name, part in details.items() if (amount := _amount(part)) is not None}
            own = amounts.get("total", sum(amounts.values(), Decimal(0)) if amounts else None)
    if own is not None or pricing is None or type_ not in _BOUGHT or not provider or not usage.total:
        return own
    for name in (fields.get("answering_model"), fields.get("asked_model")):
        priced = pricing(provider, name, usage, at_ns) if isinstance(name, str) else None
        if priced is not None and priced.currency == "USD":
            return priced.amount
    return None


def _amount(value: Any) -> Decimal | None:
    if type(value) not in {int, float, str}:
        return None
    try:
        amount = Decimal(str(value)[:40])
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 10**9 else None


def _type(fields: dict[str, Any], usage: Usage) -> SpanType:
    for field, kinds in _KINDS:
        said = fields.get(field)
        if isinstance(said, str) and (known := kinds.get(said.strip('"'))):
            return known
    if "tool" in fields or str(fields.get("mcp_method", "")).startswith("tools/"):
        return "tool"
    if fields.get("asked_model") and usage.total:
        return "llm"
    return "retriever" if str(fields.get("database", "")).lower() in VECTOR_DATABASES else "other"


_KINDS: tuple[tuple[str, dict[str, SpanType]], ...] = (
    ("openinference_kind", OPENINFERENCE_KINDS),
    ("langfuse_type", LANGFUSE_TYPES),
    ("operation", OPERATIONS),
    ("mlflow_type", MLFLOW_TYPES),
    ("traceloop_kind", TRACELOOP_KINDS),
)


def _code(fields: dict[str, Any], span: Span, status: str) -> str:
    said = fields.get("code")
    if said is None:
        said = next(
            (event.attributes.get("exception.type") for event in span.events if event.name == "exception"), None
        )
    return _word(said) or ("error" if status == "error" else "")


def _model(fields: dict[str, Any]) -> str:
    """Return the model asked for, else the one that answered, else the one among the parameters of a call that failed."""
    named = _word(fields.get("asked_model") or fields.get("answering_model"))
    if named or "invocation" not in fields:
        return named
    parameters = content.parsed(fields["invocation"])
    return _word(parameters.get("model")) if isinstance(parameters, dict) else ""


def _provider(value: Any) -> str:
    name = _word(value).lower()
    return PROVIDERS.get(name, name)


def _app(value: Any) -> str:
    name = _word(value)
    return "" if name.startswith("unknown_service") else name


def _prompt(fields: dict[str, Any]) -> str:
    name, version = _word(fields.get("prompt_name")), _word(fields.get("prompt_version"))
    return f"{name}:{version}" if name and version else name or (f":{version}" if version else "")


def _tags(value: Any) -> tuple[str, ...]:
    found = content.parsed(value)
    if isinstance(found, str):
        found = found.split(",")
    if not isinstance(found, list):
        return ()
    return tuple(dict.fromkeys(text for each in found[:50] if (text := _word(each).strip())))


def _word(value: Any, most: int = 200) -> str:
    """Return what is said in one attribute as a text that fits a column."""
    if type(value) is str:
        # MLflow writes every attribute as JSON, texts too.
        return value[1:-1][:most] if value[:1] == '"' == value[-1:] and len(value) > 1 else value[:most]
    return "" if value is None or isinstance(value, list | dict) else str(value)[:most]
