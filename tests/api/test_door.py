"""The part that all model doors share: limits, errors, streams, and callers who leave."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from rowen.api.base import DoorSettings
from rowen.values import Call, Event, Finished, Refused, Said, Started, Unavailable, Usage, Used

CHAT = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}
DOORS = {
    "/v1/chat/completions": CHAT,
    "/v1/responses": {"model": "fast", "input": "Hi"},
    "/v1/messages": {"model": "fast", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
}


def error_of(seen):
    return seen.json["error"]


async def test_an_answer_bears_its_trace_cost_cache_and_deployment(doorway):
    gateway = doorway.plain()

    seen = await gateway.ask("/v1/chat/completions", CHAT)

    assert seen.status == 200
    assert seen.headers["x-rowen-trace"] == seen.headers["x-request-id"] == gateway.calls[0].id
    assert seen.headers["x-rowen-cost"] == "0.00012 USD"
    assert seen.headers["x-rowen-cache"] == "off"
    assert seen.headers["x-rowen-model"] == "fast"
    assert seen.headers["content-length"] == str(len(seen.body))


async def test_fields_that_the_policy_dropped_are_named(doorway):
    gateway = doorway.says(
        Started(id="a", model="m", extra={"rowen_dropped": ["seed", "logit_bias"]}),
        Said(text="x"),
        Finished(reason="stop"),
    )

    seen = await gateway.ask("/v1/chat/completions", CHAT)
    streamed = await gateway.ask("/v1/chat/completions", {**CHAT, "stream": True})

    assert seen.headers["x-rowen-dropped"] == streamed.headers["x-rowen-dropped"] == "seed, logit_bias"
    assert b"rowen_dropped" not in seen.body + streamed.body


async def test_the_envelope_reaches_the_call(doorway):
    gateway = doorway.plain()

    await gateway.ask(
        "/v1/chat/completions",
        {**CHAT, "user": "from-body"},
        headers={
            "x-rowen-feature": "search",
            "x-rowen-session": "s1",
            "x-rowen-user": "u1",
            "x-rowen-cache": "bypass",
            "x-rowen-priority": "low",
            "x-rowen-tags": "a, b",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "user-agent": "tests/1",
        },
    )

    (call,) = gateway.calls
    assert (call.feature, call.session, call.end_user, call.priority, call.tags) == (
        "search",
        "s1",
        "u1",
        "low",
        ("a", "b"),
    )
    assert not call.use_cache
    assert call.door.parent == "b7ad6b7169203331"
    assert call.door.agent == "tests/1"
    assert call.notes["door"]["traceparent"].startswith("00-0af7651916cd43dd")
    assert call.definition == "hash-handbook"


@pytest.mark.parametrize(
    ("model", "header", "app", "left"),
    [
        ("fast", "", "handbook", "fast"),
        ("fast", "other", "other", "fast"),
        ("other/fast", "", "other", "fast"),
        ("other/fast", "other", "other", "fast"),
        ("other", "", "other", "other"),
        ("handbook", "", "handbook", "handbook"),
        ("org/slashed", "", "handbook", "org/slashed"),
        ("nobody/fast", "", "handbook", "nobody/fast"),
    ],
)
async def test_the_app_is_picked_by_header_or_by_the_models_name(doorway, model, header, app, left):
    gateway = doorway.plain()

    await gateway.ask(
        "/v1/chat/completions", {**CHAT, "model": model}, headers={"x-rowen-app": header} if header else {}
    )

    (call,) = gateway.calls
    assert (call.app, call.request.model) == (app, left)


async def test_an_app_that_is_not_served_is_refused(doorway):
    seen = await doorway.plain().ask("/v1/chat/completions", CHAT, headers={"x-rowen-app": "ghost"})

    assert seen.status == 404
    assert error_of(seen)["code"] == "app_unknown"


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b'{"model": "fast",', "json_malformed", "line 1 column 18"),
        (b'{"model": "fast",\n "messages": [}', "json_malformed", "line 2 column 15"),
        (b"", "json_malformed", "body"),
        (b'{"model": "\xff"}', "utf8_invalid", "byte 11"),
        (b"[" * 100_000, "json_too_deep", "body"),
        (b'{"a":' * 64 + b"1" + b"}" * 64, "field_invalid", "model"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "json_too_deep", "body"),
        (b"[1]", "field_invalid", "body"),
        (b'{"messages": []}', "field_invalid", "model"),
        (b'{"model": "fast"}', "field_invalid", "messages"),
        (b'{"model": 3, "messages": []}', "field_invalid", "model"),
        (b'{"model": "fast", "messages": [{"role": "user", "content": 5}]}', "field_invalid", "messages[0].content"),
    ],
)
async def test_a_bad_body_is_refused_with_its_place(doorway, body, code, param):
    seen = await doorway.plain().ask("/v1/chat/completions", body)

    assert seen.status == 400
    assert error_of(seen)["code"] == code
    assert error_of(seen)["param"] == param
    assert seen.json["trace_id"] == seen.headers["x-rowen-trace"]


@pytest.mark.parametrize("path", DOORS)
async def test_each_door_refuses_in_its_own_shape(doorway, path):
    seen = await doorway.plain().ask(path, DOORS[path], key="rk-wrong")

    assert seen.status == 401
    assert error_of(seen)["code"] == "key_unknown"
    assert error_of(seen)["type"] == "authentication_error"
    assert error_of(seen)["message"].endswith("Check for a truncated key, or create one with `rowen keys create`.")
    if path == "/v1/messages":
        assert seen.json["type"] == "error"
        assert seen.json["request_id"] == seen.headers["x-rowen-trace"]
    else:
        assert seen.json["trace_id"] == seen.headers["x-rowen-trace"]
    assert b"rk-wrong" not in seen.body


async def test_a_key_is_taken_from_either_header(doorway):
    gateway = doorway.plain()

    bearer = await gateway.ask("/v1/messages", DOORS["/v1/messages"], headers={"authorization": "Bearer rk-test"})
    plain = await gateway.ask("/v1/chat/completions", CHAT, headers={"x-api-key": "rk-test"})
    none = await gateway.ask("/v1/chat/completions", CHAT, key=None)

    assert (bearer.status, plain.status, none.status) == (200, 200, 401)
    assert error_of(none)["code"] == "key_missing"


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "content-type", "content-length"])
async def test_a_critical_header_that_comes_twice_is_refused(doorway, name):
    seen = await doorway.plain().ask(
        "/v1/chat/completions", CHAT, headers=[(name, "application/json"), (name, "application/json")]
    )

    assert seen.status == 400
    assert error_of(seen)["code"] == "header_repeated"
    assert error_of(seen)["param"] == name


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_that_is_not_json_is_refused(doorway, kind):
    seen = await doorway.plain().ask("/v1/chat/completions", CHAT, headers={"content-type": kind})

    assert seen.status == 415
    assert error_of(seen)["code"] == "content_type"


async def test_a_charset_beside_the_content_type_is_fine(doorway):
    seen = await doorway.plain().ask(
        "/v1/chat/completions", CHAT, headers={"content-type": "Application/JSON; charset=utf-8"}
    )

    assert seen.status == 200


async def test_a_body_too_large_by_its_header_is_refused_unread(doorway):
    async def receive():
        raise AssertionError("the body was read")

    seen = await doorway.plain(DoorSettings(body_limit=100)).ask(
        "/v1/chat/completions", CHAT, headers={"content-length": "101"}, receive=receive
    )

    assert seen.status == 413
    assert error_of(seen)["code"] == "body_too_large"


async def test_a_body_that_grows_too_large_is_refused_while_it_is_read(doorway):
    pieces = 0

    async def receive():
        nonlocal pieces
        pieces += 1
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    seen = await doorway.plain(DoorSettings(body_limit=100)).ask("/v1/chat/completions", CHAT, receive=receive)

    assert seen.status == 413
    assert pieces == 2


async def test_a_large_body_is_not_read_for_a_key_that_nobody_knows(doorway):
    async def receive():
        raise AssertionError("the body was read")

    seen = await doorway.plain().ask(
        "/v1/chat/completions", CHAT, headers={"content-length": "1000000"}, key="rk-no", receive=receive
    )

    assert seen.status == 401


async def test_a_body_that_never_comes_is_given_up(doorway):
    async def receive():
        await asyncio.Event().wait()

    seen = await doorway.plain(DoorSettings(body_timeout=0.0)).ask(
        "/v1/chat/completions", CHAT, headers={"content-length": "60"}, receive=receive
    )

    assert seen.status == 408
    assert error_of(seen)["code"] == "body_too_slow"


async def test_who_leaves_before_the_body_is_whole_gets_nothing(doorway):
    async def receive():
        return {"type": "http.disconnect"}

    gateway = doorway.plain()
    seen = await gateway.ask("/v1/chat/completions", CHAT, headers={"content-length": "60"}, receive=receive)

    assert seen.status == 0
    assert gateway.calls == []


async def test_a_problem_before_the_first_event_is_an_http_error(doorway):
    gateway = doorway.says(Started(id="a", model="m"), Unavailable("upstream_limited", retry_after=1.25, who="fast"))

    for stream in (False, True):
        seen = await gateway.ask("/v1/chat/completions", {**CHAT, "stream": stream})

        assert seen.status == 429
        assert error_of(seen)["code"] == "upstream_limited"
        assert seen.headers["retry-after"] == "2"
        assert seen.headers["retry-after-ms"] == "1250"


@pytest.mark.parametrize("path", DOORS)
async def test_a_problem_in_mid_stream_ends_the_stream_with_an_error(doorway, path):
    gateway = doorway.says(Started(id="a", model="m"), Said(text="Hel"), Unavailable("upstream_cut", who="fast"))

    seen = await gateway.ask(path, {**DOORS[path], "stream": True})

    assert seen.status == 200
    assert seen.ended
    name, data = seen.events[-1]
    assert data["error"]["code"] == "upstream_cut"
    assert name == ("" if path == "/v1/chat/completions" else "error")
    assert b"[DONE]" not in seen.body
    assert gateway.calls[0].problem.code == "upstream_cut"


async def test_a_fault_of_our_own_is_told_without_its_insides(doorway):
    gateway = doorway.says(ValueError("secret inside"))

    seen = await gateway.ask("/v1/chat/completions", CHAT)

    assert seen.status == 500
    assert error_of(seen)["code"] == "broken"
    assert b"secret inside" not in seen.body


async def test_a_refusal_by_the_chain_tells_its_details(doorway):
    gateway = doorway.says(
        Refused("limit_tokens", "the limit of the key is used up", retry_after=30, details={"limit": "200k/day"})
    )

    seen = await gateway.ask("/v1/messages", DOORS["/v1/messages"])

    assert seen.status == 429
    assert error_of(seen)["type"] == "rate_limit_error"
    assert error_of(seen)["details"] == {"limit": "200k/day"}
    assert seen.headers["retry-after"] == "30"


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_in_the_middle_stops_the_model(doorway, stream):
    closed = asyncio.Event()
    speaking = asyncio.Event()

    async def script(call: Call) -> AsyncGenerator[Event, None]:
        try:
            yield Started(id="a", model="m")
            yield Said(text="Hel")
            speaking.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    asked = 0

    async def receive():
        nonlocal asked
        asked += 1
        if asked == 1:
            return {
                "type": "http.request",
                "body": b'{"model":"fast","stream":%s,"messages":[{"role":"user","content":"x"}]}'
                % str(stream).lower().encode(),
            }
        await speaking.wait()
        return {"type": "http.disconnect"}

    gateway = doorway.gateway(script, settings=DoorSettings(notice_gone=0.0))
    await gateway.ask("/v1/chat/completions", CHAT, headers={"content-length": "60"}, receive=receive)

    assert closed.is_set()
    (call,) = gateway.calls
    assert call.problem.code == "cancelled"
    assert call.attempts[0].status == "cancelled"
    assert 'status="499"' in gateway.metrics.text()
    assert asyncio.current_task().cancelling() == 0


async def test_a_cancellation_from_elsewhere_goes_on(doorway):
    speaking = asyncio.Event()

    async def script(call: Call) -> AsyncGenerator[Event, None]:
        yield Started(id="a", model="m")
        speaking.set()
        await asyncio.Event().wait()

    gateway = doorway.gateway(script)
    task = asyncio.create_task(gateway.ask("/v1/chat/completions", CHAT))
    await speaking.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_start_and_the_first_piece_leave_together(doorway):
    gateway = doorway.says(Started(id="a", model="m"), Said(text="x"), Finished(reason="stop"), Used(usage=Usage()))

    seen = await gateway.ask("/v1/chat/completions", {**CHAT, "stream": True})

    assert len(seen.chunks) == 2
    assert b'"content":"x"' in seen.chunks[0]
    assert b"[DONE]" in seen.chunks[1]
    assert seen.headers["content-type"].startswith("text/event-stream")
    assert seen.headers["x-rowen-trace"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_another_method_is_refused_and_the_right_one_named(doorway, method):
    seen = await doorway.plain().ask("/v1/chat/completions", method=method)

    assert seen.status == 405
    assert seen.headers["allow"] == "POST, OPTIONS"
    assert (seen.body == b"") == (method == "HEAD")


async def test_options_tells_what_is_allowed(doorway):
    seen = await doorway.plain().ask("/v1/chat/completions", method="OPTIONS", key=None)

    assert seen.status == 204
    assert seen.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(("name", "value"), [("x-rowen-priority", "high"), ("x-rowen-cache", "on")])
async def test_a_header_with_a_value_that_cannot_be_is_refused(doorway, name, value):
    seen = await doorway.plain().ask("/v1/chat/completions", CHAT, headers={name: value})

    assert seen.status == 400
    assert error_of(seen)["param"] == name


async def test_no_error_repeats_the_key(doorway):
    gateway = doorway.plain()

    for body in (b"{", {"model": "rk-secret"}, CHAT):
        seen = await gateway.ask("/v1/chat/completions", body, key="rk-very-secret")

        assert b"very-secret" not in seen.body
