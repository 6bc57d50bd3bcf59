"""The OTLP doors: what is taken, what is refused and how it is said, and what a fault costs."""

import asyncio
import base64
import gzip
import json
import zlib

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from rowen.api.base import DoorSettings
from rowen.api.otlp.base import Room
from rowen.testing.otlp import NOW, SPAN, TRACE, pairs, request
from rowen.values import Unavailable

JSON = "application/json"


def body(*spans, **more) -> bytes:
    return request(*(spans or ({},)), **more).SerializeToString()


def partial(answered) -> tuple[int, str]:
    """What a protobuf answer says was not kept."""
    found = ExportTraceServiceResponse.FromString(answered.body).partial_success
    return found.rejected_spans, found.error_message


def said(answered) -> str:
    """The sentence of a protobuf error, which is the second field of a status."""
    raw = answered.body
    return raw[raw.index(b"\x12") :].decode("utf-8", "replace")


def as_json(**span) -> bytes:
    made = {"traceId": TRACE, "spanId": SPAN, "name": "work", "startTimeUnixNano": str(NOW - 5), "endTimeUnixNano": NOW}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**made, **span}]}]}]}).encode()


async def test_a_request_is_answered_in_its_own_type_after_its_spans_are_stored(receiver):
    receiver.gate = asyncio.Event()

    asking = asyncio.create_task(receiver.ask(body({"name": "one"}, {"name": "two", "span_id": b"12345678"})))
    for _ in range(20):
        await asyncio.sleep(0)
    waited = not asking.done()
    receiver.gate.set()
    answered = await asking
    text = await receiver.ask(as_json(), kind=f"{JSON}; charset=utf-8")

    assert waited
    assert (answered.status, answered.body, answered.headers["content-type"]) == (200, b"", "application/x-protobuf")
    assert (text.status, json.loads(text.body), text.headers["content-type"]) == (200, {}, JSON)
    assert [seen.row.name for seen in receiver.stored] == ["one", "two", "work"]
    assert {seen.row.tenant for seen in receiver.stored} == {"acme"}


@pytest.mark.parametrize("path", ["/v1/traces", "/api/public/otel/v1/traces"])
@pytest.mark.parametrize(
    "authorization",
    ["Bearer rk-acme", "Basic " + base64.b64encode(b"pk-anything:rk-acme").decode()],
)
async def test_a_key_comes_as_bearer_or_as_the_password_of_a_langfuse_client(receiver, path, authorization):
    answered = await receiver.ask(body(), path=path, authorization=authorization)

    assert answered.status == 200
    assert len(receiver.stored) == 1


@pytest.mark.parametrize(("kind", "packed"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_packed_body_is_unpacked_in_any_pieces(receiver, kind, packed):
    raw = packed(body({"attributes": {"text": "x" * 500_000}}))

    answered = await receiver.ask([raw[:10], raw[10:11], raw[11:]], content_encoding=kind, length=False)
    twice = await receiver.ask(gzip.compress(b"") + gzip.compress(body()), content_encoding="gzip")

    assert (answered.status, twice.status) == (200, 200)
    assert len(receiver.stored) == 2


@pytest.mark.parametrize(
    ("sent", "more", "status", "sentence"),
    [
        (b"\xff\xff\xff", {}, 400, "not valid protobuf"),
        (body()[:-3], {}, 400, "not valid protobuf"),
        (b"{", {"kind": JSON}, 400, "not valid JSON"),
        (b'{"resourceSpans": 1}', {"kind": JSON}, 400, "not as OTLP has it"),
        (gzip.compress(body(), mtime=0)[:-9], {"content_encoding": "gzip"}, 400, "ends too soon"),
        (b"no gzip at all", {"content_encoding": "gzip"}, 400, "cannot be unpacked"),
        (gzip.compress(b"\0" * 30_000_000, mtime=0), {"content_encoding": "gzip"}, 413, "when unpacked"),
        (body(), {"content_encoding": "br"}, 415, "not read"),
        (body(), {"kind": "text/plain"}, 415, "application/x-protobuf"),
        (body(), {"kind": ""}, 415, "application/x-protobuf"),
        (body(), {"method": "GET"}, 405, "takes POST"),
        (body(), {"key": None}, 401, "No key"),
        (body(), {"key": "rk-nobody"}, 401, "not known"),
        (body(), {"authorization": "Basic nonsense"}, 401, "No key"),
    ],
)
async def test_what_cannot_be_taken_is_refused_with_a_sentence_in_the_type_that_was_sent(
    receiver, sent, more, status, sentence
):
    answered = await receiver.ask(sent, **more)

    text = json.loads(answered.body)["message"] if answered.headers["content-type"] == JSON else said(answered)
    assert answered.status == status
    assert sentence in text
    assert receiver.stored == []
    assert receiver.room.taken == receiver.room.inside == 0


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(receiving):
    receiver = receiving(settings=DoorSettings(body_limit=1000))

    head = await receiver.ask([], content_length="1001", length=False)
    pieces = await receiver.ask([b"x" * 600, b"x" * 600], length=False)

    assert (head.status, pieces.status) == (413, 413)


async def test_a_bomb_of_bombs_is_refused_as_well(receiver):
    bomb = gzip.compress(b"\0" * 9_000_000)

    answered = await receiver.ask(bomb * 3, content_encoding="gzip")

    assert answered.status == 413


async def test_wrong_spans_are_counted_and_told_and_their_neighbours_kept(receiver):
    answered = await receiver.ask(
        body(
            {"name": "first"},
            {"trace_id": b"short"},
            {"span_id": bytes(8)},
            {"span_id": bytes(8)},
            {"start_time_unix_nano": 0, "end_time_unix_nano": 0},
            {"name": "last", "span_id": b"12345678"},
        )
    )

    rejected, message = partial(answered)
    assert (answered.status, rejected) == (200, 4)
    assert "2 × a span id must be 8 bytes" in message
    assert "before 2010" in message
    assert [seen.row.name for seen in receiver.stored] == ["first", "last"]


async def test_a_partial_success_in_json_has_its_count_as_a_text(receiver):
    answered = await receiver.ask(as_json(spanId="00"), kind=JSON)

    assert json.loads(answered.body)["partialSuccess"]["rejectedSpans"] == "1"


async def test_a_store_that_cannot_write_makes_the_sender_come_again(receiver):
    receiver.failing = Unavailable("store_unavailable", "the disk is full", who="store")

    answered = await receiver.ask(body())
    receiver.failing = None
    again = await receiver.ask(body())

    assert (answered.status, answered.headers["retry-after"]) == (503, "5")
    assert "the disk is full" in said(answered)
    assert (again.status, len(receiver.stored)) == (200, 1)


async def test_under_overload_senders_are_told_to_come_again_and_what_is_inside_goes_on(receiving):
    receiver = receiving(room=Room(size=100_000, senders=8))
    receiver.gate = asyncio.Event()
    large = body({"attributes": {"text": "x" * 60_000}})

    inside = asyncio.create_task(receiver.ask(large))
    for _ in range(20):
        await asyncio.sleep(0)
    turned_away = await receiver.ask(large)
    packed = await receiver.ask(gzip.compress(large), content_encoding="gzip")
    receiver.gate.set()
    first = await inside
    after = await receiver.ask(large)

    assert (turned_away.status, packed.status, first.status, after.status) == (503, 503, 200, 200)
    assert int(turned_away.headers["retry-after"]) >= 1
    assert len(receiver.stored) == 2
    assert (receiver.room.taken, receiver.room.inside, receiver.room.turned_away) == (0, 0, 2)


async def test_a_sender_that_says_it_has_much_and_is_slow_keeps_nobody_out(receiving):
    receiver = receiving(room=Room(size=100_000))
    gate = asyncio.Event()
    sent: list[bytes] = [b"x" * 10]

    async def slowly():
        if sent:
            return {"type": "http.request", "body": sent.pop(), "more_body": True}
        await gate.wait()
        return {"type": "http.disconnect"}

    head = [
        (b"content-type", b"application/x-protobuf"),
        (b"authorization", b"Bearer rk-acme"),
        (b"content-length", b"99000"),
    ]
    scope = {"type": "http", "method": "POST", "path": "/v1/traces", "headers": head, "client": ("127.0.0.1", 1)}
    slow = asyncio.create_task(receiver.doors["/v1/traces"](scope, slowly, lambda message: asyncio.sleep(0)))
    for _ in range(20):
        await asyncio.sleep(0)
    meanwhile = await receiver.ask(body({"attributes": {"text": "x" * 60_000}}))
    gate.set()
    await slow

    assert meanwhile.status == 200
    assert (receiver.room.taken, receiver.room.inside) == (0, 0)


async def test_no_more_than_so_many_senders_are_inside_at_once(receiving):
    receiver = receiving(room=Room(senders=3))
    receiver.gate = asyncio.Event()

    asking = [asyncio.create_task(receiver.ask(body())) for _ in range(10)]
    for _ in range(50):
        await asyncio.sleep(0)
    receiver.gate.set()
    statuses = [answered.status for answered in await asyncio.gather(*asking)]

    assert sorted(statuses) == [200] * 3 + [503] * 7
    assert len(receiver.stored) == 3


async def test_a_sender_that_leaves_gives_its_room_back(receiver):
    receiver.gate = asyncio.Event()
    asking = asyncio.create_task(receiver.ask(body()))
    for _ in range(20):
        await asyncio.sleep(0)

    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert (receiver.room.taken, receiver.room.inside) == (0, 0)


@pytest.mark.parametrize(
    ("headers", "resource", "app"),
    [
        ({}, {"service.name": "shop"}, "shop"),
        ({"x_rowen_app": "given"}, {"service.name": "shop"}, "given"),
        ({"x_project_name": "phoenix"}, {"openinference.project.name": "other"}, "phoenix"),
        ({"x_mlflow_experiment_id": "7"}, {"service.name": "unknown_service"}, "experiment 7"),
        ({"x_mlflow_experiment_id": "7"}, {"service.name": "shop"}, "shop"),
        ({}, {}, "unnamed"),
    ],
)
async def test_the_app_is_named_by_headers_or_by_the_resource(receiver, headers, resource, app):
    await receiver.ask(body(resource=resource), **headers)

    assert receiver.stored[0].row.app == app


async def test_a_key_of_one_app_writes_to_that_app_and_to_no_other(receiver):
    receiver.key("rk-shop", tenant="acme", apps=("shop",))

    unnamed = await receiver.ask(body(), key="rk-shop")
    named = await receiver.ask(body(resource={"service.name": "shop"}), key="rk-shop")
    other = await receiver.ask(body(resource={"service.name": "bank"}), key="rk-shop")
    forged = await receiver.ask(body(), key="rk-shop", x_rowen_app="bank")

    assert [seen.row.app for seen in receiver.stored] == ["shop", "shop"]
    assert partial(unnamed) == partial(named) == (0, "")
    assert partial(other)[0] == partial(forged)[0] == 1
    assert "'bank'" in partial(other)[1]


@pytest.mark.parametrize("fields", [{"scopes": ("read",)}, {"scopes": ("admin",)}, {"endpoints": ("openai.chat",)}])
async def test_a_key_that_may_not_call_sends_no_spans(receiver, fields):
    receiver.key("rk-other", tenant="acme", **fields)

    assert (await receiver.ask(body(), key="rk-other")).status == 403


async def test_masks_hold_before_anything_is_stored(receiving):
    receiver = receiving(content="masked", mask=(r"\d{16}",))

    await receiver.ask(body({"name": "pay 4111111111111111", "attributes": {"input.value": "4111111111111111"}}))

    assert receiver.stored[0].row.name == "pay [masked]"
    assert receiver.stored[0].input == "[masked]"


async def test_judgements_are_kept_with_their_spans(receiver):
    annotations = {"trace.annotations.0.annotation.name": "solved", "trace.annotations.0.annotation.score": 1}

    await receiver.ask(
        body({"attributes": annotations}, {"span_id": b"12345678", "attributes": annotations}),
    )

    (score,) = receiver.scores
    assert (score.name, score.target, score.trace, score.tenant) == ("solved", "trace", TRACE, "acme")


async def test_a_judgement_that_does_not_fit_its_config_costs_neither_its_span_nor_its_neighbours(receiver):
    annotations = {
        "annotations.0.annotation.name": "misfit",
        "annotations.0.annotation.score": 1,
        "annotations.1.annotation.name": "fits",
        "annotations.1.annotation.score": 1,
    }

    answered = await receiver.ask(body({"attributes": annotations}))

    assert [score.name for score in receiver.scores] == ["fits"]
    assert len(receiver.stored) == 1
    assert partial(answered) == (0, "the judgement 'misfit' was not kept: the config says otherwise")


def logs(*records) -> bytes:
    made = ExportLogsServiceRequest()
    scope = made.resource_logs.add()
    scope.resource.attributes.extend(pairs({"service.name": "shop"}))
    for record in records:
        scope.scope_logs.add().log_records.add(**record)
    return made.SerializeToString()


async def test_of_logs_only_evaluation_results_are_kept_and_it_says_so(receiver):
    judged = {
        "event_name": "gen_ai.evaluation.result",
        "time_unix_nano": NOW - 5,
        "trace_id": bytes.fromhex(TRACE),
        "span_id": bytes.fromhex(SPAN),
        "attributes": pairs({"gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.value": 0.5}),
    }

    kept = await receiver.ask(logs(judged), path="/v1/logs")
    answered = await receiver.ask(logs(judged, {"event_name": "other"}), path="/v1/logs")

    found = ExportLogsServiceResponse.FromString(answered.body).partial_success
    assert (kept.status, kept.body) == (200, b"")
    assert (found.rejected_log_records, "keeps spans" in found.error_message) == (1, True)
    score = receiver.scores[0]
    assert (score.name, score.trace, score.span, score.app) == ("tone", TRACE, SPAN, "shop")
    assert receiver.scores[0].id == receiver.scores[1].id


async def test_metrics_are_counted_and_not_kept_and_it_says_so(receiver):
    made = ExportMetricsServiceRequest()
    metric = made.resource_metrics.add().scope_metrics.add().metrics.add(name="tokens")
    for value in (1, 2):
        metric.gauge.data_points.add(as_int=value)
    text = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "n", "sum": {"dataPoints": [{}, {}, {}]}}]}]}]}

    answered = await receiver.ask(made.SerializeToString(), path="/v1/metrics")
    in_json = await receiver.ask(json.dumps(text).encode(), path="/v1/metrics", kind=JSON)

    found = ExportMetricsServiceResponse.FromString(answered.body).partial_success
    assert (answered.status, found.rejected_data_points) == (200, 2)
    assert json.loads(in_json.body)["partialSuccess"]["rejectedDataPoints"] == "3"


async def test_an_empty_request_is_a_success(receiver):
    assert (await receiver.ask(b"")).status == 200
    assert (await receiver.ask(b"{}", kind=JSON)).status == 200
