"""The command line on a fresh folder: what it does, how it says so to programs, and how it fails."""

import json

ECHO = '[app]\nname = "shop"\n[models.main]\nprovider = "echo"\n'


def test_init_makes_an_app_that_checks_and_answers(rowen, tmp_path):
    made = rowen("init", "my-app")
    again = rowen("init", "my-app")
    checked = rowen("check", "--json", cwd=tmp_path / "my-app")
    asked = rowen("ask", "hello there", cwd=tmp_path / "my-app")

    assert (made.returncode, again.returncode) == (0, 2)
    assert "exists already" in again.stderr
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)[0]["app"] == "my-app"
    assert asked.returncode == 0, asked.stderr
    assert "hello there" in asked.stdout


def test_keys_are_made_listed_rotated_and_revoked(rowen):
    store = ("--store", "sqlite:data", "--json")

    made = json.loads(rowen("keys", "create", "first", "--budget", "5 USD/month", *store).stdout)[0]
    listed = json.loads(rowen("keys", "list", *store).stdout)
    (id_,) = [key["id"] for key in listed if key["name"] == "first"]
    rotated = rowen("keys", "rotate", id_, *store)
    revoked = rowen("keys", "revoke", id_, *store)
    unknown = rowen("keys", "revoke", "nobody", *store)

    secret = next(value for value in made.values() if str(value).startswith("rk-"))
    assert secret not in json.dumps(listed)
    assert (rotated.returncode, revoked.returncode) == (0, 0), rotated.stderr + revoked.stderr
    assert unknown.returncode == 2
    assert json.loads(unknown.stderr)["error"]["code"] == "not_found"


def test_doctor_says_what_is_well_and_fails_when_something_is_not(rowen, tmp_path):
    well = rowen("doctor", "--store", "sqlite:data", "--json")
    (tmp_path / "data" / "traces.db").write_bytes(b"no database " * 1000)
    damaged = rowen("doctor", "--store", "sqlite:data", "--json")

    assert well.returncode == 0, well.stdout
    assert {row["part"] for row in json.loads(well.stdout)} >= {"rowen", "audit chain", "transport"}
    assert damaged.returncode == 1
    assert json.loads(damaged.stderr)["error"]["code"] == "store_corrupt"


def test_traces_of_an_empty_store_and_of_no_such_id(rowen):
    listed = rowen("traces", "list", "--store", "sqlite:data", "--json")
    missing = rowen("traces", "show", "nothing", "--store", "sqlite:data")

    assert (listed.returncode, json.loads(listed.stdout)) == (0, [])
    assert missing.returncode == 2
    assert "there is no trace nothing" in missing.stderr


def test_what_is_written_wrong_is_a_sentence_and_never_a_stack(rowen, tmp_path):
    (tmp_path / "app.toml").write_text(ECHO)

    ended = {
        "a verb": rowen("srve"),
        "an option": rowen("check", "--no-such"),
        "a file": rowen("check", "nowhere.toml"),
        "a store": rowen("keys", "list", "--store", "sqlit:data"),
        "a limit": rowen("keys", "create", "x", "--requests", "many", "--store", "sqlite:data"),
        "a setting": rowen("check", ROWEN_PORT="eighty"),
    }

    assert {name: each.returncode for name, each in ended.items()} == dict.fromkeys(ended, 2)
    assert all(each.stderr.strip() and "Traceback" not in each.stderr for each in ended.values())
