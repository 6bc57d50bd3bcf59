"""The doors of a whole server, over real sockets."""

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from rowen.config import read
from rowen.flow.vet import vet
from rowen.insight.parts import parts_of
from rowen.provider.transport import HttpTransport
from rowen.serve.tables import TABLES
from rowen.testing.serving import Running, serving
from rowen.testing.upstream import FaultUpstream, Reply
from rowen.values import Mistaken

APP = """
[app]
name = "shop"
[models.main]
provider = "echo"
[models.kept]
provider = "echo"
cache = { ttl = "10m" }
[models.down]
provider = "openai"
model = "gpt-4.1-mini"
base_url = "http://127.0.0.1:9/v1"
retries = 0
fallback = ["main"]
[limits]
budget = "10 USD/day"
"""


@pytest.fixture(scope="module")
def rowen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "app.toml").write_text(APP)
    with serving(folder / "app.toml", store=f"sqlite:{folder}/data") as running:
        yield running


def send(rowen: Running, method: str, path: str, body: object = None, key: str = "", **headers: str):
    connection = http.client.HTTPConnection(urlsplit(rowen.url).netloc, timeout=20)
    raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    head = {"authorization": f"Bearer {key}"} if key else {}
    head |= {"content-type": "application/json"} if raw is not None else {}
    connection.request(method, path, raw, {**head, **{k.replace("_", "-"): v for k, v in headers.items()}})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, {k.lower(): v for k, v in reply.getheaders()}, text


def ask(rowen: Running, model: str = "main", text: str = "hello", **more):
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return send(rowen, "POST", "/v1/chat/completions", body, rowen.key)


def test_a_call_is_answered_and_its_trace_can_be_read(rowen: Running):
    status, headers, text = ask(rowen)

    rowen.do(rowen.opened.traces_written())
    found = send(rowen, "GET", f"/api/traces/{headers['x-rowen-trace']}", key=rowen.admin)

    assert status == 200
    assert json.loads(text)["choices"][0]["message"]["content"] == "hello"
    assert found[0] == 200
    row = json.loads(found[2])["data"]["row"]
    assert (row["app"], row["model"], row["source"]) == ("shop", "main", "model")
    names = [span["name"] for span in json.loads(found[2])["data"]["spans"]]
    assert names[0] == "chat main"
    assert {"access.identify", "limits.admit", "prompt.render", "route.choose", "limits.settle"} <= set(names)


def test_the_second_same_question_comes_from_the_cache(rowen: Running):
    first = ask(rowen, "kept", "once more")
    second = ask(rowen, "kept", "once more")
    bypassed = send(
        rowen,
        "POST",
        "/v1/chat/completions",
        {"model": "kept", "messages": [{"role": "user", "content": "once more"}]},
        rowen.key,
        x_rowen_cache="bypass",
    )

    assert [reply[1]["x-rowen-cache"] for reply in (first, second)] == ["miss", "hit"]
    assert bypassed[1]["x-rowen-cache"] != "hit"


def test_a_provider_that_is_down_falls_back(rowen: Running):
    status, headers, text = ask(rowen, "down")

    assert status == 200, text
    assert headers["x-rowen-model"] == "main"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "json_malformed"),
        (b'{"model":' + b"[" * 500 + b"]" * 500 + b"}", 400, "json_too_deep"),
        (b'{"model": "\xff"}', 400, "utf8_invalid"),
        ({"model": "main", "messages": "x"}, 400, "field_invalid"),
        ({"model": "mian", "messages": [{"role": "user", "content": "x"}]}, 404, "model_unknown"),
        (
            {"model": "main", "messages": [{"role": "user", "content": "x"}], "max_tokens": 10**9},
            400,
            "answer_too_long",
        ),
    ],
)
def test_bad_input_is_refused_in_the_doors_own_shape(rowen: Running, body, status: int, code: str):
    found, headers, text = send(rowen, "POST", "/v1/chat/completions", body, rowen.key)

    error = json.loads(text)
    assert (found, error["error"]["code"]) == (status, code)
    assert error["trace_id"] == headers["x-rowen-trace"]


@pytest.mark.parametrize(("key", "code"), [("", "key_missing"), ("rk-unknown", "key_unknown")])
def test_a_wrong_key_is_refused_by_every_door(rowen: Running, key: str, code: str):
    for method, path in (("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("POST", "/v1/messages")):
        body = (
            {"model": "main", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
            if method == "POST"
            else None
        )
        status, _, text = send(rowen, method, path, body, key)

        assert status == 401, path
        assert code in text.decode() or "authentication_error" in text.decode()
        assert key not in text.decode() or not key


def test_an_unknown_app_is_named(rowen: Running):
    status, _, text = send(
        rowen,
        "POST",
        "/v1/chat/completions",
        {"model": "main", "messages": [{"role": "user", "content": "x"}]},
        rowen.key,
        x_rowen_app="shopp",
    )

    assert status == 404
    assert 'did you mean \\"shop\\"' in text.decode()


def test_health_is_open_and_pages_are_not(rowen: Running):
    assert send(rowen, "GET", "/healthz")[0] == 200
    assert send(rowen, "GET", "/readyz")[0] == 200
    assert b"rowen_requests_total" in send(rowen, "GET", "/metrics")[2]
    for path in ("/", "/traces", "/models", "/keys"):
        status, headers, _ = send(rowen, "GET", path)
        assert (status, headers["location"].split("?")[0]) == (303, "/sign-in")
    assert send(rowen, "GET", "/api/keys")[0] == 401


def test_a_revoked_key_is_refused(rowen: Running):
    secret = rowen.new_key("short-lived")
    (key,) = [
        key
        for key in json.loads(send(rowen, "GET", "/api/keys", key=rowen.admin)[2])["data"]
        if key["name"] == "short-lived"
    ]

    before = send(rowen, "GET", "/v1/models", key=secret)[0]
    revoked = send(rowen, "POST", f"/api/keys/{key['id']}/revoke", {}, key=rowen.admin)[0]
    after = send(rowen, "GET", "/v1/models", key=secret)

    assert (before, revoked) == (200, 200)
    assert after[0] == 401


def test_a_score_is_set_beside_the_call_it_is_about_however_soon_it_comes(rowen: Running):
    _, headers, _ = ask(rowen)
    trace = headers["x-rowen-trace"]

    status, _, text = send(rowen, "POST", "/api/scores", {"name": "thumbs", "value": True, "trace": trace}, rowen.key)

    (score,) = json.loads(text)["data"]
    assert status == 201, text
    assert (score["app"], score["trace"], score["number"]) == ("shop", trace, 1.0)
    assert score["definition"]
    assert score["judged_ns"] < score["created_ns"]


def test_the_connection_that_a_call_waited_for_is_a_part_of_its_time(tmp_path):
    body = (
        b'data: {"id":"a","choices":[{"index":0,"delta":{"content":"hay"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )
    with FaultUpstream.in_thread() as up:
        up.on("*", Reply(body=body, headers={"content-type": "text/event-stream"}))
        (tmp_path / "app.toml").write_text(
            f'[app]\nname = "far"\nrelease = "1.5"\n[models.main]\nprovider = "vllm"\nbase_url = "{up.url}/v1"\n'
        )
        with serving(tmp_path / "app.toml", store=f"sqlite:{tmp_path}/data") as far:
            traces = [ask(far)[1]["x-rowen-trace"] for _ in range(2)]
            far.do(far.opened.traces_written())
            told = [far.do(far.opened.store.traces.get(id)) for id in traces]

    connects = [[span for span in trace.spans if span.name == "connect"] for trace in told]
    assert [len(each) for each in connects] == [1, 0]
    (connect,) = connects[0]
    asked = next(span for span in told[0].spans if span.id == connect.parent)
    assert asked.started_ns == connect.started_ns < connect.ended_ns <= asked.ended_ns
    assert parts_of(told[0]).of("network") > 0
    assert parts_of(told[1]).of("network") == 0
    assert {trace.row.release for trace in told} == {"1.5"}


SCHEMA = """
[app]
name = "shop"
[models.main]
provider = "echo"
[models.main.params]
temperature = 0
max_tokens = 20
schema = "order.json"
"""


def test_what_an_app_presets_for_a_model_is_asked_of_it(tmp_path):
    (tmp_path / "app.toml").write_text(SCHEMA)
    (tmp_path / "order.json").write_text('{"type": "object"}')
    with serving(tmp_path / "app.toml") as running:
        _, headers, _ = ask(running, "main")
        running.do(running.opened.traces_written())
        found = send(running, "GET", f"/api/traces/{headers['x-rowen-trace']}", key=running.admin)

    spans = [span for span in json.loads(found[2])["data"]["spans"] if span["name"] == "chat main"]
    said = spans[0]["attributes"]
    assert (said["gen_ai.request.temperature"], said["gen_ai.request.max_tokens"]) == (0, 20)
    assert said["gen_ai.output.type"] == "json"


def test_a_schema_file_that_is_none_is_told_with_its_line(tmp_path):
    (tmp_path / "app.toml").write_text(SCHEMA)
    (tmp_path / "order.json").write_text("{")

    with pytest.raises(Mistaken, match=r"order\.json is no JSON Schema") as caught:
        vet(read(tmp_path / "app.toml", TABLES), HttpTransport())

    assert caught.value.place == "app.toml:9"
