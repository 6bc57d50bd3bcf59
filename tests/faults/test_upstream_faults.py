"""Whatever a provider does, the caller gets the error of its own door, and the trace tells what happened."""

import json

import pytest

from rowen.testing.upstream import (
    BadChunk,
    Cut,
    Garbage,
    Hang,
    Huge,
    HugeHead,
    Reply,
    ServerError,
    Stream,
    TooMany,
    WrongType,
    openai_chat,
    openai_stream,
)

PATH = "/v1/chat/completions"
PIECES = ("one ", "two ", "three ", "four ", "five")

APP = """
[models.main]
provider = "openai"
base_url = "{url}/v1"
retries = 0
timeout = {{ connect = 2, first = 0.5, gap = 0.5, total = 1.5 }}
price = {{ input = "1", output = "2" }}
"""


def app(url: str, fault: str = "") -> str:
    """The app, with little patience where the fault is silence: any other fault is to be told before patience ends."""
    written = APP.format(url=url)
    if not fault.startswith("silence"):
        return written
    return written.replace("first = 0.5, gap = 0.5, total = 1.5", "first = 0.1, gap = 0.1, total = 0.2")


WHOLE = openai_chat("hello")
STREAM = openai_stream(PIECES)

FAULTS = {
    "429": (TooMany(), 429, "upstream_limited"),
    "500": (ServerError(status=500), 502, "upstream_error"),
    "503": (ServerError(status=503), 502, "upstream_error"),
    "a refused key": (Reply(status=401, body=b'{"error":{"message":"bad key"}}'), 502, "upstream_key"),
    "a refused request": (Reply(status=400, body=b'{"error":{"message":"no such field"}}'), 400, "upstream_refused"),
    "silence": (Hang(), 504, "upstream_timeout"),
    "silence after the head": (Hang(then=STREAM, after_chunks=0), 504, "upstream_timeout"),
    "a cut before the head": (Cut(), 502, "upstream_cut"),
    "a cut after the head": (Cut(then=STREAM, after_chunks=0), 502, "upstream_cut"),
    "a close after the head": (Cut(then=STREAM, after_chunks=0, reset=False), 502, "upstream_cut"),
    "not HTTP": (Garbage(), 502, "upstream_garbage"),
    "a web page": (WrongType(), 502, "upstream_garbage"),
    "a head without end": (HugeHead(size=5_000_000), 502, "upstream_garbage"),
    "a broken chunk": (BadChunk(chunks=()), 502, "upstream_garbage"),
    "half of JSON": (Reply(body=WHOLE.body[:40]), 502, "upstream_garbage"),
    "other JSON": (Reply(body=b'["no", "completion"]'), 502, "upstream_garbage"),
    "an event that is no JSON": (Stream(chunks=(b"data: {oops\n\n",)), 502, "upstream_garbage"),
    "bytes that are no text": (Stream(chunks=(b'data: {"choices":[\xff\xfe]}\n\n',)), 502, "upstream_garbage"),
}


def shaped(shape: str, answer, code: str) -> None:
    """The error is the door's own, with the code and the trace id."""
    if shape == "anthropic":
        assert answer.error["code"] == code
        assert answer.error["type"].endswith("_error")
        whole = answer.json if answer.headers["content-type"].startswith("application/json") else answer.events[-1]
        assert whole["type"] == "error"
        assert whole["request_id"] == answer.trace
    else:
        assert answer.error["code"] == code
        assert answer.error["message"]
        assert answer.trace in answer.body.decode()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("shape", ["openai", "anthropic"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_provider_that_fails_before_it_answers_is_an_http_error_of_the_door(up, live, shape, stream, fault):
    behaviour, status, code = FAULTS[fault]
    up.on(PATH, behaviour)
    client = live(app(up.url, fault))

    answer = client.ask(shape, stream=stream)

    assert (answer.status, answer.error["code"]) == (status, code), answer.body[:500]
    shaped(shape, answer, code)
    row = client.trace(answer.trace)["row"]
    said = "refused" if code == "upstream_refused" else "failed"
    assert (row["status"], row["code"], row["attempts"]) == (said, code, 1)
    assert client.metric("rowen_in_flight") == 0


BREAKS = {
    "a cut": (lambda k: Cut(then=STREAM, after_chunks=k + 1), "upstream_cut"),
    "a close": (lambda k: Cut(then=STREAM, after_chunks=k + 1, reset=False), "upstream_cut"),
    "silence": (lambda k: Hang(then=STREAM, after_chunks=k + 1), "upstream_timeout"),
    "an event that is no JSON": (
        lambda k: Stream(chunks=(*STREAM.chunks[: k + 1], b"data: {oops\n\n")),
        "upstream_garbage",
    ),
    "a broken chunk": (lambda k: BadChunk(chunks=STREAM.chunks[: k + 1]), "upstream_garbage"),
    "an error of the provider": (
        lambda k: Stream(chunks=(*STREAM.chunks[: k + 1], b'data: {"error":{"message":"it broke"}}\n\n')),
        "upstream_error",
    ),
}


@pytest.mark.parametrize("sent", [1, 3, 5])
@pytest.mark.parametrize("shape", ["openai", "anthropic"])
@pytest.mark.parametrize("fault", BREAKS)
def test_a_stream_that_breaks_ends_with_the_doors_error_after_what_was_said(up, live, shape, fault, sent):
    make, code = BREAKS[fault]
    up.on(PATH, make(sent))
    client = live(APP.format(url=up.url))

    answer = client.ask(shape, stream=True)

    assert answer.status == 200
    assert answer.text == "".join(PIECES[:sent])
    shaped(shape, answer, code)
    trace = client.trace(answer.trace)
    assert (trace["row"]["status"], trace["row"]["code"]) == ("failed", code)
    assert float(trace["row"]["waste"]) > 0
    assert "".join(PIECES[:sent]).strip() in json.dumps(trace["answer"])


@pytest.mark.parametrize("shape", ["openai", "anthropic"])
@pytest.mark.parametrize("fault", BREAKS)
def test_a_stream_that_breaks_unseen_is_an_http_error(up, live, shape, fault):
    make, code = BREAKS[fault]
    up.on(PATH, make(2))
    client = live(app(up.url, fault))

    answer = client.ask(shape)

    assert answer.error["code"] == code
    assert answer.status >= 500
    shaped(shape, answer, code)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_body_that_is_far_too_long_is_cut_off_and_not_gathered(up, live, stream):
    # Its head says so, hence nothing of it need be read and no time limit comes into it. One that does not say so is
    # tried at the transport, with a limit that is soon reached.
    up.on(PATH, Huge(size=400_000_000))
    client = live(APP.format(url=up.url))

    answer = client.ask(stream=stream)

    assert answer.error["code"] == "upstream_garbage"
    up.wait(lambda: up.disconnects == 1)


def test_the_whole_answer_has_one_limit_of_time(up, live):
    up.on(PATH, openai_stream(["x "] * 200, gap=0.05))
    client = live(APP.format(url=up.url).replace("total = 1.5", "total = 0.7"))

    answer = client.ask(stream=True)

    assert answer.text.startswith("x x")
    assert answer.error["code"] == "upstream_timeout"
    up.wait(lambda: up.disconnects == 1)


def test_nobody_listening_is_told_as_such(live):
    client = live(APP.format(url="http://127.0.0.1:9"))

    answer = client.ask()

    assert (answer.status, answer.error["code"]) == (502, "upstream_connect")


TWO_KEYS = """
[models.main]
provider = "openai"
base_url = "{url}/v1"
keys = [{{ file = "first" }}, {{ file = "second" }}]
strategy = "order"
fallback = ["spare"]
price = {{ input = "1", output = "2" }}
[models.spare]
provider = "openai"
base_url = "{url}/spare"
price = {{ input = "1", output = "2" }}
"""


def test_a_key_at_its_limit_is_left_alone_for_the_next_one(up, live, tmp_path):
    (tmp_path / "first").write_text("sk-first")
    (tmp_path / "second").write_text("sk-second")
    up.on(PATH, TooMany(retry_after=60), openai_chat("from the second"))
    client = live(TWO_KEYS.format(url=up.url))

    first, second = client.ask(), client.ask()

    assert (first.text, second.text) == ("from the second",) * 2
    assert [asked.headers["authorization"][-6:] for asked in up.requests] == ["-first", "second", "second"]
    assert client.trace(first.trace)["row"]["attempts"] == 2
    assert client.trace(second.trace)["row"]["attempts"] == 1


def test_when_all_keys_are_at_their_limit_the_fallback_answers(up, live, tmp_path):
    (tmp_path / "first").write_text("sk-first")
    (tmp_path / "second").write_text("sk-second")
    up.on(PATH, TooMany(retry_after=60)).on("/spare/chat/completions", openai_chat("from the spare"))
    client = live(TWO_KEYS.format(url=up.url))

    answer = client.ask("anthropic")

    assert answer.text == "from the spare"
    assert answer.headers["x-rowen-model"] == "spare"
    spans = [span["attributes"] for span in client.trace(answer.trace)["spans"] if "upstream_limited" in str(span)]
    assert len(spans) == 2


def test_the_callers_retry_after_is_the_providers(up, live):
    up.on(PATH, TooMany(retry_after=61))
    client = live(APP.format(url=up.url))

    answer = client.ask()

    assert answer.status == 429
    assert 55 <= float(answer.headers["retry-after"]) <= 61


MIDSTREAM = """
[models.main]
provider = "openai"
base_url = "{url}/v1"
retries = 0
midstream = "{policy}"
fallback = ["spare"]
price = {{ input = "1", output = "2" }}
[models.spare]
provider = "openai"
base_url = "{url}/spare"
price = {{ input = "1", output = "2" }}
"""


@pytest.mark.parametrize("shape", ["openai", "anthropic"])
def test_continue_goes_on_from_the_text_so_far_in_one_stream(up, live, shape):
    up.on(PATH, Cut(then=STREAM, after_chunks=4)).on("/spare/chat/completions", openai_stream(["and ", "the end"]))
    client = live(MIDSTREAM.format(url=up.url, policy="continue"))

    answer = client.ask(shape, stream=True)

    assert answer.text == "one two three and the end"
    assert "error" not in answer.body.decode()
    assert up.requests[1].json()["messages"][-1] == {"role": "assistant", "content": "one two three"}
    assert client.trace(answer.trace)["row"].get("status", "ok") == "ok"


def test_restart_hides_the_break_from_a_caller_who_waits_for_the_whole(up, live):
    up.on(PATH, Cut(then=STREAM, after_chunks=4)).on("/spare/chat/completions", openai_stream(["all anew"]))
    client = live(MIDSTREAM.format(url=up.url, policy="restart"))

    answer = client.ask()

    assert answer.text == "all anew"
    row = client.trace(answer.trace)["row"]
    assert (row.get("status", "ok"), row["attempts"]) == ("ok", 2)
    assert float(row["waste"]) > 0


def test_fail_ends_the_stream_and_asks_nobody_else(up, live):
    up.on(PATH, Cut(then=STREAM, after_chunks=4)).on("/spare/chat/completions", openai_stream(["never"]))
    client = live(MIDSTREAM.format(url=up.url, policy="fail"))

    answer = client.ask(stream=True)

    assert answer.error["code"] == "upstream_cut"
    assert len(up.requests) == 1


def test_a_server_asks_its_own_region_and_the_other_only_when_that_is_down(live, up):
    app = f"""
[models.main]
provider = "openai"
retries = 0
[[models.main.deployments]]
region = "us"
weight = 99
base_url = "{up.url}/us/v1"
[[models.main.deployments]]
region = "eu"
base_url = "{up.url}/eu/v1"
"""
    up.on("/us/v1/chat/completions", openai_chat("from afar"))
    up.on("/eu/v1/chat/completions", *[openai_chat("from here")] * 20, ServerError(status=503))
    client = live(app, region="eu")

    near = {client.ask().text for _ in range(20)}
    far = client.ask()

    assert near == {"from here"}
    assert (far.status, far.text) == (200, "from afar")


def test_an_engine_of_ones_own_is_told_of_the_trace_and_nobody_else_is(live, up):
    app = f"""
[models.main]
provider = "openai"
base_url = "{up.url}/own/v1"
traceparent = true
[models.vendor]
provider = "openai"
base_url = "{up.url}/vendor/v1"
"""
    up.on("*", openai_chat("ok"))
    client = live(app)

    alone = client.ask()
    within = client.ask(headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    client.ask(model="vendor", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})

    told = [each.headers.get("traceparent", "") for each in up.requests]
    roots = [client.trace(each.trace)["spans"][0]["id"] for each in (alone, within)]
    assert told == [f"00-{alone.trace}-{roots[0]}-01", f"00-{'a' * 32}-{roots[1]}-01", ""]
