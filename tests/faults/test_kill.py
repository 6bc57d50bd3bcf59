"""A killed server lost nothing older than a second, and its budgets count at least what was spent."""

import json
import signal
import sqlite3
import threading
import time
from contextlib import closing

from rowen.testing.upstream import Delay, openai_chat, openai_stream

PATH = "/v1/chat/completions"
APP = """
[models.main]
provider = "openai"
base_url = "{url}/v1"
retries = 0
price = {{ input = "1000", output = "1000" }}
[limits]
budget = "100 USD/day"
"""


def hammer(client, secret: str, stop: threading.Event, acknowledged: list[tuple[str, float]]) -> None:
    while not stop.is_set():
        try:
            answer = client.ask(key=secret, max_tokens=5)
        except OSError:
            return
        if answer.status == 200:
            acknowledged.append((answer.trace, time.monotonic()))


def test_a_kill_under_load_keeps_every_trace_older_than_a_second_and_the_budget(
    up, process, together, until, rowen, tmp_path
):
    up.on(PATH, openai_chat("ok"))  # 10 tokens, 0.01 USD
    app = APP.format(url=up.url)
    first = process(app, "--store", "sqlite:data")
    admin = first.admin or first.first_admin()
    secret = first.new_key("load")
    acknowledged: list[tuple[str, float]] = []
    stop = threading.Event()

    with together(lambda _: hammer(first, secret, stop, acknowledged), range(8)):
        began = time.monotonic()
        until(lambda: time.monotonic() - began > 2.5 and len(acknowledged) > 100, 60)
        killed = time.monotonic()
        first.kill()
        stop.set()
    again = process(app, "--store", "sqlite:data")
    again.admin = admin

    exported = rowen("traces", "export", "--store", "sqlite:data", "--limit", "100000").stdout
    kept = {json.loads(line)["row"]["id"] for line in exported.splitlines()}
    due = [trace for trace, when in acknowledged if when < killed - 1]
    assert len(due) > 50
    assert [trace for trace in due if trace not in kept] == []
    with closing(sqlite3.connect(tmp_path / "data" / "counters.db")) as counters:
        (spent,) = counters.execute("SELECT max(amount) FROM sums").fetchone()
    assert spent / 1e9 >= len(acknowledged) * 0.01
    assert again.ask(key=secret, max_tokens=5).status == 200


def test_a_stop_lets_the_call_under_way_finish_and_loses_no_trace(up, process, together, until, rowen):
    up.on(PATH, *[openai_chat("ok")] * 20, openai_stream(["a ", "b ", "c ", "d"], gap=0.3))
    server = process(APP.format(url=up.url), "--store", "sqlite:data")
    server.admin = server.admin or server.first_admin()
    secret = server.new_key("calls")
    answers = [server.ask(key=secret) for _ in range(20)]

    with together(lambda _: server.ask(key=secret, stream=True), range(1)) as outcomes:
        up.wait(lambda: len(up.requests) == 21)
        code = server.stop()

    assert code in {0, -signal.SIGTERM}
    assert outcomes[0].text == "a b c d"
    exported = rowen("traces", "export", "--store", "sqlite:data").stdout
    kept = {row["id"]: row.get("status", "ok") for row in (json.loads(line)["row"] for line in exported.splitlines())}
    assert kept == {answer.trace: "ok" for answer in [*answers, outcomes[0]]}


def test_a_call_that_outlasts_the_grace_is_ended_and_recorded(up, process, together, rowen):
    up.on(PATH, Delay(seconds=60, then=openai_chat("late")))
    server = process(APP.format(url=up.url), "--store", "sqlite:data", server="grace = 1\n")
    server.admin = server.admin or server.first_admin()
    secret = server.new_key("calls")

    with together(lambda _: server.ask(key=secret), range(1)):
        up.wait(lambda: len(up.requests) == 1)
        server.stop()

    exported = rowen("traces", "export", "--store", "sqlite:data").stdout
    (row,) = [json.loads(line)["row"] for line in exported.splitlines()]
    assert row["status"] in {"cancelled", "failed"}
