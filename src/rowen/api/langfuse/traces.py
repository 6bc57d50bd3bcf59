"""Rowen's traces and spans as Langfuse's traces and observations; and the project, which is the tenant."""

from typing import Any

from rowen.api.langfuse.base import Asked, paged, when
from rowen.api.langfuse.scores import shown as shown_score
from rowen.store.base import ScoreFilter, SpanFilter, TraceFilter
from rowen.store.together import find_traces
from rowen.trace.intake.langfuse import moment, trace_id
from rowen.values import Mistaken, Observed, SpanRow, TraceRow, ns_of

_TYPES = {
    "llm": "GENERATION",
    "embedding": "EMBEDDING",
    "retriever": "RETRIEVER",
    "tool": "TOOL",
    "agent": "AGENT",
    "chain": "CHAIN",
    "guardrail": "GUARDRAIL",
    "evaluator": "EVALUATOR",
}
_WHOLE = 200
"""Observations of one trace that are shown with what went in and out; those beyond have their previews."""


async def projects(asked: Asked) -> Any:
    """The one project of a key: its tenant. This is what a client asks to see whether its key is good."""
    tenant = {"id": asked.tenant, "name": asked.tenant}
    return {"data": [{**tenant, "organization": tenant, "metadata": {}, "retentionDays": None}]}


async def health(asked: Asked) -> Any:  # noqa: ARG001 - a Run
    """That the doors are open."""
    return {"status": "OK", "version": "3.0.0"}


async def get(asked: Asked) -> Any:
    """One trace with its observations and scores."""
    asked.may("read")
    id = trace_id(asked.place[0])
    found = await asked.langfuse.traces.get(id, asked.tenant)
    if found is None or not asked.sees(found.row.app):
        raise Mistaken("not_found", "there is no such trace", place="traceId")
    rows = await asked.langfuse.traces.spans(id, asked.tenant)
    observations = []
    for number, row in enumerate(rows):
        whole = await asked.langfuse.traces.span(id, row.id, asked.tenant) if number < _WHOLE else None
        observations.append(observation(row, whole))
    scores = await asked.langfuse.scores.find(ScoreFilter(tenant=asked.tenant, traces=(id,), limit=1000))
    root = next((each for each in observations if each["parentObservationId"] is None), None)
    return {
        **shown(found.row),
        "input": root["input"] if root else found.row.asked,
        "output": root["output"] if root else found.row.said,
        "observations": observations,
        "scores": [shown_score(score) for score in scores],
    }


async def find(asked: Asked) -> Any:
    """Traces, newest first, a page at a time."""
    asked.may("read")
    page, limit = asked.number("page", 1, 100), asked.number("limit", 50, 100)
    query = asked.query
    wanted = TraceFilter(
        tenant=asked.tenant,
        name=query.get("name", ""),
        user=query.get("userId", ""),
        session=query.get("sessionId", ""),
        environment=query.get("environment", ""),
        release=query.get("release", ""),
        since_ns=_ns(query.get("fromTimestamp", "")),
        until_ns=_ns(query.get("toTimestamp", "")),
        limit=page * limit + 1,
    )
    rows = await find_traces(asked.langfuse.traces, wanted, asked.entry.listed)
    return paged([shown(row) for row in rows], page, limit)


async def observations(asked: Asked) -> Any:
    """Observations, newest first; with a cursor where there are more."""
    asked.may("read")
    limit = asked.number("limit", 50, 1000)
    query = asked.query
    rows = await asked.langfuse.traces.find_spans(
        SpanFilter(
            tenant=asked.tenant,
            app=only_app(asked),
            trace=trace_id(query.get("traceId", "")),
            name=query.get("name", ""),
            user=query.get("userId", ""),
            type=next((ours for ours, theirs in _TYPES.items() if theirs == query.get("type")), ""),
            environment=query.get("environment", ""),
            since_ns=_ns(query.get("fromStartTime", "")),
            until_ns=_ns(query.get("toStartTime", "")),
            before=query.get("cursor", ""),
            limit=limit + 1,
        )
    )
    meta = {"limit": limit, **({"cursor": rows[limit - 1].cursor} if len(rows) > limit else {})}
    found: list[dict[str, Any]] = []
    for row in rows[:limit]:
        if asked.sees(row.app):
            whole = await asked.langfuse.traces.span(row.trace, row.id, asked.tenant) if len(found) < _WHOLE else None
            found.append(observation(row, whole))
    return {"data": found, "meta": meta}


def only_app(asked: Asked) -> str:
    """Return the app that a key is held to, empty when there are none or several.

    Spans are in the order of their start to some microseconds only, so lists of several apps cannot be joined at their cursors.
    """
    return next(iter(asked.entry.apps)) if len(asked.entry.apps) == 1 else ""


def _ns(text: str) -> int:
    found = moment(text) if text else None
    return ns_of(found) if found else 0


def shown(row: TraceRow) -> dict[str, Any]:
    """Return a trace as Langfuse shows it, without what went in and out in full."""
    return {
        "id": row.id,
        "timestamp": when(row.started_ns),
        "name": row.name,
        "input": row.asked,
        "output": row.said,
        "sessionId": row.session or None,
        "userId": row.user or None,
        "release": row.release or None,
        "version": None,
        "metadata": {"app": row.app, "origin": row.origin},
        "tags": list(row.tags),
        "public": False,
        "environment": row.environment or "default",
        "htmlPath": f"/traces/{row.id}",
        "latency": row.duration_ns / 1e9,
        "totalCost": float(row.cost or 0),  # their older SDK takes no trace without a number
        "createdAt": when(row.started_ns),
        "updatedAt": when(row.started_ns + row.duration_ns),
        "projectId": row.tenant,
        "observations": [],
        "scores": [],
    }


def observation(row: SpanRow, whole: Observed | None) -> dict[str, Any]:
    """Return a span as Langfuse shows it."""
    name, _, version = row.prompt.partition(":")
    return {
        "id": row.id,
        "traceId": row.trace,
        "type": _TYPES.get(row.type, "SPAN"),
        "name": row.name,
        "startTime": when(row.started_ns),
        "endTime": when(row.started_ns + row.duration_ns),
        "completionStartTime": when(row.started_ns + row.first_ns) if row.first_ns is not None else None,
        "parentObservationId": row.parent or None,
        "level": "ERROR" if row.status == "error" else "DEFAULT",
        "statusMessage": (whole.span.message if whole else "") or row.code or None,
        "version": None,
        "environment": row.environment or "default",
        "model": row.model or None,
        "modelParameters": {},
        "input": whole.input if whole else row.input,
        "output": whole.output if whole else row.output,
        "metadata": dict(whole.span.attributes) if whole else {},
        "usage": {
            "input": row.input_tokens,
            "output": row.output_tokens,
            "total": row.input_tokens + row.output_tokens,
            "unit": "TOKENS",
        },
        "usageDetails": {"input": row.input_tokens, "output": row.output_tokens},
        "costDetails": {"total": float(row.cost)} if row.cost is not None else {},
        "totalCost": float(row.cost) if row.cost is not None else None,
        "promptName": name or None,
        "promptVersion": int(version) if version.isdecimal() else None,
        "latency": row.duration_ns / 1e9,
        "timeToFirstToken": row.first_ns / 1e9 if row.first_ns is not None else None,
        "userId": row.user or None,
        "sessionId": row.session or None,
        "projectId": row.tenant,
        "createdAt": when(row.started_ns),
        "updatedAt": when(row.started_ns + row.duration_ns),
    }
