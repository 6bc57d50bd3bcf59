"""Beside the official OpenTelemetry SDK: one tree, whoever began a span."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import rowen


class Theirs:
    """The OpenTelemetry SDK with what it exported."""

    def __init__(self) -> None:
        self.kept = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.kept))
        self.tracer = self.provider.get_tracer("theirs")

    def span(self, name: str):
        (found,) = [span for span in self.kept.get_finished_spans() if span.name == name]
        return found


@pytest.fixture
def theirs() -> Iterator[Theirs]:
    found = Theirs()
    yield found
    found.provider.shutdown()


def hexed(number: int, digits: int) -> str:
    return f"{number:0{digits}x}"


def test_ours_go_on_from_theirs_and_theirs_from_ours(linked, theirs):
    @rowen.trace
    def ours() -> None:
        with theirs.tracer.start_as_current_span("theirs-within"), rowen.span("ours-within"):
            pass
        with rowen.span("ours-after"):
            pass

    with theirs.tracer.start_as_current_span("theirs-root"):
        ours()

    assert rowen.flush()
    root, within = theirs.span("theirs-root"), theirs.span("theirs-within")
    outer = linked.span("ours")
    assert outer.parent == hexed(root.context.span_id, 16)
    assert hexed(within.parent.span_id, 16) == outer.id
    assert linked.span("ours-within").parent == hexed(within.context.span_id, 16)
    assert linked.span("ours-after").parent == outer.id
    traces = {span.trace for span in linked.spans()} | {hexed(span.context.trace_id, 32) for span in (root, within)}
    assert len(traces) == 1
    assert outer.flags & 0x200 == 0  # the parent is in this process


def test_after_ours_theirs_is_current_again(linked, theirs):
    with theirs.tracer.start_as_current_span("root") as root:
        with rowen.span("ours"):
            assert trace.get_current_span() is not root
        assert trace.get_current_span() is root
    assert not trace.get_current_span().get_span_context().is_valid


def test_their_propagator_sends_our_span_on(linked, theirs):
    with rowen.span("ours"):
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        ours = rowen.headers()

    assert carrier["traceparent"][:52] == ours["traceparent"][:52]


def test_what_they_took_in_is_gone_on_from(linked, theirs):
    came = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=1"}

    token = otel_context.attach(propagate.extract(came))
    with rowen.span("ours"):
        pass
    otel_context.detach(token)

    assert rowen.flush()
    span = linked.span("ours")
    assert (span.trace, span.parent) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert span.flags & 0x200
    assert span.state == "a=1"


def test_what_we_took_in_is_gone_on_from(linked, theirs):
    came = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}

    with rowen.continued(came), theirs.tracer.start_as_current_span("theirs"):
        pass

    assert hexed(theirs.span("theirs").parent.span_id, 16) == "b7ad6b7169203331"


def test_what_they_do_not_sample_we_do_not_record(linked):
    provider = TracerProvider(sampler=ALWAYS_OFF)

    with provider.get_tracer("theirs").start_as_current_span("root"), rowen.span("ours"):
        pass
    with rowen.span("alone"):
        pass
    provider.shutdown()

    assert rowen.flush()
    assert [span.name for span in linked.spans()] == ["alone"]


def test_streams_give_their_place_back_between_the_pieces(linked, theirs):
    @rowen.trace
    def words():
        with theirs.tracer.start_as_current_span("inner"):
            pass
        yield "a"
        yield "b"

    with theirs.tracer.start_as_current_span("root") as root:
        for _ in words():
            assert trace.get_current_span() is root

    assert rowen.flush()
    assert hexed(theirs.span("inner").parent.span_id, 16) == linked.span("words").id


def test_nothing_is_imported_for_it_and_a_broken_one_breaks_nothing(sink):
    code = """
        import sys, types, rowen
        with rowen.span("without"): pass
        assert not any(name.startswith("opentelemetry") for name in sys.modules)
        for name in ("opentelemetry.sdk.trace", "opentelemetry.trace", "opentelemetry.context"):
            sys.modules[name] = types.ModuleType(name)
        with rowen.span("with"): pass
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**{k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}, "ROWEN_URL": sink.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(span.name for span in sink.spans()) == ["with", "without"]
