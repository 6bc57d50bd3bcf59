"""Two servers on one database: what is written through one is read through the other."""

import signal

from rowen.testing.postgres import PostgresServer
from rowen.testing.upstream import openai_chat

STOPPED = (0, -signal.SIGTERM)  # uvicorn ends by the signal that it was sent
PATH = "/v1/chat/completions"
APP = """
[models.main]
provider = "openai"
base_url = "{url}/v1"
retries = 0
"""


def test_two_servers_on_one_database_know_what_either_was_told(up, process, until, rowen, address):
    up.on(PATH, *[openai_chat("ok")] * 20)
    one = process(APP.format(url=up.url), "--store", address)
    one.admin = one.admin or one.first_admin()
    other = process(APP.format(url=up.url), "--store", address)
    other.admin = one.admin

    secret = one.new_key("shared")
    until(lambda: other.ask(key=secret).status == 200, 5)
    answer = other.ask(key=secret, max_tokens=7)
    until(lambda: any(row["id"] == answer.trace for row in one.api("/api/traces")), 10)
    (key,) = [key for key in one.api("/api/keys") if key["name"] == "shared"]
    one.api(f"/api/keys/{key['id']}/revoke", "POST")
    until(lambda: other.ask(key=secret).status == 401, 5)

    said = rowen("doctor", "--store", address)
    assert said.returncode == 0, said.stdout
    assert "PostgreSQL at 127.0.0.1/postgres" in said.stdout
    told = (*one.said, *other.said, one.errors.read_text(), other.errors.read_text(), said.stdout)
    assert not any("for%20tests" in text or "for tests only" in text for text in told)
    assert all(server.stop() in STOPPED for server in (one, other))


def test_a_server_starts_again_with_all_that_it_knew_and_says_when_its_database_is_away(up, process, until, rowen):
    up.on(PATH, *[openai_chat("ok")] * 50)
    database = PostgresServer.made()
    try:
        server = process(APP.format(url=up.url), "--store", database.address)
        server.admin = server.admin or server.first_admin()
        secret = server.new_key("calls")
        assert server.ask(key=secret).status == 200

        database.stop()

        until(lambda: server.send("GET", "/readyz").status == 503, 10)
        assert rowen("doctor", "--store", database.address).returncode != 0

        database.start()

        until(lambda: server.send("GET", "/readyz").status == 200, 10)
        assert server.ask(key=secret).status == 200
        assert server.stop() in STOPPED
        again = process(APP.format(url=up.url), "--store", database.address)
        assert again.ask(key=secret).status == 200
        assert again.stop() in STOPPED
    finally:
        database.remove()
