"""A served Rowen whose traces live in ClickHouse."""

import http.client
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from rowen.cli.doctor import command
from rowen.testing.otlp import TRACE, request
from rowen.testing.serving import Running, serving

APP = """
[app]
name = "shop"

[models.main]
provider = "echo"
"""


def send(rowen: Running, method: str, path: str, body: Any = None, *, key: str = "", kind: str = "application/json"):
    connection = http.client.HTTPConnection("127.0.0.1", int(rowen.url.rpartition(":")[2]), timeout=30)
    said = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
    connection.request(
        method, path, said, {"authorization": f"Bearer {key or rowen.admin}", "content-type": kind, "host": "127.0.0.1"}
    )
    answer = connection.getresponse()
    found = answer.read()
    connection.close()
    return answer.status, found


def test_calls_and_spans_are_found_at_the_doors_and_doctor_says_where_they_live(tmp_path: Path, traces_address: str):
    app, server = tmp_path / "app.toml", tmp_path / "server.toml"
    app.write_text(APP)
    server.write_text(f'store = "sqlite:{tmp_path}/data"\ntraces = "{traces_address}"\n')

    with serving(app, store=f"sqlite:{tmp_path}/data", traces=traces_address) as rowen:
        asked = {"model": "main", "messages": [{"role": "user", "content": "Where is the barley?"}]}
        status, _ = send(rowen, "POST", "/v1/chat/completions", asked, key=rowen.key)
        spans = request({"name": "plan"}).SerializeToString()
        sent, _ = send(rowen, "POST", "/v1/traces", spans, key=rowen.key, kind="application/x-protobuf")
        rowen.do(rowen.opened.buffer.flush())
        _, listed = send(rowen, "GET", "/api/traces?text=barley")
        _, whole = send(rowen, "GET", f"/api/traces/{TRACE}")
        ready, _ = send(rowen, "GET", "/readyz")
    said = CliRunner().invoke(command, ["--server", str(server), "--json"])

    assert (status, sent, ready) == (200, 200, 200)
    assert b"Where is the barley?" in listed
    assert b"plan" in whole
    assert said.exit_code == 0, said.output
    assert "store: traces (ClickHouse at 127.0.0.1:" in said.output
    assert "for tests only" not in said.output
    assert "for%20tests" not in said.output
