"""Langfuse's scores as Rowen's."""

from typing import Any, Literal

import msgspec

from rowen.api.langfuse.base import Asked, Body, when
from rowen.store.base import ScoreFilter
from rowen.store.together import find_scores
from rowen.trace.intake.judged import named
from rowen.trace.intake.langfuse import moment, span_id, trace_id
from rowen.values import Mistaken, Refused, Score, ScoreTarget, ScoreType, new_id, ns_of

DataType = Literal["NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT", "CORRECTION"]

_TYPES: dict[str, ScoreType] = {
    "NUMERIC": "number",
    "BOOLEAN": "boolean",
    "CATEGORICAL": "category",
    "TEXT": "text",
    "CORRECTION": "correction",
}
_RUN = "run:"
"""What is said of a whole run of an experiment is said of a case under this name."""
_NAMES = {kind: name for name, kind in _TYPES.items()}


class ScoreBody(Body):
    """One score that is sent."""

    name: str
    value: float | str
    id: str | None = None
    trace_id: str | None = None
    session_id: str | None = None
    observation_id: str | None = None
    dataset_run_id: str | None = None
    comment: str | None = None
    metadata: Any = None
    environment: str | None = None
    data_type: DataType | None = None
    config_id: str | None = None
    source: str | None = None
    timestamp: str | None = None


async def create(asked: Asked) -> Any:
    """Keep one score, or several: those that fit are kept, the others named."""
    asked.may("call", "manage")
    if not isinstance(asked.body, list):
        (kept,) = await asked.langfuse.scoring.take([score_of(asked, asked.read(ScoreBody))], apps=asked.entry.apps)
        return {"id": kept.id}
    accepted = 0
    errors: list[dict[str, str]] = []
    for raw in asked.body[:1000]:
        try:
            body = msgspec.convert(raw, ScoreBody, strict=False)
            await asked.langfuse.scoring.take([score_of(asked, body)], apps=asked.entry.apps)
            accepted += 1
        except msgspec.ValidationError as error:
            errors.append({"message": str(error)[:300]})
        except (Mistaken, Refused) as problem:
            errors.append({"message": str(problem)})
    if len(asked.body) > 1000:
        errors.append({"message": f"{len(asked.body) - 1000} scores beyond the first 1000 were not kept"})
    if not errors:
        return {"message": "Accepted"}
    return 207, {"accepted": accepted, "rejected": len(asked.body) - accepted, "errors": errors}


def score_of(asked: Asked, body: ScoreBody) -> Score:
    """Return a score as Rowen keeps it.

    Raises:
        Mistaken: it does not say what it is about, or its value is not of its type.

    """
    if not body.name.strip():
        raise Mistaken("field_invalid", "a score needs a name", place="name")
    now = asked.langfuse.clock.now_ns()
    kind = _TYPES[body.data_type] if body.data_type else "number" if isinstance(body.value, float) else "category"
    value, number = _valued(kind, body.value)
    target: ScoreTarget = "span" if body.observation_id else "trace"
    if not body.trace_id and not body.observation_id:
        target = "session" if body.session_id else "case" if body.dataset_run_id else "trace"
    created = moment(body.timestamp) if body.timestamp else None
    return Score(
        id=body.id or new_id(now),
        tenant=asked.tenant,
        target=target,
        trace=trace_id(body.trace_id or "") if target in {"trace", "span"} else "",
        span=span_id(body.observation_id or ""),
        session=body.session_id or "",
        case=f"{_RUN}{body.dataset_run_id}" if target == "case" else "",
        name=named(body.name),
        type=kind,
        value=value,
        number=number,
        reason=body.comment or "",
        source="person" if body.source == "ANNOTATION" else "rule",
        by=asked.entry.caller.key,
        environment=body.environment or "",
        created_ns=ns_of(created) if created else now,
        metadata=body.metadata
        if isinstance(body.metadata, dict)
        else {"value": body.metadata}
        if body.metadata
        else {},
    )


def _valued(kind: ScoreType, value: float | str) -> tuple[float | bool | str, float | None]:
    if kind == "number":
        if isinstance(value, str):
            raise Mistaken("field_invalid", "a NUMERIC score needs a number", place="value")
        return value, value
    if kind == "boolean":
        if value not in {0.0, 1.0}:
            raise Mistaken("field_invalid", "a BOOLEAN score is 0 or 1", place="value")
        return bool(value), float(value)
    return str(value), None


async def find(asked: Asked) -> Any:
    """List scores, newest first."""
    asked.may("read")
    limit = asked.number("limit", 50, 1000)
    query = asked.query
    wanted = ScoreFilter(
        tenant=asked.tenant,
        name=named(query["name"]) if query.get("name", "").strip() else "",
        traces=tuple(trace_id(id) for id in query["traceId"].split(",")) if query.get("traceId") else (),
        span=span_id(query.get("observationId", "")),
        session=query.get("sessionId", ""),
        case=f"{_RUN}{run}" if (run := query.get("experimentId") or query.get("datasetRunId")) else "",
        environment=query.get("environment", ""),
        before=query.get("cursor", ""),
        limit=limit + 1,
    )
    found = await find_scores(asked.langfuse.scores, wanted, asked.entry.listed)
    meta: dict[str, Any] = {"limit": limit}
    if len(found) > limit:
        meta["cursor"] = found[limit - 1].id
    return {"data": [shown(score) for score in found[:limit]], "meta": meta}


async def remove(asked: Asked) -> Any:
    """Take a score back."""
    asked.may("manage")
    found = await asked.langfuse.scores.get(asked.place[0], asked.tenant)
    if found is None or not asked.sees(found.app) or not await asked.langfuse.scoring.remove(found.id, asked.tenant):
        raise Mistaken("not_found", "there is no such score", place="scoreId")
    return None


def shown(score: Score) -> dict[str, Any]:
    """Return a score as Langfuse shows it."""
    subject: dict[str, Any] = {"kind": "trace", "id": score.trace}
    if score.target == "span":
        subject = {"kind": "observation", "id": score.span, "traceId": score.trace}
    elif score.target == "session":
        subject = {"kind": "session", "id": score.session}
    elif score.case.startswith(_RUN):
        subject = {"kind": "experiment", "id": score.case.removeprefix(_RUN)}
    kind = _NAMES[score.type]
    return {
        "id": score.id,
        "projectId": score.tenant,
        "name": score.name,
        "value": float(score.value) if kind == "BOOLEAN" and isinstance(score.value, bool) else score.value,
        "stringValue": str(score.value),
        "dataType": kind,
        "source": "ANNOTATION" if score.source in {"person", "user"} else "EVAL" if score.source == "model" else "API",
        "timestamp": when(score.judged_ns or score.created_ns),
        "createdAt": when(score.created_ns),
        "updatedAt": when(score.created_ns),
        "environment": score.environment or "default",
        "comment": score.reason or None,
        "metadata": score.metadata,
        "traceId": score.trace or None,
        "observationId": score.span or None,
        "sessionId": score.session or None,
        "datasetRunId": score.case.removeprefix(_RUN) if score.case.startswith(_RUN) else None,
        "subject": subject,
    }
