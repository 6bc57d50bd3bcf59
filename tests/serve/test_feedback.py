"""Feedback over a whole server: with a key, from a browser with a token, and what is seen by itself."""

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from rowen.testing.serving import Running, serving

APP = '[app]\nname = "shop"\n[models.main]\nprovider = "echo"\n'

CHAT = {"model": "main", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module")
def rowen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "app.toml").write_text(APP)
    (folder / "other.toml").write_text(APP.replace("shop", "other"))
    with serving(folder / "app.toml", folder / "other.toml", store=f"sqlite:{folder}/data") as running:
        running.strange = running.new_key("strange", tenant="umbrella", scopes=("call", "read"))
        yield running


def send(rowen: Running, method: str, path: str, body: object = None, key: str = "", **headers: str):
    connection = http.client.HTTPConnection(urlsplit(rowen.url).netloc, timeout=20)
    raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    head = {"content-type": "application/json"} if raw is not None else {}
    head |= {"authorization": f"Bearer {key}"} if key else {}
    connection.request(method, path, raw, {**head, **{k.replace("_", "-"): v for k, v in headers.items()}})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, {k.lower(): v for k, v in reply.getheaders()}, json.loads(text) if text else None


def ask(rowen: Running, text: str = "hello", **headers: str) -> str:
    body = {**CHAT, "messages": [{"role": "user", "content": text}]}
    status, found, _ = send(rowen, "POST", "/v1/chat/completions", body, rowen.key, **headers)
    assert status == 200
    return found["x-rowen-trace"]


def scores(rowen: Running, trace: str, key: str = "") -> dict[str, object]:
    _, _, found = send(rowen, "GET", f"/api/scores?trace={trace}", key=key or rowen.admin)
    return {score["name"]: score["value"] for score in found["data"]}


def mint(rowen: Running, trace: str, **more) -> str:
    status, _, found = send(rowen, "POST", "/api/feedback-tokens", {"trace": trace, **more}, rowen.key)
    assert status == 201, found
    return found["data"]["token"]


def test_one_call_with_a_key_is_a_thumb_beside_its_trace(rowen):
    trace = ask(rowen)

    status, _, found = send(rowen, "POST", "/v1/feedback", {"trace": trace, "value": True}, rowen.key)

    assert status == 201
    assert [(score["name"], score["value"], score["trace"]) for score in found["data"]] == [("thumbs", True, trace)]
    _, _, kept = send(rowen, "GET", f"/api/scores/{found['data'][0]['id']}", key=rowen.admin)
    assert (kept["data"]["app"], kept["data"]["source"]) == ("shop", "user")


def test_a_thumb_is_changed_and_taken_back_by_the_same_door(rowen):
    trace = ask(rowen)
    for value in (True, False):
        send(rowen, "POST", "/v1/feedback", {"trace": trace, "value": value, "user": "ann"}, rowen.key)
    changed = scores(rowen, trace)

    status, _, found = send(rowen, "DELETE", "/v1/feedback", {"trace": trace, "user": "ann"}, rowen.key)

    assert changed == {"thumbs": False}
    assert (status, found, scores(rowen, trace)) == (200, {"deleted": 1}, {})


def test_a_browser_without_a_key_says_what_its_user_thinks_with_a_token(rowen):
    trace = ask(rowen)
    token = mint(rowen, trace, user="ann")
    origin = {"origin": "https://shop.example"}

    before, allowed, _ = send(rowen, "OPTIONS", "/v1/feedback", None, access_control_request_method="POST", **origin)
    status, headers, found = send(rowen, "POST", "/v1/feedback", {"token": token, "value": "down"}, **origin)

    assert (before, allowed["access-control-allow-origin"]) == (204, "*")
    assert "POST" in allowed["access-control-allow-methods"]
    assert "content-type" in allowed["access-control-allow-headers"]
    assert (status, headers["access-control-allow-origin"]) == (201, "*")
    assert "access-control-allow-credentials" not in headers
    assert scores(rowen, trace) == {"thumbs": False, "feedback.asked": True}
    _, _, kept = send(rowen, "GET", f"/api/scores/{found['data'][0]['id']}", key=rowen.admin)
    assert kept["data"]["by"] == "ann"


def test_a_page_that_is_left_sends_plain_text_without_asking_first(rowen):
    trace = ask(rowen)
    body = json.dumps({"token": mint(rowen, trace, asked=False), "event": "copy"}).encode()

    status, _, _ = send(rowen, "POST", "/v1/feedback", body, content_type="text/plain;charset=UTF-8")

    assert (status, scores(rowen, trace)) == (201, {"interaction.copy": True})


def test_a_token_judges_its_own_answer_only_and_reads_nothing(rowen):
    trace, other = ask(rowen), ask(rowen)
    token = mint(rowen, trace, asked=False)

    elsewhere = send(rowen, "POST", "/v1/feedback", {"token": token, "trace": other, "value": True})
    reading = send(rowen, "GET", f"/api/scores?trace={trace}", key=token)
    calling = send(rowen, "POST", "/v1/chat/completions", CHAT, token)
    made_up = send(rowen, "POST", "/v1/feedback", {"token": token, "name": "made.up", "value": 1})

    assert (elsewhere[0], elsewhere[2]["error"]["code"]) == (401, "feedback_token")
    assert {reading[0], calling[0]} == {401}
    assert (made_up[0], made_up[2]["error"]["code"]) == (403, "key_scope")
    assert scores(rowen, trace) == scores(rowen, other) == {}


@pytest.mark.parametrize("token", ["ft1.x.y", "nonsense", "ft1.", "ü" * 50])
def test_a_token_that_is_not_from_here_is_refused_and_a_browser_may_read_why(rowen, token):
    status, headers, found = send(rowen, "POST", "/v1/feedback", {"token": token, "value": True})

    assert (status, found["error"]["code"]) == (401, "feedback_token")
    assert headers["access-control-allow-origin"] == "*"


def test_feedback_without_key_or_token_is_refused(rowen):
    status, _, found = send(rowen, "POST", "/v1/feedback", {"trace": "x", "value": True})

    assert (status, found["error"]["code"]) == (401, "key_missing")


def test_another_tenants_feedback_is_not_seen_and_changes_nothing(rowen):
    trace = ask(rowen)
    send(rowen, "POST", "/v1/feedback", {"trace": trace, "value": True}, rowen.key)

    status, _, found = send(rowen, "POST", "/v1/feedback", {"trace": trace, "value": False}, rowen.strange)
    _, _, removed = send(rowen, "DELETE", "/v1/feedback", {"trace": trace}, rowen.strange)
    send(rowen, "DELETE", "/v1/feedback", {"trace": trace}, rowen.strange)

    _, _, kept = send(rowen, "GET", f"/api/scores?trace={trace}&tenant=default", key=rowen.admin)
    assert (status, found["data"][0]["value"], removed) == (201, False, {"deleted": 1})
    assert [score["value"] for score in kept["data"]] == [True]


def test_a_key_of_one_app_judges_no_other(rowen):
    key = rowen.new_key("other", apps=("other",))
    trace = ask(rowen)

    status, _, found = send(rowen, "POST", "/v1/feedback", {"trace": trace, "value": True}, key)

    assert (status, found["error"]["code"]) == (403, "key_scope")
    assert scores(rowen, trace) == {}


@pytest.mark.parametrize(
    ("body", "status", "code", "place"),
    [
        (b"{", 400, "json_malformed", ""),
        ({"value": True}, 400, "field_invalid", "trace"),
        ({"trace": "t", "value": [1]}, 400, "field_invalid", "value"),
        ({"trace": "t", "name": "stars", "value": 10}, 400, "field_invalid", "value"),
        ({"trace": "t", "valeu": 1}, 400, "field_invalid", "valeu"),
        ({"trace": "t", "event": "clap"}, 400, "field_invalid", "event"),
        ({"trace": 5, "value": 1}, 400, "field_invalid", "trace"),
        ({"trace": "t", "comment": "x" * 200_000}, 413, "body_too_large", ""),
    ],
)
def test_bad_feedback_is_named(rowen, body, status, code, place):
    found, headers, told = send(rowen, "POST", "/v1/feedback", body, rowen.key)

    assert (found, told["error"]["code"]) == (status, code)
    assert headers["access-control-allow-origin"] == "*"
    if place:
        assert told["error"]["param"] == place


def test_an_edit_is_compared_with_what_was_answered(rowen):
    trace = ask(rowen, "one two three four")
    rowen.do(rowen.opened.traces_written())

    send(rowen, "POST", "/v1/feedback", {"trace": trace, "event": "edit", "text": "one two three five"}, rowen.key)

    found = scores(rowen, trace)
    assert (found["interaction.kept"], found["interaction.distance"]) == (0.75, 0.25)
    assert found["correction"] == "one two three five"


def test_asking_again_in_a_session_marks_the_first_answer_as_regenerated(rowen):
    first = ask(rowen, "tell me", x_rowen_session="s-again")
    second = ask(rowen, "tell me", x_rowen_session="s-again")
    rowen.do(rowen.opened.traces_written())

    assert scores(rowen, first) == {"interaction.regenerate": True}
    assert scores(rowen, second) == {}


def test_feedback_on_a_trace_of_spans_that_come_later_is_set_beside_it(rowen):
    trace = "0af7651916cd43dd8448eb211c80319c"
    send(rowen, "POST", "/v1/feedback", {"trace": trace, "value": True}, rowen.key)
    span = {
        "traceId": trace,
        "spanId": "b7ad6b7169203331",
        "name": "chain",
        "startTimeUnixNano": "1763900000000000000",
        "endTimeUnixNano": "1763900001000000000",
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "their-app"}}]}
    sent = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}

    status, _, _ = send(rowen, "POST", "/v1/traces", sent, rowen.key)
    rowen.do(rowen.opened.traces_written())

    _, _, found = send(rowen, "GET", f"/api/scores?trace={trace}", key=rowen.admin)
    (score,) = found["data"]
    assert (status, score["app"], score["judged_ns"]) == (200, "their-app", 1763900000000000000)


def test_a_survey_answer_lands_on_its_trace_and_the_response_rate_is_shown(rowen):
    key = rowen.new_key("survey", tenant="surveyed", scopes=("call", "read"))
    traces = []
    for number in range(4):
        body = {"model": "main", "messages": [{"role": "user", "content": f"question {number}"}]}
        traces.append(send(rowen, "POST", "/v1/chat/completions", body, key)[1]["x-rowen-trace"])
    rowen.do(rowen.opened.traces_written())
    for trace, value in zip(traces, (10, 9, 3), strict=False):
        send(rowen, "POST", "/v1/feedback", {"trace": trace, "name": "nps", "value": value}, key)

    _, _, found = send(rowen, "GET", "/api/feedback?name=nps", key=key)
    _, _, cut = send(rowen, "GET", "/api/feedback/segments?name=nps&by=model", key=key)

    told = found["data"]
    assert (told["asked"], told["answered"], told["response"]["value"]) == (4, 3, 0.75)
    assert told["value"]["value"] == pytest.approx(100 / 3)
    assert told["mean"]["value"] == pytest.approx(22 / 3)
    assert "only 3 answers" in told["warnings"][0]
    assert [(part["name"], part["asked"], part["answered"]) for part in cut["data"]["segments"]] == [("main", 4, 3)]


def test_one_address_without_a_key_is_slowed_down_and_told_for_how_long(tmp_path):
    (tmp_path / "app.toml").write_text(APP)
    with serving(tmp_path / "app.toml") as rowen:
        token = mint(rowen, ask(rowen))
        answers = [send(rowen, "POST", "/v1/feedback", {"token": token, "value": True}) for _ in range(130)]

    statuses = [status for status, _, _ in answers]
    assert statuses[:60] == [201] * 60
    status, headers, told = next(answer for answer in answers if answer[0] != 201)
    assert (status, told["error"]["code"]) == (429, "feedback_throttled")
    assert 1 <= int(headers["retry-after"]) <= 60
