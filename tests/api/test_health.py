"""Probes and metrics."""

import pytest


async def test_a_living_process_says_so_to_anybody(doorway):
    seen = await doorway.plain().ask("/healthz", method="GET", key=None)

    assert (seen.status, seen.json) == (200, {"status": "ok"})


async def test_head_has_no_body(doorway):
    seen = await doorway.plain().ask("/healthz", method="HEAD", key=None)

    assert (seen.status, seen.body) == (200, b"")


async def test_readiness_names_what_fails_but_not_why(doorway):
    gateway = doorway.plain()

    good = await gateway.ask("/readyz", method="GET", key=None)
    gateway.checks = {"store": "disk full at /var/lib/secret-place", "keys": "ok"}
    bad = await gateway.ask("/readyz", method="GET", key=None)

    assert (good.status, good.json["checks"]) == (200, {"store": "ok"})
    assert (bad.status, bad.json["checks"]) == (503, {"store": "failing", "keys": "ok"})
    assert b"secret-place" not in bad.body


async def test_metrics_count_what_was_answered(doorway):
    gateway = doorway.plain()
    body = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}
    await gateway.ask("/v1/chat/completions", body)
    await gateway.ask("/v1/chat/completions", {**body, "model": 'evil"name\n'})
    await gateway.ask("/v1/chat/completions", b"{")

    seen = await gateway.ask("/metrics", method="GET", key=None)

    text = seen.body.decode()
    assert seen.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'rowen_requests_total{door="openai.chat",model="fast",status="200",code=""} 1' in text
    assert 'rowen_requests_total{door="openai.chat",model="other",status="200",code=""} 1' in text
    assert 'rowen_requests_total{door="openai.chat",model="",status="400",code="json_malformed"} 1' in text
    assert 'rowen_tokens_total{model="fast",type="input"} 9' in text
    assert 'rowen_cost_total{model="fast",currency="USD"} 0.00012' in text
    assert (
        'gen_ai_server_request_duration_seconds_count{gen_ai_operation_name="chat",gen_ai_request_model="fast",rowen_door="openai.chat"} 1'
        in text
    )
    assert 'rowen_in_flight{door="openai.chat"} 0' in text
    assert "evil" not in text


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("192.168.1.7", {}, 200),
        ("8.8.8.8", {}, 403),
        ("127.0.0.1", {"x-forwarded-for": "8.8.8.8"}, 403),
    ],
)
async def test_metrics_are_only_for_near_networks(doorway, client, headers, status):
    seen = await doorway.plain().ask("/metrics", method="GET", key=None, client=client, headers=headers)

    assert seen.status == status
