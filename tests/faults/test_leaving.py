"""A server that was told to stop says so to a balancer first, and goes on answering."""

import os
import signal

import pytest

from rowen.testing.upstream import openai_chat

STOPPED = (0, -signal.SIGTERM)  # uvicorn ends by the signal that it was sent


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process that is told to stop")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_is_to_stop_is_not_ready_but_answers_until_its_drain_is_over_or_it_is_told_again(
    up, process, until, workers
):
    up.on("*", openai_chat("ok"))
    app = f'[models.main]\nprovider = "openai"\nbase_url = "{up.url}/v1"\n'
    server = process(app, "--workers", str(workers), server='drain = "10m"')
    server.admin = server.admin or server.first_admin()
    key = server.new_key("calls")
    until(lambda: {server.ask(key=key).status for _ in range(8)} == {200})  # every worker knows the key

    server.process.send_signal(signal.SIGTERM)

    until(lambda: {server.send("GET", "/readyz").status for _ in range(8)} == {503})
    assert server.send("GET", "/readyz").json["checks"]["server"] == "failing"
    assert server.send("GET", "/healthz").status == 200
    assert {server.ask(key=key).status for _ in range(8)} == {200}
    assert server.stop() in STOPPED
