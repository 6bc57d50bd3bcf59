"""Batches from the outside when something is wrong: broken forms, keys that end, limits of room."""

import json

import pytest

APP = '[models.main]\nprovider = "echo"\n[models.tight]\nprovider = "echo"\n'
CHAT = "/v1/chat/completions"
HEAD = b'--xx7\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
PART = b'--xx7\r\ncontent-disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
END = b"\r\n--xx7--\r\n"


def line(id: str = "a", model: str = "main") -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    return json.dumps({"custom_id": id, "method": "POST", "url": CHAT, "body": body}).encode()


def sent(client, body: bytes, kind: str = "multipart/form-data; boundary=xx7", key: str = ""):
    return client.send("POST", "/v1/files", body, key or client.key, content_type=kind)


@pytest.fixture
def client(live):
    return live(APP, batch_bytes=20_000, body_limit=10_000)


@pytest.mark.parametrize(
    ("body", "kind", "status", "place"),
    [
        (b"{}", "application/json", 415, "content-type"),
        (HEAD + END, "multipart/form-data", 415, "content-type"),
        (HEAD + b"--xx7--\r\n", "multipart/form-data; boundary=xx7", 400, "file"),
        (HEAD + PART + b"{}", "multipart/form-data; boundary=xx7", 400, "body"),
        (b"not a form", "multipart/form-data; boundary=xx7", 400, "body"),
        (b"", "multipart/form-data; boundary=xx7", 400, "file"),
        (HEAD + PART + b"{}\r\n" + PART + b"{}" + END, "multipart/form-data; boundary=xx7", 400, "file"),
        (PART + b"{}" + END, "multipart/form-data; boundary=xx7", 400, "purpose"),
        (
            b'--xx7\r\ncontent-disposition: form-data; name="purpose"\r\n\r\n' + b"b" * 9_000 + END,
            "multipart/form-data; boundary=xx7",
            400,
            "purpose",
        ),
        (HEAD + PART + b"x" * 30_000 + END, "multipart/form-data; boundary=xx7", 413, "file"),
        (HEAD * 30 + PART + b"{}" + END, "multipart/form-data; boundary=xx7", 400, "body"),
        (b"--xx7\r\n" + b"x" * 9_000 + b": y\r\n\r\n" + END, "multipart/form-data; boundary=xx7", 400, "body"),
    ],
)
def test_a_form_that_is_wrong_is_refused_with_its_place_and_leaves_nothing(client, body, kind, status, place):
    answer = sent(client, body, kind)

    assert (answer.status, answer.error["param"]) == (status, place), answer.body
    records = client.opened.store.records
    assert client.running.do(records.find("file")) == []
    assert client.running.do(records.find("file.piece")) == []


def test_the_order_of_a_forms_parts_is_no_matter(client):
    answer = sent(client, PART + line() + b"\r\n" + HEAD + b"--xx7--\r\n")

    assert answer.status == 200, answer.body
    assert client.send("GET", f"/v1/files/{answer.json['id']}/content", key=client.key).body == line()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/files/file-nothing", 404),
        ("GET", "/v1/files/file-nothing/content", 404),
        ("GET", "/v1/files/a/b/c", 404),
        ("PUT", "/v1/files", 405),
        ("GET", "/v1/files?limit=none", 400),
        ("GET", "/v1/files?after=file-nothing", 404),
        ("GET", "/v1/batches/nothing", 404),
        ("POST", "/v1/batches/nothing/cancel", 404),
        ("POST", "/v1/batches/nothing/begin", 404),
        ("GET", "/v1/batches?limit=101", 400),
        ("GET", "/v1/messages/batches/nothing", 404),
        ("GET", "/v1/messages/batches/nothing/results", 404),
        ("GET", "/v1/messages/batches?after_id=nothing", 404),
    ],
)
def test_what_is_not_there_or_cannot_be_is_an_error_of_the_doors_shape(client, method, path, status):
    answer = client.send(method, path, key=client.key)

    assert answer.status == status, answer.body
    assert answer.error["code"]
    assert client.send(method, path).status in {401, 405}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"requests": []},
        {"requests": [3]},
        {"requests": [{"custom_id": "", "params": {}}]},
        {"requests": [{"custom_id": "a", "params": []}]},
        {"requests": [{"custom_id": "a", "params": {}}, {"custom_id": "a", "params": {}}]},
        {"requests": [], "more": 1},
    ],
)
def test_requests_that_are_wrong_make_no_batch(client, body):
    answer = client.send("POST", "/v1/messages/batches", body, client.key)

    assert answer.status == 400, answer.body
    assert client.running.do(client.opened.store.records.find("file")) == []


def test_a_key_that_is_revoked_ends_its_batch_line_by_line(client, until):
    key = client.api("/api/keys", "POST", {"name": "gone", "scopes": ["call"]})
    file = sent(client, HEAD + PART + line("a") + b"\n" + line("b") + END, key=key["secret"]).json["id"]
    queue = client.opened.worker
    client.running.do(queue.stop())  # nobody works until the key is gone
    body = {"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"}
    made = client.send("POST", "/v1/batches", body, key["secret"]).json["id"]
    client.api(f"/api/keys/{key['key']['id']}/revoke", "POST")
    until(lambda: client.send("GET", "/v1/files", key=key["secret"]).status == 401)

    client.running.do(client.opened.worked())

    (batch,) = client.running.do(client.opened.store.records.find("batch"))
    results = client.running.do(client.opened.store.records.find("batch.line"))
    assert batch.id == made
    assert batch.state == "completed"
    assert {json.loads(each.body)["response"]["body"]["error"]["code"] for each in results} == {"key_revoked"}
    assert {each.state for each in results} == {"bad"}
