"""OTLP requests as OpenTelemetry's own classes write them."""

from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

NOW = 1_795_600_000_000_000_000
TRACE, SPAN, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"


def any_of(value: Any) -> AnyValue:
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[any_of(each) for each in value]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=pairs(value)))
        case _:
            return AnyValue(string_value=value)


def pairs(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_of(value)) for key, value in values.items()]


def request(*spans: dict[str, Any], resource: dict[str, Any] | None = None) -> ExportTraceServiceRequest:
    """An export request whose spans have ids and times unless told otherwise."""
    made = ExportTraceServiceRequest()
    of_resource = made.resource_spans.add()
    of_resource.resource.attributes.extend(pairs(resource or {}))
    of_scope = of_resource.scope_spans.add()
    of_scope.scope.name, of_scope.scope.version = "tests", "1.0"
    for span in spans:
        given = dict(span)
        attributes = given.pop("attributes", {})
        of_scope.spans.add(
            **{
                "trace_id": bytes.fromhex(TRACE),
                "span_id": bytes.fromhex(SPAN),
                "name": "work",
                "start_time_unix_nano": NOW - 2_000_000_000,
                "end_time_unix_nano": NOW - 1_000_000_000,
                **given,
            },
            attributes=pairs(attributes),
        )
    return made
