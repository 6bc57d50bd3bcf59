"""What is written by hand is what the published messages read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from rowen.sdk import wire

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(-(1 << 63), (1 << 63) - 1)
BARE = TEXT | st.booleans() | WHOLE | st.floats(allow_nan=False)
VALUE = BARE | st.lists(TEXT) | st.lists(WHOLE) | st.lists(st.booleans())


def plain(value):
    kind = value.WhichOneof("value")
    return [plain(item) for item in value.array_value.values] if kind == "array_value" else getattr(value, kind)


@given(st.dictionaries(TEXT, VALUE))
def test_attributes_are_read_as_they_were_given(given_):
    resource = Resource.FromString(wire.resource(given_))

    assert {each.key: plain(each.value) for each in resource.attributes} == given_


@given(
    trace=st.integers(1, (1 << 128) - 1),
    span=st.integers(1, (1 << 64) - 1),
    parent=st.integers(0, (1 << 64) - 1),
    name=TEXT,
    started=st.integers(0, (1 << 64) - 1),
    flags=st.integers(0, (1 << 32) - 1),
    lost=st.integers(0, (1 << 32) - 1),
    status=st.sampled_from([0, wire.OK, wire.ERROR]),
)
def test_a_span_is_read_as_it_was_written(trace, span, parent, name, started, flags, lost, status):
    written = (
        wire.head(trace, span, parent, "a=b", name)
        + wire.times(wire.CLIENT, started, started)
        + wire.attributes([("k", 1)])
        + wire.tail(
            lost=lost, events=[wire.event("e", started, {"x": True})], status=status, message="why", flags=flags
        )
    )

    read = Span.FromString(written)

    assert int.from_bytes(read.trace_id) == trace
    assert len(read.trace_id) == 16
    assert int.from_bytes(read.span_id) == span
    assert int.from_bytes(read.parent_span_id) == parent
    assert (read.name, read.trace_state, read.kind) == (name, "a=b", Span.SPAN_KIND_CLIENT)
    assert (read.start_time_unix_nano, read.end_time_unix_nano) == (started, started)
    assert (read.flags, read.dropped_attributes_count) == (flags, lost)
    assert (read.status.code, read.status.message) == ((status, "why") if status else (0, ""))
    assert read.events[0].time_unix_nano == started
    assert read.attributes[0] == KeyValue(key="k", value=AnyValue(int_value=1))


def test_what_is_odd_is_still_valid():
    assert math.isnan(AnyValue.FromString(wire.any_value(float("nan"))).double_value)
    assert AnyValue.FromString(wire.any_value(1 << 80)).string_value == hex(1 << 80)
    assert AnyValue.FromString(wire.any_value("a\ud800")).string_value == "a?"
    assert AnyValue.FromString(wire.any_value(b"as it is")).string_value == "as it is"
    assert InstrumentationScope.FromString(wire.scope("rowen", "1")).version == "1"


@given(st.integers(0, (1 << 63) - 1), TEXT)
def test_a_partial_success_is_understood(count, reason):
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = count
    answer.partial_success.error_message = reason

    assert wire.rejected(answer.SerializeToString()) == (count, reason)


@given(st.binary())
def test_nonsense_turns_nothing_down_and_breaks_nothing(answer):
    count, reason = wire.rejected(answer)

    assert isinstance(count, int)
    assert isinstance(reason, str)


@pytest.mark.parametrize("answer", [b"", b"\x0a", b"\x0a\x7f\x08", b"\xff" * 20, b"{}"])
def test_answers_that_end_too_soon_turn_nothing_down(answer):
    assert wire.rejected(answer) == (0, "")
