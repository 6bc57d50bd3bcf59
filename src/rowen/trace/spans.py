"""A finished Call as a Trace: its row, what the walk noted (`values.told` tells the spans from it), and the content."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from rowen.trace.base import NOWHERE, Place, TraceSettings
from rowen.trace.looked import retrievals
from rowen.trace.mask import Mask, masked_answer, masked_request
from rowen.values import (
    GROUND,
    Answer,
    Assigned,
    Attempt,
    Call,
    Noted,
    Request,
    Span,
    Told,
    Trace,
    TraceRow,
    Usage,
    as_said,
    first_span,
)
from rowen.values.errand import SHADOW, copied

SCHEMA_URL = "https://opentelemetry.io/schemas/gen-ai/1.42.0"

_NONE = Usage()
_NOTHING = Decimal(0)
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


def trace_of(
    call: Call,
    settings: TraceSettings,
    mask: Mask | None = None,
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
    noted = _noted(call, first_span(call.id))
    row = _row(call, noted, request, answer, settings.preview, place)
    spans = Told(row, noted)
    return Trace(row=row, spans=spans, request=request, answer=answer, masked=settings.content != "full")


def _noted(call: Call, first: int) -> Noted:
    door, prompt, answer = call.door, call.request.prompt, call.answer
    return Noted(
        first=first,
        parent=door.parent,
        address=door.address,
        path=door.path,
        user=None if call.caller is None else call.caller.user,
        asked=_asked_for(call.request),
        prompt=None if prompt is None else (prompt.name, prompt.version),
        tags=call.tags,
        assigned=call.assigned,
        answered=None if answer is None else (answer.id, answer.model, tuple([each.reason for each in answer.choices])),
        message="" if call.problem is None else call.problem.message,
        steps=call.steps,
        notes=call.notes,
        checked=call.checked,
        searches=_searches(call, first) if call.looked else (),
        attempts=call.attempts,
    )


def _asked_for(request: Request) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    for field, name in _ASKED:
        if (value := getattr(request, field)) is not None:
            asked[name] = value
    if request.stop:
        asked["gen_ai.request.stop_sequences"] = list(request.stop)
    if request.n != 1:
        asked["gen_ai.request.choice.count"] = request.n
    if request.format is not None:
        asked["gen_ai.output.type"] = "text" if request.format.kind == "text" else "json"
    return asked


def _searches(call: Call, first: int) -> tuple[Span, ...]:
    for number, step in enumerate(call.steps, first + 1):
        if step.name == GROUND:
            return tuple(retrievals(call, step, number))
    return ()


def _row(
    call: Call, noted: Noted, request: Request | None, answer: Answer | None, preview: int, place: Place
) -> TraceRow:
    used, caller, problem = _deciding(call), call.caller, call.problem
    usage = used.usage if used else _NONE
    operation = "embeddings" if call.request.kind == "embeddings" else "chat"
    return TraceRow(
        id=call.id,
        name=f"{operation} {call.request.model}",
        started_ns=call.started_ns,
        duration_ns=call.ended_ns - call.started_ns,
        first_ns=call.first_ns - call.started_ns if call.first_ns else None,
        app=call.app,
        definition=call.definition,
        tenant=caller.tenant if caller else "",
        key=caller.key if caller else "",
        user=(caller.user if caller else "") or call.end_user,
        session=call.session,
        feature=copied(call.feature) if SHADOW in call.tags and call.door.shape == "internal" else call.feature,
        door=call.door.shape,
        model=call.request.model,
        deployment=used.deployment if used else "",
        provider=used.provider if used else "",
        answered_by=(call.answer.model if call.answer else "") or (used.model if used else ""),
        source=call.source,
        status=_status(call),
        code=problem.code if problem else "",
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
        spans=noted.count,
        failed_spans=noted.failed + (problem is not None),
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
        if message.role == "user" and (said := as_said(message)) is not None:
            return said.text[:preview]
    return request.texts[0][:preview] if request.texts else ""
