"""What the span door has answered is on the disk, whenever the server is killed."""

import http.client
import json
import random
import threading
import time
from urllib.parse import urlsplit

import pytest

from rowen.testing.otlp import request

APP = """
[models.main]
provider = "echo"
"""


def hammer(url: str, secret: str, stop: threading.Event, seed: int, acknowledged: list[str]) -> None:
    """Send batches of spans, and note the traces of those that were answered 200."""
    rand = random.Random(seed)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    head = {"authorization": f"Bearer {secret}", "content-type": "application/x-protobuf"}
    while not stop.is_set():
        ids = [rand.getrandbits(128).to_bytes(16, "big") for _ in range(5)]
        now = time.time_ns()
        spans = [
            {"trace_id": id, "span_id": rand.randbytes(8), "start_time_unix_nano": now - 5, "end_time_unix_nano": now}
            for id in ids
        ]
        try:
            connection.request("POST", "/v1/traces", request(*spans).SerializeToString(), head)
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            return
        if reply.status == 200:
            acknowledged.extend(id.hex() for id in ids)


@pytest.mark.parametrize("seed", range(2))
def test_no_span_that_was_acknowledged_is_lost_when_the_server_is_killed(seed, process, together, until, rowen):
    server = process(APP, "--store", "sqlite:data")
    server.admin = server.admin or server.first_admin()
    secret = server.new_key("load")
    acknowledged: list[str] = []
    stop = threading.Event()
    enough = random.Random(seed).randrange(50, 400)

    with together(lambda n: hammer(server.url, secret, stop, seed * 10 + n, acknowledged), range(4)):
        until(lambda: len(acknowledged) >= enough, 60)
        server.kill()
        stop.set()
    sent = list(acknowledged)

    process(APP, "--store", "sqlite:data")  # opens what the kill left behind
    exported = rowen("traces", "export", "--store", "sqlite:data", "--limit", "100000").stdout
    kept = {json.loads(line)["row"]["id"] for line in exported.splitlines()}
    assert len(sent) >= enough
    assert set(sent) - kept == set()
