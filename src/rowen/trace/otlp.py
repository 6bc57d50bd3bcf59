"""Sends traces to any OpenTelemetry collector: OTLP/HTTP with protobuf bodies.

Specification: https://opentelemetry.io/docs/specs/otlp/#otlphttp. 429, 502, 503 and 504 are retried with the wait the
collector asks for; anything else that is not 200 is not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from rowen.trace.spans import SCHEMA_URL
from rowen.values import Span, Trace, Unavailable

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[tuple[int, Mapping[str, str]]]]
"""Sends a body to an address with headers; returns status and lower-case headers. Raises `Unavailable`."""

_KINDS = {
    "internal": trace_pb2.Span.SPAN_KIND_INTERNAL,
    "server": trace_pb2.Span.SPAN_KIND_SERVER,
    "client": trace_pb2.Span.SPAN_KIND_CLIENT,
}
_STATUSES = {
    "unset": trace_pb2.Status.STATUS_CODE_UNSET,
    "ok": trace_pb2.Status.STATUS_CODE_OK,
    "error": trace_pb2.Status.STATUS_CODE_ERROR,
}
_AGAIN = {429, 502, 503, 504}


class Exporter:
    """Posts batches of traces to `endpoint` (`…/v1/traces`).

    Args:
        endpoint: the collector's full address for traces.
        post: how to send.
        headers: further headers, such as the collector's key.
        service: `service.name` of the resource.
        sleep: how to wait between tries.
        tries: how often to send a batch at most.

    """

    def __init__(
        self,
        endpoint: str,
        post: Post,
        *,
        headers: Mapping[str, str] | None = None,
        service: str = "rowen",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        tries: int = 4,
    ) -> None:
        self._endpoint = endpoint
        self._post = post
        self._headers = {"content-type": "application/x-protobuf", **(headers or {})}
        self._service = service
        self._sleep = sleep
        self._tries = tries
        self.failed = 0

    async def __call__(self, traces: Sequence[Trace]) -> None:
        """Send one batch.

        Raises:
            Unavailable: the collector did not take it.

        """
        body = encoded(traces, self._service)
        reason = ""
        for number in range(self._tries):
            wait = float(2**number)
            try:
                status, headers = await self._post(self._endpoint, self._headers, body)
            except Unavailable as problem:
                reason = str(problem)
            else:
                if status == 200:
                    return
                reason = f"the collector answered {status}"
                if status not in _AGAIN:
                    break
                asked = headers.get("retry-after", "")
                wait = float(asked) if asked.isdigit() else wait
            if number + 1 < self._tries:
                await self._sleep(min(wait, 60.0))
        self.failed += len(traces)
        raise Unavailable("upstream_error", reason, who="otlp collector")


def encoded(traces: Sequence[Trace], service: str) -> bytes:
    """Return an `ExportTraceServiceRequest` as bytes.

    A call that came with a `traceparent` is exported as a part of its caller's trace.
    """
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.append(KeyValue(key="service.name", value=AnyValue(string_value=service)))
    scope = resource.scope_spans.add(schema_url=SCHEMA_URL)
    scope.scope.name = "rowen"
    for trace in traces:
        known_as = bytes.fromhex(trace.row.within or trace.row.id)
        scope.spans.extend(_span(span, known_as) for span in trace.spans)
    return bytes(request.SerializeToString())


def _span(span: Span, trace: bytes) -> trace_pb2.Span:
    return trace_pb2.Span(
        trace_id=trace,
        span_id=bytes.fromhex(span.id),
        parent_span_id=bytes.fromhex(span.parent),
        name=span.name,
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.started_ns,
        end_time_unix_nano=span.ended_ns,
        status=trace_pb2.Status(code=_STATUSES[span.status], message=span.message if span.status == "error" else ""),
        attributes=[KeyValue(key=key, value=_value(value)) for key, value in span.attributes.items() if value != ""],
    )


def _value(value: Any) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case list() | tuple():
            return AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))
        case _:
            return AnyValue(string_value=str(value))
