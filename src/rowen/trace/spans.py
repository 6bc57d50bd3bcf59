"""A finished Call as a Trace: one row, spans named as the OpenTelemetry GenAI conventions name them, and the content.

Conventions: https://github.com/open-telemetry/semantic-conventions-genai (schema 1.42.0). What they have no name for is
under `rowen.`.
"""

import random
from collections.abc import Sequence
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Literal

from rowen.trace.base import NOWHERE, Place, TraceSettings
from rowen.trace.looked import retrievals
from rowen.trace.mask import Mask, masked_answer, masked_request
from rowen.values import (
    Answer,
    Assigned,
    Attempt,
    Call,
    Request,
    Span,
    Stepped,
    Trace,
    TraceRow,
    Usage,
    new_span_ids,
)

SCHEMA_URL = "https://opentelemetry.io/schemas/gen-ai/1.42.0"

CALLERS_TRACE = "rowen.caller.trace_id"
"""Where the root span keeps the trace id that the caller sent, under which the trace is exported."""

_PROVIDER = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
}
"""Our provider kinds under the conventions' names, where they differ."""

_NONE = Usage()
_NOTHING = Decimal(0)


def trace_of(
    call: Call,
    settings: TraceSettings,
    mask: Mask | None = None,
    rand: random.Random | None = None,
    *,
    place: Place = NOWHERE,
) -> Trace:
    """Return the trace of a call that has ended."""
    request: Request | None = call.request
    answer = call.answer
    if settings.content == "none":
        request = answer = None
    elif mask is not None:
        request = masked_request(call.request, mask)
        answer = masked_answer(answer, mask) if answer else None
    used = _deciding(call)
    spans = _spans(call, used, rand, place)
    return Trace(
        row=_row(call, used, request, answer, settings.preview, spans, place),
        spans=spans,
        request=request,
        answer=answer,
        masked=settings.content != "full",
    )


def _row(
    call: Call,
    used: Attempt | None,
    request: Request | None,
    answer: Answer | None,
    preview: int,
    spans: tuple[Span, ...],
    place: Place,
) -> TraceRow:
    caller, usage = call.caller, used.usage if used else _NONE
    return TraceRow(
        id=call.id,
        name=spans[0].name,
        started_ns=call.started_ns,
        duration_ns=call.ended_ns - call.started_ns,
        first_ns=call.first_ns - call.started_ns if call.first_ns else None,
        app=call.app,
        definition=call.definition,
        tenant=caller.tenant if caller else "",
        key=caller.key if caller else "",
        user=(caller.user if caller else "") or call.end_user,
        session=call.session,
        feature=call.feature,
        door=call.door.shape,
        model=call.request.model,
        deployment=used.deployment if used else "",
        provider=used.provider if used else "",
        answered_by=(call.answer.model if call.answer else "") or (used.model if used else ""),
        source=call.source,
        status=_status(call),
        code=call.problem.code if call.problem else "",
        streamed=call.request.stream,
        attempts=len(call.attempts),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        estimated=usage.estimated,
        cost=call.cost.amount if call.cost else None,
        waste=_waste(call),
        tags=(*call.tags, *marks_of(call.assigned)) if call.assigned else call.tags,
        within=call.door.parent_trace,
        environment=place.environment,
        release=place.release,
        spans=len(spans),
        failed_spans=len([1 for span in spans if span.status == "error"]),
        asked=_asked(request, preview),
        said=answer.text[:preview] if answer else "",
    )


def marks_of(assigned: Sequence[Assigned]) -> tuple[str, ...]:
    """Return the tags by which a trace is found: of each rollout, and of the rollout with its arm."""
    return tuple(mark for each in assigned for mark in (f"rollout:{each.rollout}", f"arm:{each.rollout}/{each.arm}"))


def _waste(call: Call) -> Decimal:
    total = _NOTHING
    for attempt in call.attempts:
        if attempt.waste and attempt.cost:
            total += attempt.cost.amount
    return total


def _deciding(call: Call) -> Attempt | None:
    """The attempt whose answer was used, else the last one; none for a cached answer."""
    for attempt in call.attempts:
        if not attempt.waste and attempt.status == "ok":
            return attempt
    return call.attempts[-1] if call.attempts else None


def _status(call: Call) -> Literal["ok", "refused", "failed", "cancelled"]:
    if call.problem is None:
        return "ok"
    if call.problem.code == "cancelled":
        return "cancelled"
    return "refused" if call.problem.kind in {"refused", "mistaken"} else "failed"


def _asked(request: Request | None, preview: int) -> str:
    if request is None:
        return ""
    for message in reversed(request.messages):
        if message.role == "user":
            return message.text[:preview]
    return request.texts[0][:preview] if request.texts else ""


def _spans(call: Call, used: Attempt | None, rand: random.Random | None, place: Place) -> tuple[Span, ...]:
    searched = sum(1 + len(one.found.stages) for one in call.looked) if call.looked else 0
    connected = len([1 for attempt in call.attempts if attempt.connected_ns])
    ids = new_span_ids(1 + len(call.steps) + searched + len(call.attempts) + connected, rand)
    trace, root = call.id, ids[0]
    spans = [_root(call, used, root, place)]
    notes = dict(call.notes)
    for step in call.steps:
        attributes = _noted(notes, step) if notes else _changed(step.changed)
        spans.append(
            Span(
                trace=trace,
                id=ids[len(spans)],
                parent=root,
                name=step.name,
                started_ns=step.started_ns,
                ended_ns=step.ended_ns,
                status="error" if step.code else "unset",
                message=step.code,
                attributes=attributes,
            )
        )
        if call.looked and step.name == "retrieve.ground":
            spans += retrievals(call, spans[-1], ids[len(spans) :])
    for attempt in call.attempts:
        asked = _attempt(call, attempt, root, ids[len(spans)])
        spans.append(asked)
        if attempt.connected_ns:
            spans.append(_connect(attempt, asked, ids[len(spans)]))
    return tuple(spans)


def _connect(attempt: Attempt, asked: Span, id: str) -> Span:
    """The making of the connection that an attempt had to wait for."""
    return Span(
        trace=asked.trace,
        id=id,
        parent=asked.id,
        name="connect",
        started_ns=attempt.started_ns,
        ended_ns=min(attempt.connected_ns, attempt.ended_ns),
    )


@cache
def _changed(fields: tuple[str, ...]) -> dict[str, Any]:
    """The attributes of a step that noted nothing: the same for each that changed the same."""
    return {"rowen.changed": list(fields)}


def _noted(notes: dict[str, Any], step: Stepped) -> dict[str, Any]:
    """The attributes of a step, with what it noted. Notes under a room's name belong to the room's first step."""
    noted = notes.pop(step.name, None) or notes.pop(_room(step.name), None)
    if not noted:
        return _changed(step.changed)
    attributes: dict[str, Any] = {"rowen.changed": list(step.changed)}
    if isinstance(noted, dict):
        for key, value in noted.items():
            attributes[_ours(key)] = value
    else:
        attributes["rowen.note"] = noted
    return attributes


@lru_cache(256)
def _room(step: str) -> str:
    return step.partition(".")[0]


@lru_cache(256)
def _ours(name: str) -> str:
    return f"rowen.{name}"


_ASKED = (
    ("max_tokens", "gen_ai.request.max_tokens"),
    ("temperature", "gen_ai.request.temperature"),
    ("top_p", "gen_ai.request.top_p"),
    ("top_k", "gen_ai.request.top_k"),
    ("seed", "gen_ai.request.seed"),
    ("frequency_penalty", "gen_ai.request.frequency_penalty"),
    ("presence_penalty", "gen_ai.request.presence_penalty"),
)
"""What a request may ask for, and how OpenTelemetry names it."""


def _root(call: Call, used: Attempt | None, id: str, place: Place) -> Span:
    request, usage = call.request, used.usage if used else _NONE
    operation = "embeddings" if request.kind == "embeddings" else "chat"
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "gen_ai.request.model": request.model,
        "gen_ai.request.stream": request.stream,
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "rowen.app": call.app,
        "rowen.definition": call.definition,
        "rowen.door": call.door.shape,
        "rowen.source": call.source,
        "client.address": call.door.address,
        "url.path": call.door.path,
    }
    for field, name in _ASKED:
        if (value := getattr(request, field)) is not None:
            attributes[name] = value
    if request.stop:
        attributes["gen_ai.request.stop_sequences"] = list(request.stop)
    if request.n != 1:
        attributes["gen_ai.request.choice.count"] = request.n
    if request.format is not None:
        attributes["gen_ai.output.type"] = "text" if request.format.kind == "text" else "json"
    if call.caller:
        attributes["rowen.tenant"] = call.caller.tenant
        attributes["rowen.key"] = call.caller.key
        attributes["user.id"] = call.caller.user
    if call.door.parent_trace:
        attributes[CALLERS_TRACE] = call.door.parent_trace
    if call.session:
        attributes["gen_ai.conversation.id"] = call.session
    if place.environment:
        attributes["deployment.environment.name"] = place.environment
    if place.release:
        attributes["service.version"] = place.release
    if request.prompt is not None:
        attributes["gen_ai.prompt.name"] = request.prompt.name
        attributes["gen_ai.prompt.version"] = request.prompt.version
    if call.feature:
        attributes["rowen.feature"] = call.feature
    if call.tags:
        attributes["rowen.tags"] = list(call.tags)
    if call.assigned:
        attributes["rowen.rollout"] = [each.rollout for each in call.assigned]
        attributes["rowen.arm"] = [each.arm for each in call.assigned]
        attributes["rowen.arm.probability"] = [each.probability for each in call.assigned]
        attributes["rowen.arm.unit"] = [each.unit for each in call.assigned]
        attributes["rowen.shadow"] = any(each.shadow for each in call.assigned)
    if call.answer:
        attributes["gen_ai.response.id"] = call.answer.id
        attributes["gen_ai.response.model"] = call.answer.model
        attributes["gen_ai.response.finish_reasons"] = [choice.reason for choice in call.answer.choices]
    if call.first_ns:
        attributes["gen_ai.response.time_to_first_chunk"] = (call.first_ns - call.started_ns) / 1e9
    attributes["rowen.cost"] = str(call.cost.amount) if call.cost else "unknown"
    if call.problem:
        attributes["error.type"] = call.problem.code
    return Span(
        trace=call.id,
        id=id,
        parent=call.door.parent,
        name=f"{operation} {request.model}",
        kind="server",
        started_ns=call.started_ns,
        ended_ns=call.ended_ns,
        status="error" if call.problem else "ok",
        message=call.problem.message if call.problem else "",
        attributes=attributes,
    )


def _attempt(call: Call, attempt: Attempt, parent: str, id: str) -> Span:
    operation = "embeddings" if call.request.kind == "embeddings" else "chat"
    usage = attempt.usage
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _PROVIDER.get(attempt.provider, attempt.provider),
        "gen_ai.request.model": attempt.model,
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "rowen.deployment": attempt.deployment,
        "rowen.reason": attempt.reason,
        "rowen.waste": attempt.waste,
        "rowen.cost": str(attempt.cost.amount) if attempt.cost else "unknown",
    }
    if usage.cache_read_tokens:
        attributes["gen_ai.usage.cache_read.input_tokens"] = usage.cache_read_tokens
    if usage.cache_write_tokens:
        attributes["gen_ai.usage.cache_creation.input_tokens"] = usage.cache_write_tokens
    if usage.reasoning_tokens:
        attributes["gen_ai.usage.reasoning.output_tokens"] = usage.reasoning_tokens
    if usage.estimated:
        attributes["rowen.usage.estimated"] = True
    if attempt.first_event_ns:
        attributes["gen_ai.response.time_to_first_chunk"] = (attempt.first_event_ns - attempt.started_ns) / 1e9
    if attempt.code:
        attributes["error.type"] = attempt.code
    return Span(
        trace=call.id,
        id=id,
        parent=parent,
        name=f"{operation} {attempt.model}",
        kind="client",
        started_ns=attempt.started_ns,
        ended_ns=attempt.ended_ns,
        status="ok" if attempt.status == "ok" else "error",
        message=attempt.message,
        attributes=attributes,
    )
