"""Traces that other products exported, as spans: OTLP's JSON, and what Langfuse, Phoenix and MLflow write.

A file is one JSON value or one for each line. What it is, is seen from its fields:

- OTLP: `resourceSpans`, as the OpenTelemetry Collector's file exporter writes it.
- Langfuse: observations with `traceId` and `startTime`, traces with `timestamp`, with or without `observations` in them.
- Phoenix: spans with `context` (`GET /v1/projects/…/spans`), or rows with `context.span_id` (the data frame of its client).
- MLflow: `{"info": …, "data": {"spans": […]}}`, as `Trace.to_json()` writes it.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from rowen.trace.intake import json as otlp
from rowen.trace.intake.content import parsed
from rowen.trace.intake.langfuse import ns, root_of, span_id, span_of, trace_id
from rowen.trace.intake.wire import Sent
from rowen.values import Happening, Mistaken, Span

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Entry:
    """One JSON value of a file, with the line it begins on."""

    line: int
    value: Any
    raw: bytes


def entries(body: bytes) -> Iterator[Entry]:
    """Yield the JSON values of a file; of an array or a page (`data: […]`) each of its items.

    Raises:
        Mistaken: `json_malformed` with the line.

    """
    try:
        whole = _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        for number, line in enumerate(body.splitlines(), 1):
            if line.strip():
                yield from _items(number, _line(number, line), line)
    else:
        yield from _items(1, whole, body)


def _line(number: int, line: bytes) -> Any:
    try:
        return _decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Mistaken("json_malformed", f"not valid JSON: {str(error)[:200]}", place=f"line {number}") from None


def _items(line: int, value: Any, raw: bytes) -> Iterator[Entry]:
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = value["data"]
    if isinstance(value, list):
        for each in value:
            yield Entry(line, each, b"")
    else:
        yield Entry(line, value, raw)


def sent(entry: Entry, now_ns: int) -> list[Sent]:
    """Return the spans of one value.

    Raises:
        Mistaken: `field_invalid` when nobody writes such a thing.

    """
    value = entry.value
    if isinstance(value, dict):
        if "resourceSpans" in value:
            return otlp.sent(entry.raw or msgspec.json.encode(value))
        if isinstance(value.get("info"), dict) and isinstance(value.get("data"), dict):
            return _mlflow(value)
        if "context" in value or "context.span_id" in value:
            return [_group([_phoenix(value)])]
        if "traceId" in value or "observations" in value or ("id" in value and "timestamp" in value):
            return [_group(_langfuse(value, now_ns))]
    raise Mistaken("field_invalid", "this is no trace of OTLP, Langfuse, Phoenix or MLflow", place=f"line {entry.line}")


def _group(spans: list[Span], resource: dict[str, Any] | None = None) -> Sent:
    return Sent(resource=resource or {}, scope="", spans=spans, read=lambda span, _: span)


# --- Langfuse -------------------------------------------------------------------------------------------------------


def _langfuse(value: dict[str, Any], now_ns: int) -> list[Span]:
    if not isinstance(value.get("id"), str):
        raise Mistaken("field_invalid", "an observation needs an id", place="id")
    if "traceId" in value and "observations" not in value:
        return [_observation(value, str(value["traceId"]), now_ns)]
    trace = trace_id(value["id"])
    inner = [each for each in value.get("observations") or () if isinstance(each, dict) and each.get("id")]
    tops = [each for each in inner if not each.get("parentObservationId")]
    if len(tops) == 1:
        # Since version 3 the root is an observation; what is said of the trace is said of it.
        about = {name: value[name] for name in _OF_TRACE if value.get(name) is not None}
        return [_observation({**about, **each} if each is tops[0] else each, value["id"], now_ns) for each in inner]
    root = root_of(trace)
    spans = [_observation(each, value["id"], now_ns, below=root) for each in inner]
    latest = max((span.ended_ns for span in spans), default=0)
    return [span_of(value, "trace", trace, root, now_ns=now_ns, latest_ns=latest), *spans]


_OF_TRACE = ("userId", "sessionId", "tags", "release", "environment")


def _observation(value: dict[str, Any], trace: str, now_ns: int, *, below: str = "") -> Span:
    kind = str(value.get("type") or "span").lower()
    return span_of(value, kind, trace_id(trace), span_id(str(value["id"])), now_ns=now_ns, below=below)


# --- Phoenix --------------------------------------------------------------------------------------------------------


def _phoenix(value: dict[str, Any]) -> Span:
    context = value.get("context")
    found = context if isinstance(context, dict) else {
        "trace_id": value.get("context.trace_id"), "span_id": value.get("context.span_id"),
    }  # fmt: skip
    trace, id = _id(found.get("trace_id"), 32), _id(found.get("span_id"), 16)
    attributes: dict[str, Any] = {}
    _flatten("", value.get("attributes") or {}, attributes)
    for name, each in value.items():
        if name.startswith("attributes.") and each is not None:
            _flatten(name.removeprefix("attributes."), each, attributes)
    attributes.setdefault("openinference.span.kind", value.get("span_kind") or "UNKNOWN")
    started = _moment(value, "start_time")
    return Span(
        trace=trace,
        id=id,
        parent=_id(value.get("parent_id"), 16) if value.get("parent_id") else "",
        name=str(value.get("name") or ""),
        started_ns=started,
        ended_ns=_moment(value, "end_time") or started,
        status={"ERROR": "error", "OK": "ok"}.get(str(value.get("status_code")), "unset"),  # type: ignore[arg-type]
        message=str(value.get("status_message") or ""),
        attributes=attributes,
        events=tuple(
            Happening(
                name=str(each.get("name") or ""),
                at_ns=_moment(each, "timestamp"),
                attributes=each.get("attributes") or {},
            )
            for each in value.get("events") or ()
            if isinstance(each, dict)
        ),
        scope="phoenix",
    )


def _flatten(name: str, value: Any, found: dict[str, Any]) -> None:
    """Write what is nested as OpenInference has it on the wire: one attribute for each leaf."""
    if isinstance(value, dict) and name not in {"metadata", "llm.invocation_parameters"}:
        for key, each in value.items():
            _flatten(f"{name}.{key}" if name else str(key), each, found)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for number, each in enumerate(value):
            _flatten(f"{name}.{number}", each, found)
    elif value is not None:
        found[name] = value


# --- MLflow ---------------------------------------------------------------------------------------------------------


def _mlflow(value: dict[str, Any]) -> list[Sent]:
    info, data = value["info"], value["data"]
    location = info.get("trace_location") or {}
    experiment = (location.get("mlflow_experiment") or {}).get("experiment_id") or info.get("experiment_id")
    kept = {**(info.get("tags") or {}), **(info.get("trace_metadata") or info.get("request_metadata") or {})}
    about = {name: each for name, each in kept.items() if name in {"mlflow.trace.session", "mlflow.trace.user"}}
    judged = _assessed(info.get("assessments") or ())
    spans = []
    for each in data.get("spans") or ():
        span = _mlflow_span(each, str(info.get("trace_id") or info.get("request_id") or ""))
        more = about if span.parent else {**about, **judged}
        spans.append(span.but(attributes={**span.attributes, **more}))
    return [_group(spans, {"service.name": f"experiment {experiment}"} if experiment is not None else {})]


def _mlflow_span(value: Any, trace: str) -> Span:
    if not isinstance(value, dict):
        raise Mistaken("field_invalid", "a span must be an object", place="data.spans")
    parent = value.get("parent_span_id") or value.get("parent_id")
    status = value.get("status") or {}
    code = str(status.get("code") if isinstance(status, dict) else value.get("status_code") or "")
    started = _number(value, "start_time_unix_nano", "start_time")
    return Span(
        trace=_id(value.get("trace_id") or (value.get("context") or {}).get("trace_id") or trace, 32),
        id=_id(value.get("span_id") or (value.get("context") or {}).get("span_id"), 16),
        parent=_id(parent, 16) if parent else "",
        name=str(value.get("name") or ""),
        started_ns=started,
        ended_ns=_number(value, "end_time_unix_nano", "end_time") or started,
        status="error" if code.endswith("ERROR") else "ok" if code.endswith("OK") else "unset",
        message=str(status.get("message") or "") if isinstance(status, dict) else "",
        attributes={name: _undumped(each) for name, each in (value.get("attributes") or {}).items()},
        events=tuple(
            Happening(
                name=str(each.get("name") or ""),
                at_ns=_number(each, "time_unix_nano", "timestamp"),
                attributes=each.get("attributes") or {},
            )
            for each in value.get("events") or ()
            if isinstance(each, dict)
        ),
        scope="mlflow",
    )


def _undumped(value: Any) -> Any:
    """Return an attribute as it was before MLflow wrote it as JSON."""
    if isinstance(value, str):
        try:
            return _decode(value)
        except (msgspec.DecodeError, RecursionError):
            return value
    return parsed(value)


def _assessed(assessments: Any) -> dict[str, Any]:
    """MLflow's assessments of a trace, as OpenInference annotates one."""
    found: dict[str, Any] = {}
    kinds = {"HUMAN": "HUMAN", "LLM_JUDGE": "LLM", "AI_JUDGE": "LLM"}
    for number, each in enumerate(assessments):
        feedback = each.get("feedback") if isinstance(each, dict) else None
        if not isinstance(feedback, dict) or feedback.get("error"):
            continue
        value, place = feedback.get("value"), f"trace.annotations.{number}.annotation"
        source = each.get("source") or {}
        found[f"{place}.name"] = each.get("assessment_name") or each.get("name")
        found[f"{place}.label" if isinstance(value, str) else f"{place}.score"] = value
        found[f"{place}.annotator_kind"] = kinds.get(str(source.get("source_type")), "CODE")
        found[f"{place}.explanation"] = each.get("rationale") or ""
        found[f"{place}.identifier"] = str(each.get("assessment_id") or source.get("source_id") or "")
    return found


# --- what several need ----------------------------------------------------------------------------------------------


def _id(given: Any, length: int) -> str:
    """Return an id in hex: as it is, from base64, or a hash of another text that is always the same."""
    text = str(given or "")
    if not text:
        raise Mistaken("field_invalid", "a span needs its ids", place="trace_id" if length == 32 else "span_id")
    plain = text.lower().removeprefix("0x").removeprefix("tr-")
    if len(plain) == length and not plain.strip("0123456789abcdef"):
        return plain
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) * 2 == length:
        return raw.hex()
    return trace_id(text) if length == 32 else span_id(text)


def _moment(value: dict[str, Any], name: str) -> int:
    """Return a moment in ISO 8601, or in milliseconds as a data frame writes it."""
    given = value.get(name)
    if isinstance(given, int | float) and not isinstance(given, bool):
        return int(given * 1_000_000) if 0 <= given < 1e14 else int(given)
    return ns(value, name)


def _number(value: dict[str, Any], *names: str) -> int:
    given = next((value[name] for name in names if value.get(name) is not None), 0)
    return int(given) if isinstance(given, int | float) or (isinstance(given, str) and given.isdecimal()) else 0
