"""No secret stands in the clear in anything that Rowen writes, logs, answers or shows."""

import re

from rowen.testing.upstream import Cut, Reply, openai_chat, openai_stream

PATH = "/v1/chat/completions"
PROVIDER = "sk-provider-7d1f0c9a5e3b48aa"
SPARE = "sk-spare-2b9c4e6f8a0d41bb"
HEADER = "header-secret-91ab37cd55ef40cc"
OPENED = "rk-never-given-out-0123456789abcdef"
APP = """
[models.main]
provider = "openai"
base_url = "{url}/v1"
key = {{ env = "PROVIDER_KEY" }}
retries = 0
[models.spare]
provider = "anthropic"
base_url = "{url}/spare"
key = {{ file = "spare.key" }}
retries = 0
[limits]
per_key = "1000/min"
"""


def test_a_mixed_load_with_failures_leaves_no_secret_anywhere(up, process, rowen, tmp_path, until):
    (tmp_path / "spare.key").write_text(SPARE)
    echoed = f"Incorrect API key provided: {PROVIDER}. See also {SPARE}"
    refusing = Reply(status=401, body=f'{{"error":{{"message":"{echoed}","code":"invalid_api_key"}}}}'.encode())
    wrong = Reply(status=400, body=f'{{"error":{{"message":"{echoed}"}}}}'.encode())
    broken = Reply(status=500, body=echoed.encode(), content_type="text/plain")
    page = Reply(body=f"<html>{echoed}".encode(), content_type="text/html", headers={"x-echo": PROVIDER})
    up.on(
        PATH,
        openai_chat("fine"),
        openai_stream(),
        refusing,
        wrong,
        broken,
        page,
        Cut(then=openai_stream(), after_chunks=2),
        openai_chat("fine"),
    ).on("/spare/v1/messages", refusing, broken)
    server = process(
        APP.format(url=up.url),
        "--store",
        "sqlite:data",
        PROVIDER_KEY=PROVIDER,
        ROWEN_LOG="debug",
        OPENAI_API_KEY=HEADER,
    )
    server.admin = server.admin or server.first_admin()
    secret = server.new_key("mixed")
    revoked = server.new_key("revoked")
    (made,) = [key for key in server.api("/api/keys") if key["name"] == "revoked"]
    server.api(f"/api/keys/{made['id']}/revoke", "POST", {})

    heard = [server.ask(key=secret, stream=number in {1, 6}) for number in range(8)]
    heard += [server.ask(shape, model="spare", key=secret) for shape in ("openai", "anthropic")]
    heard += [server.ask(key=key) for key in (revoked, OPENED)]
    heard += [server.ask(key=secret, headers={"x-rowen-cache": HEADER, "cookie": f"session={HEADER}"})]
    heard += [server.send("POST", PATH, b'{"model": ' + OPENED.encode(), secret)]
    heard += [server.send("GET", f"/v1/models?key={OPENED}", key=secret)]
    until(lambda: len(server.api("/api/traces")) >= 10)
    heard += [
        server.send("GET", path, key=server.admin) for path in ("/api/keys", "/api/audit", "/api/traces", "/api/models")
    ]
    heard += [server.send("GET", f"/api/traces/{row['id']}", key=server.admin) for row in server.api("/api/traces")]
    heard += [server.send("GET", path) for path in ("/metrics", "/readyz", "/healthz", "/", "/keys", "/sign-in")]
    server.stop()
    heard_text = "\n".join(f"{answer.headers}{answer.body.decode()}" for answer in heard)
    said = server.process.stdout.read() + server.errors.read_text()
    written = b"".join(path.read_bytes() for path in sorted((tmp_path / "data").rglob("*")) if path.is_file())
    exported = rowen("traces", "export", "--store", "sqlite:data").stdout
    listed = rowen("keys", "list", "--store", "sqlite:data", "--json").stdout

    assert sum(answer.status == 200 for answer in heard) > 8
    assert "upstream_key" in heard_text
    assert up.requests[0].headers["authorization"] == f"Bearer {PROVIDER}"
    places = {
        "answers": heard_text,
        "logs": said,
        "files": written.decode("latin-1"),
        "export": exported,
        "list": listed,
    }
    secrets = {
        "provider's key": PROVIDER,
        "spare provider's key": SPARE,
        "caller's key": secret,
        "admin's key": server.admin,
        "revoked key": revoked,
        "unknown key": OPENED,
        "other header": HEADER,
    }
    found = [(name, place) for name, text in secrets.items() for place, whole in places.items() if text in whole]
    assert found == []
    assert not re.search(r"Traceback", said)


def test_the_deployments_own_files_are_for_their_owner_alone(process, tmp_path):
    process('[models.main]\nprovider = "echo"\n', "--store", "sqlite:data")

    modes = {path.name: path.stat().st_mode & 0o077 for path in [tmp_path / "data", *(tmp_path / "data").iterdir()]}

    assert "rowen.db" in modes
    assert set(modes.values()) == {0}
