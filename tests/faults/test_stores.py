"""A store that is full, damaged, closed or shared: a clear error, and nothing lost."""

import contextlib
import hashlib
import os
import signal
import sqlite3

import pytest

from rowen.testing.upstream import openai_chat

ECHO = '[models.main]\nprovider = "echo"\n'
PATH = "/v1/chat/completions"
STOPPED = {0, -signal.SIGTERM}  # the server gives the signal on to itself once everything is closed


def test_on_a_full_disk_calls_are_answered_and_traces_wait_until_there_is_space(live, tmp_path, until):
    # A file may grow by so much and no more, which SQLite reports as a full disk.
    client = live(ECHO, store=f"sqlite:{tmp_path}/data?max_pages=120", trace_every=0.05)
    long = os.urandom(60_000).hex()

    answers = [client.ask(text=long + str(number)) for number in range(12)]
    until(lambda: client.opened.buffer.failing)
    after = client.ask()

    assert {answer.status for answer in answers} == {200}
    assert after.status == 200
    assert client.opened.buffer.failing == "traces.db: the disk is full (traces.db)"
    assert client.send("GET", "/readyz").status == 503
    assert client.metric("rowen_traces_waiting") > 0
    assert client.send("GET", "/healthz").status == 200


def test_limits_that_cannot_be_kept_refuse_and_hold_again_with_the_store(live, tmp_path, until):
    client = live(ECHO + '[limits]\nper_key = "100/min"\n', store=f"sqlite:{tmp_path}/data?busy_ms=50")
    blocker = sqlite3.connect(tmp_path / "data" / "counters.db", isolation_level=None)

    blocker.execute("BEGIN EXCLUSIVE")
    refused = client.ask()
    blocker.execute("ROLLBACK")
    blocker.close()
    again = client.ask()

    assert (refused.status, refused.error["code"]) == (503, "store_unavailable")
    assert "counters.db" in refused.error["message"]
    assert again.status == 200


@pytest.mark.parametrize("name", ["rowen.db", "traces.db"])  # tests/store/sqlite/test_file.py has all of them
def test_a_damaged_file_at_the_start_is_named_and_left_untouched(rowen, tmp_path, name):
    (tmp_path / "app.toml").write_text('[app]\nname = "shop"\n' + ECHO)
    (tmp_path / "data").mkdir()
    damaged = b"this is no database " * 500
    (tmp_path / "data" / name).write_bytes(damaged)

    ended = rowen("serve", "app.toml", "--port", "0", "--store", "sqlite:data")

    assert ended.returncode == 1
    assert f"the database file {name} is damaged" in ended.stderr
    assert "Restore it from a backup" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert hashlib.sha256((tmp_path / "data" / name).read_bytes()).digest() == hashlib.sha256(damaged).digest()


def test_a_place_that_cannot_hold_a_store_is_a_sentence_and_an_exit_code(rowen, tmp_path):
    (tmp_path / "app.toml").write_text('[app]\nname = "shop"\n' + ECHO)
    (tmp_path / "file").write_text("in the way")

    ended = rowen("serve", "app.toml", "--port", "0", "--store", "sqlite:file/data")

    assert ended.returncode == 4
    assert "cannot be used for the store" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_told(rowen, tmp_path):
    (tmp_path / "app.toml").write_text('[app]\nname = "shop"\n' + ECHO)
    (tmp_path / "data").mkdir(mode=0o500)

    ended = rowen("serve", "app.toml", "--port", "0", "--store", "sqlite:data")

    assert ended.returncode == 4
    assert "cannot be used for the store" in ended.stderr


def test_a_place_that_is_taken_is_told(rowen, live, tmp_path):
    client = live(ECHO)

    ended = rowen("serve", "app.toml", "--port", client.netloc.rpartition(":")[2], "--store", "sqlite:data")

    assert ended.returncode == 2
    assert "cannot listen on" in ended.stderr


def test_two_processes_on_one_store_are_one_deployment(process, rowen, together, until, tmp_path):
    app = ECHO + '[limits]\nper_app = "60/day"\n'
    one = process(app, "--store", "sqlite:data")
    admin = one.admin or one.first_admin()
    two = process(app, "--store", "sqlite:data")
    one.admin = two.admin = admin

    secret = one.new_key("shared")
    until(lambda: two.send("GET", "/v1/models", key=secret).status == 200, 1.5)
    with together(
        lambda client: [client.ask(key=secret, text=str(number)).status for number in range(25)], [one, two] * 2
    ) as statuses:
        pass
    (made,) = [key for key in two.api("/api/keys") if key["name"] == "shared"]
    one.api(f"/api/keys/{made['id']}/revoke", "POST", {})
    until(lambda: two.send("GET", "/v1/models", key=secret).status == 401, 1.5)

    assert sum(each.count(200) for each in statuses) == 60
    assert sum(each.count(429) for each in statuses) == 40
    assert all(server.stop() in STOPPED for server in (one, two))
    doctor = rowen("doctor", "--store", "sqlite:data", "--json")
    assert '{"part": "audit chain", "state": "ok"}' in doctor.stdout
    assert doctor.returncode == 0
    kept = rowen("traces", "list", "--store", "sqlite:data", "--status", "ok", "--limit", "1000", "--json")
    assert kept.stdout.count('"status": "ok"') == 60, one.errors.read_text() + two.errors.read_text()


def test_an_answer_from_a_provider_is_not_lost_when_its_trace_cannot_be_written_yet(up, live, tmp_path, until):
    up.on(PATH, openai_chat("hello"))
    client = live(
        f'[models.main]\nprovider = "openai"\nbase_url = "{up.url}/v1"\n',
        store=f"sqlite:{tmp_path}/data?busy_ms=50",
        trace_every=0.05,
    )
    blocker = sqlite3.connect(tmp_path / "data" / "traces.db", isolation_level=None)

    blocker.execute("BEGIN IMMEDIATE")
    answer = client.ask()
    until(lambda: client.opened.buffer.failing)
    waiting = client.metric("rowen_traces_waiting")
    blocker.execute("ROLLBACK")
    blocker.close()
    until(lambda: client.metric("rowen_traces_waiting") == 0)

    assert answer.text == "hello"
    assert waiting == 1
    assert client.trace(answer.trace)["row"].get("status", "ok") == "ok"


def test_a_server_that_is_older_than_its_store_says_what_to_install_and_changes_nothing(rowen, tmp_path):
    (tmp_path / "app.toml").write_text('[app]\nname = "shop"\n[models.main]\nprovider = "echo"\n')
    assert rowen("doctor").returncode == 0
    database = tmp_path / ".rowen" / "rowen.db"
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    ended = rowen("serve", "--port", "0")

    assert ended.returncode != 0
    assert "rowen.db was written by a newer Rowen than this one" in ended.stderr
    assert "pip install --upgrade rowen" in ended.stderr
    assert "Traceback" not in ended.stderr
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
