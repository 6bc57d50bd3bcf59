"""The whole process speaks to nobody but the providers that are configured."""

import json
import os
from contextlib import closing

from rowen.testing.processes import Nursery
from rowen.testing.upstream import openai_chat

GUARD = """
import sys, json
def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        where = args[1] if event in ("socket.connect", "socket.sendto") else args[0]
        with open(LOG, "a") as log:
            log.write(json.dumps([event, str(where)]) + "\\n")
sys.addaudithook(watch)
"""


def test_a_server_at_work_speaks_to_its_provider_and_to_nobody_else(up, process, tmp_path, until):
    up.on("/v1/chat/completions", openai_chat("from here"))
    log = tmp_path / "calls.jsonl"
    log.touch()
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(f"LOG = {str(log)!r}\n{GUARD}")
    app = f'[models.main]\nprovider = "openai"\nbase_url = "{up.url}/v1"\n[models.echo]\nprovider = "echo"\n'

    # One of its own, so that what is imported is watched as well.
    watched = {**os.environ, "PYTHONPATH": str(guard)}
    with closing(Nursery(("rowen.cli.main", "rowen.cli.serve"), env=watched)) as nursery:
        server = process(app, "--store", "sqlite:data", nursery=nursery)
        server.admin = server.admin or server.first_admin()
        secret = server.new_key("calls")
        answers = [server.ask(key=secret, model=model).status for model in ("main", "echo")]
        pages = [server.send("GET", path).status for path in ("/metrics", "/readyz", "/sign-in")]
        until(lambda: len(server.api("/api/traces")) == 2)
        server.stop()

    assert answers == [200, 200]
    assert pages == [200, 200, 200]
    spoken = [json.loads(line) for line in log.read_text().splitlines()]
    assert spoken, "the guard saw nothing, so it proves nothing"
    assert [each for each in spoken if "127.0.0.1" not in each[1] and not each[1].startswith("/")] == []


def test_pages_fetch_nothing_from_elsewhere(live):
    client = live('[models.main]\nprovider = "echo"\n')

    page = client.send("GET", "/sign-in")

    assert "default-src 'none'" in page.headers["content-security-policy"] or (
        "default-src 'self'" in page.headers["content-security-policy"]
    )
    assert b"https://" not in page.body
