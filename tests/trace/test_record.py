import asyncio

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from rowen.trace import Buffer, Place, TraceSettings, record
from rowen.trace.mask import mask_of, masked_request
from rowen.trace.otlp import Exporter, encoded
from rowen.trace.spans import trace_of
from rowen.values import (
    Answer,
    Attempt,
    Call,
    Caller,
    Choice,
    Door,
    Fault,
    Mistaken,
    Prompted,
    Request,
    Stepped,
    Unavailable,
    Usage,
    says,
    usd,
)


def call(**changes) -> Call:
    base = Call(
        id="0192" + "a" * 28,
        app="handbook",
        definition="f" * 64,
        request=Request(model="fast", messages=(says("user", "My card is 4111-1111"),), stream=True),
        door=Door(shape="openai.chat", path="/v1/chat/completions", address="127.0.0.1", parent="b" * 16),
        started_ns=1_000,
        first_ns=3_000,
        ended_ns=9_000,
        caller=Caller(key="k1", shown="rk-abcd", tenant="acme", user="ann"),
        answer=Answer(id="x", model="gpt", choices=(Choice(message=says("assistant", "It is 4111-1111"), reason="stop"),)),
        source="model",
        cost=usd("0.03"),
        steps=(Stepped(name="limits.admit", started_ns=1_100, ended_ns=1_200, changed=("hold",)),),
        notes={"limits": {"checked": 2}},
        attempts=(
            Attempt(
                deployment="fast/0", provider="openai", model="gpt", started_ns=1_300, ended_ns=1_400, status="failed",
                code="upstream_cut", cost=usd("0.01"), waste=True, usage=Usage(input_tokens=5),
            ),
            Attempt(
                deployment="fast/1", provider="azure", model="gpt", started_ns=1_500, ended_ns=8_000,
                cost=usd("0.02"), usage=Usage(input_tokens=7, output_tokens=3, cache_read_tokens=2),
            ),
        ),
    )  # fmt: skip
    return base.but(**changes)


def test_the_row_tells_the_answering_attempt_and_the_waste():
    row = trace_of(call(), TraceSettings()).row

    assert (row.deployment, row.attempts, row.input_tokens, row.output_tokens) == ("fast/1", 2, 7, 3)
    assert (str(row.cost), str(row.waste)) == ("0.03", "0.01")
    assert (row.duration_ns, row.first_ns, row.status) == (8_000, 2_000, "ok")


def test_an_unknown_cost_stays_unknown():
    trace = trace_of(call(cost=None), TraceSettings())

    assert trace.row.cost is None
    assert trace.spans[0].attributes["rowen.cost"] == "unknown"


def test_spans_are_named_as_the_conventions_say():
    root, step, failed, good = trace_of(call(), TraceSettings()).spans

    assert (root.name, root.kind, root.parent) == ("chat fast", "server", "b" * 16)
    assert root.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert (step.name, step.parent, step.attributes["rowen.checked"]) == ("limits.admit", root.id, 2)
    assert (failed.kind, failed.status, failed.attributes["error.type"]) == ("client", "error", "upstream_cut")
    assert good.attributes["gen_ai.provider.name"] == "azure.ai.openai"
    assert good.attributes["gen_ai.usage.cache_read.input_tokens"] == 2


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("refused", "limit_tokens", "refused"),
        ("unavailable", "no_route", "failed"),
        ("refused", "cancelled", "cancelled"),
    ],
)
def test_the_status_says_who_ended_it(kind: str, code: str, status: str):
    trace = trace_of(call(problem=Fault(kind=kind, code=code, message="m"), answer=None), TraceSettings())

    assert trace.row.status == status
    assert trace.spans[0].status == "error"


def test_masked_text_is_nowhere_in_the_trace():
    settings = TraceSettings(content="masked", mask=(r"\d{4}-\d{4}",))

    trace = trace_of(call(), settings, mask_of(settings))

    assert "4111" not in repr(trace)
    assert trace.row.asked == "My card is [masked]"
    assert trace.masked


def test_no_content_keeps_the_figures():
    trace = trace_of(call(), TraceSettings(content="none"))

    assert trace.request is None
    assert trace.answer is None
    assert trace.row.asked == ""
    assert trace.row.input_tokens == 7


def test_a_wrong_mask_is_an_error_at_the_start():
    with pytest.raises(Mistaken, match="RE2"):
        mask_of(TraceSettings(content="masked", mask=("(",)))


class Disk:
    def __init__(self) -> None:
        self.traces = []
        self.full = False

    async def write(self, traces) -> None:
        if self.full:
            raise Unavailable("store_unavailable", "disk full")
        self.traces.extend(traces)


async def test_a_clean_stop_writes_everything():
    disk = Disk()
    buffer = Buffer(disk.write, every=3600, batch=2)
    buffer.start()
    step = record(buffer, TraceSettings())

    for number in range(5):
        await step(call(id=f"{number:032x}"))
    await buffer.close()

    assert [int(trace.row.id, 16) for trace in disk.traces] == [0, 1, 2, 3, 4]


async def test_a_full_disk_keeps_the_calls_until_there_is_room():
    disk = Disk()
    disk.full = True
    buffer = Buffer(disk.write, size=3)
    step = record(buffer, TraceSettings())
    for number in range(5):
        await step(call(id=f"{number:032x}"))

    await buffer.flush()
    failing = buffer.failing
    disk.full = False
    await buffer.flush()

    assert failing == "disk full"
    assert buffer.failing == ""
    assert [int(trace.row.id, 16) for trace in disk.traces] == [2, 3, 4]
    assert disk.traces[0].spans[0].attributes["rowen.dropped_before"] == 2
    assert buffer.dropped == 2


async def test_the_background_task_writes_without_being_asked():
    written = asyncio.Event()

    async def write(traces) -> None:
        written.set()

    buffer = Buffer(write, every=0.001)
    buffer.start()
    buffer.add(call(), lambda it: trace_of(it, TraceSettings()))

    await asyncio.wait_for(written.wait(), 5)
    await buffer.close()

    assert buffer.written == 1


@pytest.mark.parametrize("refused", [True, False])
async def test_traces_of_a_write_under_way_are_counted_as_not_written_yet(refused):
    seen = []

    async def write(traces) -> None:
        seen.append(len(buffer))
        if refused:
            raise Unavailable("store_unavailable", "disk full")

    buffer = Buffer(write, batch=2)
    for _ in range(3):
        buffer.add(call(), lambda it: trace_of(it, TraceSettings()))
    await buffer.flush()

    assert seen == ([3] if refused else [3, 1])
    assert len(buffer) == (3 if refused else 0)


async def test_other_work_gets_its_turn_while_many_traces_are_made():
    turns = []
    made = asyncio.Event()

    def make(it: Call):
        turns.append("trace")
        return trace_of(it, TraceSettings())

    async def stream() -> None:
        while not made.is_set():
            turns.append("piece")
            await asyncio.sleep(0)

    buffer = Buffer(Disk().write)
    for number in range(200):
        buffer.add(call(id=f"{number:032x}"), make)
    other = asyncio.create_task(stream())
    await buffer.flush()
    made.set()
    await other

    longest = max(len(run) for run in " ".join(turns).split("piece"))
    assert longest <= len(" trace" * 20) + 1


class Collector:
    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.bodies = []
        self.waits = []

    async def post(self, url, headers, body):
        self.bodies.append(body)
        return self.answers.pop(0)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_the_exporter_waits_as_the_collector_asks_and_tries_again():
    collector = Collector((503, {"retry-after": "7"}), (200, {}))

    await Exporter("http://c/v1/traces", collector.post, sleep=collector.sleep)([trace_of(call(), TraceSettings())])

    assert collector.waits == [7.0]
    assert len(collector.bodies) == 2


async def test_the_exporter_does_not_repeat_what_was_refused():
    collector = Collector((400, {}))

    with pytest.raises(Unavailable, match="400"):
        await Exporter("http://c", collector.post, sleep=collector.sleep)([trace_of(call(), TraceSettings())])

    assert len(collector.bodies) == 1


def test_the_export_is_the_specified_protobuf():

    sent = ExportTraceServiceRequest.FromString(encoded([trace_of(call(), TraceSettings())], "svc"))

    (resource,) = sent.resource_spans
    assert resource.resource.attributes[0].value.string_value == "svc"
    spans = resource.scope_spans[0].spans
    assert len(spans) == 4
    assert spans[0].trace_id.hex() == call().id
    assert spans[1].parent_span_id == spans[0].span_id


def test_a_call_with_a_traceparent_is_exported_as_part_of_its_callers_trace():
    door = Door(shape="openai.chat", parent="b" * 16, parent_trace="c" * 32)

    sent = ExportTraceServiceRequest.FromString(encoded([trace_of(call(door=door), TraceSettings())], "svc"))

    spans = sent.resource_spans[0].scope_spans[0].spans
    assert {span.trace_id.hex() for span in spans} == {"c" * 32}
    assert spans[0].parent_span_id.hex() == "b" * 16


def test_what_a_room_noted_is_kept_once_at_its_first_step():
    steps = tuple(Stepped(name=name, started_ns=1, ended_ns=2) for name in ("limits.admit", "limits.settle"))

    _, admitted, settled, *_ = trace_of(call(steps=steps), TraceSettings()).spans

    assert admitted.attributes == {"rowen.changed": [], "rowen.checked": 2}
    assert settled.attributes == {"rowen.changed": []}


def test_the_spans_of_a_trace_have_ids_of_their_own():
    spans = trace_of(call(), TraceSettings()).spans

    assert len({span.id for span in spans}) == len(spans)
    assert all(len(span.id) == 16 and int(span.id, 16) for span in spans)


def test_a_new_connection_is_a_span_below_the_attempt_that_waited_for_it():
    first, second = call().attempts
    trace = trace_of(call(attempts=(first, second.but(connected_ns=1_900))), TraceSettings())

    (connect,) = [span for span in trace.spans if span.name == "connect"]
    asked = next(span for span in trace.spans if span.id == connect.parent)
    assert (asked.attributes["rowen.deployment"], connect.started_ns, connect.ended_ns) == ("fast/1", 1_500, 1_900)
    assert len({span.id for span in trace.spans}) == len(trace.spans) == trace.row.spans == 5


def test_a_call_bears_where_it_ran_and_the_name_of_the_version():
    trace = trace_of(call(), TraceSettings(), place=Place(environment="production", release="1.5"))

    assert (trace.row.environment, trace.row.release) == ("production", "1.5")
    assert trace.spans[0].attributes["service.version"] == "1.5"
    assert trace.spans[0].attributes["deployment.environment.name"] == "production"


def test_variables_of_a_prompt_are_masked_whatever_they_are_called():
    mask = mask_of(TraceSettings(content="masked", mask=(r"\d+",)))
    asked = Request(model="m", prompt=Prompted(name="sum", variables={"type": "card 4111", "list": ["7", {"id": "8"}]}))

    masked = masked_request(asked, mask)

    assert masked.prompt.variables == {"type": "card [masked]", "list": ["[masked]", {"id": "[masked]"}]}
    assert masked.prompt.name == "sum"
