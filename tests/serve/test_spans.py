"""Spans through the doors of a whole server, into a real store."""

import gzip
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from rowen.store.base import ScoreFilter, SpanFilter, TraceFilter
from rowen.testing.otlp import SPAN, TRACE, request
from rowen.testing.serving import Running, serving
from rowen.values import Secret

APP = """
[app]
name = "shop"
[models.main]
provider = "echo"
[trace]
content = "masked"
mask = ['\\b\\d{16}\\b']
"""
KIND = "application/x-protobuf"


@pytest.fixture(scope="module")
def rowen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "app.toml").write_text(APP)
    with serving(
        folder / "app.toml", store=f"sqlite:{folder}/data", user_key=Secret("k"), spans_text=1_000_000
    ) as running:
        yield running


def send(rowen: Running, body: bytes, *, key: str = "", method: str = "POST", path: str = "/v1/traces", **headers: str):
    connection = http.client.HTTPConnection(urlsplit(rowen.url).netloc, timeout=60)
    head = {"authorization": f"Bearer {key or rowen.key}", "content-type": KIND}
    connection.request(
        method, path, body or None, {**head, **{name.replace("_", "-"): value for name, value in headers.items()}}
    )
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, {name.lower(): value for name, value in reply.getheaders()}, text


def now(rowen: Running) -> dict[str, int]:
    ns = rowen.server._clock.now_ns()
    return {"start_time_unix_nano": ns - 2_000_000_000, "end_time_unix_nano": ns - 1_000_000_000}


def body(rowen: Running, *spans: dict[str, Any], **resource: Any) -> bytes:
    named = {name.replace("__", "."): value for name, value in resource.items()}
    return request(*({**now(rowen), **span} for span in spans), resource=named).SerializeToString()


def ids(number: int, span: int = 1) -> dict[str, bytes]:
    return {"trace_id": number.to_bytes(16, "big"), "span_id": span.to_bytes(8, "big")}


def rows(rowen: Running, **filter: Any):
    return rowen.do(rowen.opened.store.traces.find(TraceFilter(**filter)))


def test_what_is_answered_is_in_the_list_and_can_be_read_whole(rowen: Running):
    message = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Why?"}]}])
    attributes = {"gen_ai.request.model": "m", "gen_ai.input.messages": message, "own": [1, {"a": 2}]}

    status, _, _ = send(rowen, body(rowen, {"attributes": attributes}, service__name="bakery"))
    found = json.loads(send(rowen, b"", key=rowen.admin, method="GET", path=f"/api/traces/{TRACE}")[2])["data"]

    assert status == 200
    assert (found["row"]["app"], found["row"]["asked"], found["row"]["origin"]) == ("bakery", "Why?", "spans")
    seen = rowen.do(rowen.opened.store.traces.span(TRACE, SPAN, "default"))
    assert seen.span.attributes["own"] == [1, {"a": 2}]
    assert seen.input[0]["parts"][0]["content"] == "Why?"


def test_the_same_batch_twice_is_kept_once(rowen: Running):
    raw = body(rowen, ids(2, 1), {**ids(2, 2), "parent_span_id": (1).to_bytes(8, "big")}, service__name="twice")

    statuses = [send(rowen, raw)[0] for _ in range(3)]

    (row,) = rows(rowen, app="twice")
    assert statuses == [200, 200, 200]
    assert row.spans == 2


def test_another_tenants_trace_of_the_same_id_is_neither_seen_nor_touched(rowen: Running):
    other = rowen.new_key("other", tenant="globex", scopes=("call", "read"))
    send(rowen, body(rowen, {**ids(3), "name": "ours"}, service__name="ours"))

    send(rowen, body(rowen, {**ids(3), "name": "theirs"}, service__name="theirs"), key=other)
    trace = f"{3:032x}"
    theirs = json.loads(send(rowen, b"", key=other, method="GET", path=f"/api/traces/{trace}")[2])["data"]
    listed = json.loads(send(rowen, b"", key=other, method="GET", path="/api/traces")[2])["data"]

    assert [row.name for row in rows(rowen, app="ours")] == ["ours"]
    assert theirs["row"]["name"] == "theirs"
    assert {row["app"] for row in listed} == {"theirs"}
    assert rowen.do(rowen.opened.store.traces.span(trace, f"{1:016x}", "default")).row.name == "ours"


def test_spans_of_a_served_app_follow_its_own_policy_and_users_are_hashed(rowen: Running):
    attributes = {"input.value": "card 4111111111111111", "user.id": "ann@example.org"}

    send(rowen, body(rowen, {**ids(4), "attributes": attributes}, service__name="shop"))
    send(rowen, body(rowen, {**ids(5), "attributes": attributes}, service__name="elsewhere"))

    (masked,) = rows(rowen, app="shop", origin="spans")
    (plain,) = rows(rowen, app="elsewhere")
    assert (masked.asked, plain.asked) == ("card [masked]", "card 4111111111111111")
    assert masked.user == plain.user != "ann@example.org"


def test_calls_keep_their_end_user_under_the_same_hash(rowen: Running):
    asked = json.dumps({"model": "main", "user": "bob", "messages": [{"role": "user", "content": "hello"}]}).encode()
    send(rowen, asked, path="/v1/chat/completions", content_type="application/json")
    send(rowen, body(rowen, {**ids(6), "attributes": {"user.id": "bob"}}, service__name="users"))
    rowen.do(rowen.opened.traces_written())

    (call,), (span,) = rows(rowen, origin="call", limit=1), rows(rowen, app="users")

    assert call.user == span.user != "bob"
    assert rowen.do(rowen.opened.store.traces.get(call.id)).request.user == call.user


def test_a_call_with_a_traceparent_is_found_from_the_trace_it_is_within(rowen: Running):
    asked = json.dumps({"model": "main", "messages": [{"role": "user", "content": "hello"}]}).encode()
    trace = f"{7:032x}"
    send(rowen, body(rowen, ids(7), service__name="caller"))

    _, headers, _ = send(
        rowen, asked, path="/v1/chat/completions", content_type="application/json",
        traceparent=f"00-{trace}-{1:016x}-01",
    )  # fmt: skip
    rowen.do(rowen.opened.traces_written())
    found = json.loads(send(rowen, b"", key=rowen.admin, method="GET", path=f"/api/traces?within={trace}")[2])["data"]

    assert [row["id"] for row in found] == [headers["x-rowen-trace"]]
    assert rowen.do(rowen.opened.store.traces.get(found[0]["id"])).spans[0].parent == f"{1:016x}"


def test_judgements_on_spans_are_scores_set_beside_their_trace(rowen: Running):
    attributes = {"annotations.0.annotation.name": "tone of voice", "annotations.0.annotation.score": 0.5}
    raw = body(rowen, {**ids(8), "attributes": attributes}, service__name="judged", service__version="2")

    send(rowen, raw)
    send(rowen, raw)

    (score,) = rowen.do(rowen.opened.store.scores.find(ScoreFilter(traces=(f"{8:032x}",))))
    assert (score.name, score.number, score.app, score.release) == ("tone_of_voice", 0.5, "judged", "2")


def test_a_score_that_came_before_the_trace_is_set_beside_it(rowen: Running):
    score = json.dumps({"name": "thumbs", "value": True, "trace": f"{9:032x}", "source": "user"}).encode()
    status, _, answer = send(rowen, score, path="/api/scores", key=rowen.admin, content_type="application/json")

    send(rowen, body(rowen, {**ids(9), "attributes": {"session.id": "s-9"}}, service__name="judged later"))
    rowen.do(rowen.opened.traces_written())

    (found,) = rowen.do(rowen.opened.store.scores.find(ScoreFilter(traces=(f"{9:032x}",))))
    assert status < 300, answer
    assert (found.app, found.session) == ("judged later", "s-9")


@pytest.mark.parametrize("packing", ["", "gzip"])
def test_an_attribute_of_ten_megabytes_is_cut_and_its_neighbours_are_whole(rowen: Running, packing: str):
    number = 20 + len(packing)
    raw = body(
        rowen,
        {**ids(number, 1), "name": "large", "attributes": {"input.value": "x" * 10_000_000}},
        {**ids(number, 2), "name": "million", "attributes": {"input.value": "y" * 1_000_000}},
        {**ids(number, 3), "name": "small", "attributes": {"input.value": "z"}},
        service__name=f"large{packing}",
    )
    headers = {"content_encoding": packing} if packing else {}

    status, _, _ = send(rowen, gzip.compress(raw, 1) if packing else raw, **headers)

    trace = f"{number:032x}"
    found = {
        row.name: rowen.do(rowen.opened.store.traces.span(trace, row.id, "default"))
        for row in rowen.do(rowen.opened.store.traces.spans(trace, "default"))
    }
    assert status == 200
    assert {name: len(seen.input) for name, seen in found.items()} == {"large": 10**6, "million": 10**6, "small": 1}
    assert found["large"].span.attributes["rowen.cut"] == ["input.value"]


def test_a_hundred_thousand_attribute_names_are_bounded(rowen: Running):
    spans = [
        {**ids(30, span), "attributes": {f"name.{span}.{number}": number for number in range(5_000)}}
        for span in range(1, 21)
    ]

    status, _, _ = send(rowen, body(rowen, *spans, service__name="names"))

    seen = rowen.do(rowen.opened.store.traces.span(f"{30:032x}", f"{1:016x}", "default"))
    assert status == 200
    assert len(seen.span.attributes) == 1_001
    assert len(rowen.do(rowen.opened.store.traces.find_spans(SpanFilter(app="names", limit=100)))) == 20


def test_a_trace_that_comes_leaf_first_is_told_as_incomplete_until_its_root_is_there(rowen: Running):
    leaf = body(rowen, {**ids(40, 2), "parent_span_id": (1).to_bytes(8, "big"), "name": "leaf"}, service__name="late")
    send(rowen, leaf)
    (before,) = rows(rowen, app="late")

    send(rowen, body(rowen, {**ids(40, 1), "name": "root"}, service__name="late"))
    (after,) = rows(rowen, app="late")

    assert (before.complete, before.spans) == (False, 1)
    assert (after.complete, after.spans, after.name) == (True, 2, "root")


def test_what_was_taken_is_counted(rowen: Running):
    send(rowen, body(rowen, ids(50), {"trace_id": b"wrong"}, service__name="counted"))

    text = send(rowen, b"", method="GET", path="/metrics")[2].decode()

    kept = [line for line in text.splitlines() if line.startswith("rowen_spans_kept_total")]
    rejected = [line for line in text.splitlines() if line.startswith("rowen_spans_rejected_total")]
    assert int(kept[0].split()[1]) >= 1
    assert int(rejected[0].split()[1]) >= 1
