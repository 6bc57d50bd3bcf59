"""Callers that leave, dawdle, overdo it or speak no HTTP harm nobody but themselves."""

import http.client
import json
import socket
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from rowen.testing.upstream import Hang, openai_chat, openai_stream

PATH = "/v1/chat/completions"
APP = """
[models.main]
provider = "openai"
base_url = "{url}/v1"
price = {{ input = "1", output = "2" }}
[limits]
budget = "1 USD/day"
concurrency = 4
prompt_tokens = 1000
answer_tokens = 1000
"""


def dial(client) -> socket.socket:
    address = urlsplit(client.url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def request(body: bytes, *lines: str, path: str = PATH) -> bytes:
    head = "\r\n".join([f"POST {path} HTTP/1.1", "host: rowen", "content-type: application/json", *lines])
    return head.encode() + b"\r\n\r\n" + body


def answer_of(connection: socket.socket) -> bytes:
    """One answer: its head and the body that it declares."""
    reply = http.client.HTTPResponse(connection)
    reply.begin()
    return f" {reply.status} \n{reply.msg}\n".encode() + reply.read()


def all_of(connection: socket.socket) -> bytes:
    """Everything until the other side closes."""
    got = b""
    try:
        while piece := connection.recv(65_536):
            got += piece
    except ConnectionResetError:
        pass
    return got


@pytest.mark.parametrize("streamed", [True, False], ids=["in mid-stream", "before the answer"])
@pytest.mark.parametrize("shape", ["openai", "anthropic"])
def test_a_caller_who_leaves_stops_the_provider_and_leaves_nothing_behind(up, live, until, shape, streamed):
    up.on(PATH, Hang(then=openai_stream(["word "] * 5), after_chunks=4))
    client = live(APP.format(url=up.url))
    body = {"model": "main", "max_tokens": 50, "stream": streamed, "messages": [{"role": "user", "content": "hi"}]}
    raw = json.dumps(body).encode()
    path = PATH if shape == "openai" else "/v1/messages"

    with closing(dial(client)) as connection:
        connection.sendall(
            request(raw, f"authorization: Bearer {client.key}", f"content-length: {len(raw)}", path=path)
        )
        if streamed:
            got = b""
            while b"word" not in got:
                got += connection.recv(65_536)
        else:
            up.wait(lambda: len(up.requests) == 1)

    up.wait(lambda: up.disconnects == 1)
    until(lambda: client.metric("rowen_in_flight") == 0)
    (row,) = until(client.traces)
    assert (row["status"], row["code"]) == ("cancelled", "cancelled")
    assert 0 < float(row["waste"]) < 0.001
    until(lambda: up.open_connections == 0)


def test_places_of_callers_who_left_are_free_again(up, live, until):
    up.on(PATH, *[Hang()] * 4, openai_chat("there is room"))
    client = live(APP.format(url=up.url))
    raw = b'{"model":"main","messages":[{"role":"user","content":"hi"}]}'
    gone = [dial(client) for _ in range(4)]
    for connection in gone:
        connection.sendall(request(raw, f"authorization: Bearer {client.key}", f"content-length: {len(raw)}"))
    up.wait(lambda: len(up.requests) == 4)

    refused = client.ask()
    for connection in gone:
        connection.close()
    up.wait(lambda: up.disconnects == 4)
    until(lambda: client.metric("rowen_in_flight") == 0)
    answered = client.ask()

    assert (refused.status, refused.error["code"]) == (429, "limit_concurrency")
    assert answered.text == "there is room"


def test_a_head_that_dribbles_is_closed(live):
    client = live('[models.main]\nprovider = "echo"\n', body_timeout=0.3)

    with closing(dial(client)) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: ")
        got = all_of(connection)

    assert got == b"" or b" 408 " in got.splitlines()[0]
    assert client.ask().status == 200


@pytest.mark.parametrize("path", [PATH, "/v1/messages"])
def test_a_body_that_dribbles_is_refused_by_name(live, path):
    client = live('[models.main]\nprovider = "echo"\n', body_timeout=0.3)

    with closing(dial(client)) as connection:
        connection.sendall(
            request(b'{"model"', f"authorization: Bearer {client.key}", "content-length: 100", path=path)
        )
        got = answer_of(connection)

    assert b" 408 " in got.splitlines()[0]
    assert b"body_too_slow" in got
    assert b"x-rowen-trace" in got


@pytest.mark.parametrize(
    "sent",
    [b"GARBAGE\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"POST / HTTP/9.9\r\nhost: x\r\n\r\n"],
    ids=["words", "a TLS greeting", "a version that is none"],
)
def test_what_is_no_http_is_turned_away(live, sent):
    client = live('[models.main]\nprovider = "echo"\n', body_timeout=0.5)

    with closing(dial(client)) as connection:
        connection.sendall(sent)
        got = all_of(connection)

    assert got == b"" or b" 400 " in got.splitlines()[0]
    assert client.ask().status == 200


@pytest.mark.parametrize("lines", [("content-length: 5",) * 2, ("content-length: 5", "transfer-encoding: chunked")])
def test_a_body_of_two_lengths_is_never_read_as_two_requests(live, lines):
    client = live('[models.main]\nprovider = "echo"\n', body_timeout=0.5)

    with closing(dial(client)) as connection:
        connection.sendall(
            request(
                b"0\r\n\r\nGET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n", f"authorization: Bearer {client.key}", *lines
            )
        )
        got = all_of(connection)

    assert got.count(b"HTTP/1.1 ") <= 1
    assert b" 200 " not in got.splitlines()[0] if got else True


@pytest.mark.parametrize(("path", "name"), [(PATH, "authorization"), ("/v1/messages", "x-api-key")])
def test_a_key_that_comes_twice_is_refused(live, path, name):
    client = live('[models.main]\nprovider = "echo"\n')
    raw = b'{"model":"main","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
    key = f"Bearer {client.key}" if name == "authorization" else client.key

    with closing(dial(client)) as connection:
        connection.sendall(request(raw, f"{name}: {key}", f"{name}: {key}", f"content-length: {len(raw)}", path=path))
        got = answer_of(connection)

    assert b" 400 " in got.splitlines()[0]
    assert b"header_repeated" in got
    assert client.key.encode() not in got


def prompt(text: str) -> dict[str, object]:
    return {"model": "main", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}


@pytest.mark.parametrize("shape", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(prompt("word " * 2000), 413, "prompt_too_long", id="prompt"),
        pytest.param({**prompt("x"), "max_tokens": 10**12}, 400, "answer_too_long", id="max_tokens"),
        pytest.param(b'{"model":' + b"[" * 50_000 + b"]" * 50_000 + b"}", 400, "json_too_deep", id="deep JSON"),
        pytest.param(b'{"a":' * 9_000 + b"1" + b"}" * 9_000, 400, "json_too_deep", id="deep objects"),
        pytest.param(b'{"model": "main"', 400, "json_malformed", id="half JSON"),
        pytest.param(b'{"model": "\xff\xfe"}', 400, "utf8_invalid", id="no UTF-8"),
        pytest.param(b"", 400, "json_malformed", id="nothing"),
        pytest.param(b"[]", 400, None, id="a list"),
        pytest.param({**prompt("x"), "messages": {}}, 400, "field_invalid", id="messages of another type"),
        pytest.param({**prompt("x"), "temperature": "warm"}, 400, "field_invalid", id="temperature of another type"),
        pytest.param({**prompt("x"), "max_tokens": -1}, 400, "field_invalid", id="negative max_tokens"),
        pytest.param({**prompt("x"), "model": "mian"}, 404, "model_unknown", id="unknown model"),
    ],
)
def test_what_would_exhaust_or_confuse_is_refused_before_the_provider_is_asked(up, live, shape, body, status, code):
    client = live(APP.format(url=up.url))

    answer = client.send("POST", PATH if shape == "openai" else "/v1/messages", body, client.key)

    assert answer.status == status, answer.body[:300]
    assert code in {None, answer.error["code"]}
    assert answer.trace in answer.body.decode()
    assert up.requests == []


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_over_the_limit_is_refused_whether_declared_or_not(live, declared):
    client = live('[models.main]\nprovider = "echo"\n', body_limit=100_000)
    key = f"authorization: Bearer {client.key}"

    with closing(dial(client)) as connection:
        if declared:
            connection.sendall(request(b"", key, "content-length: 100000000"))
        else:
            connection.sendall(request(b"", key, "transfer-encoding: chunked"))
            piece = b"%x\r\n%b\r\n" % (60_000, b"x" * 60_000)
            connection.sendall(piece * 2)
        got = answer_of(connection)

    assert b" 413 " in got.splitlines()[0]
    assert b"body_too_large" in got


@pytest.mark.parametrize("shape", ["openai", "anthropic"])
def test_a_key_that_is_missing_unknown_or_out_of_scope_is_told_apart(live, shape):
    client = live('[models.main]\nprovider = "echo"\n')
    narrow = client.running.new_key("narrow", models=("other",))
    path = PATH if shape == "openai" else "/v1/messages"

    codes = [client.send("POST", path, prompt("x"), key).error["code"] for key in ("", "rk-nobody", narrow)]

    assert codes == ["key_missing", "key_unknown", "key_scope"]
