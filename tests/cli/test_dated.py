"""`rowen cases dated`: from an older copy of an app's folder, or from what the store knows, to a suite's questions."""

import json
import re

import pytest
from click.testing import CliRunner

from rowen.cli.cases import command as cases
from rowen.cli.index import command as index
from rowen.values import Mistaken

APP = """
[app]
name = "demo"
[models.echo]
provider = "echo"
[retrieve.handbook]
embed = ""
source = "docs/*"
"""


def folder(at, days: int, secret: int = 1):
    (at / "docs").mkdir(parents=True, exist_ok=True)
    (at / "docs" / "leave.md").write_text(f"Everybody has {days} days of leave in a year. Ask your lead early.")
    (at / "docs" / "pay.md").write_text(
        f"---\naccess: [hr]\n---\nThe raise of this year is {secret} percent for all of us."
    )
    (at / "app.toml").write_text(APP)
    return at / "app.toml"


def run(*words: object, command=cases, standalone: bool = False):
    ended = CliRunner().invoke(command, list(map(str, words)), standalone_mode=standalone)
    if ended.exception:
        raise ended.exception
    return ended.output


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_two_folders_make_a_question_with_two_answers_and_nothing_that_only_some_may_read(tmp_path):
    folder(tmp_path / "old", 25)
    app, file = folder(tmp_path / "new", 28, secret=9), tmp_path / "dated.jsonl"

    told = json.loads(run("dated", app, "--before", tmp_path / "old", "--since", "2026-10-01", "--to", file, "--json"))

    assert [(each["document"], each["was"], each["now"]) for each in told] == [("docs/leave.md", "25", "28")]
    asked = "What is missing here now? Everybody has … days of leave in a year."
    assert [(each["input"], each["expected"], each["metadata"]) for each in lines(file)] == [
        (asked, "25", {"valid_until": "2026-10-01"}),
        (asked, "28", {"valid_from": "2026-10-01"}),
    ]


def test_what_the_store_knows_is_what_was_and_a_second_change_closes_the_first(tmp_path):
    app, file, store = folder(tmp_path, 25), tmp_path / "dated.jsonl", f"sqlite:{tmp_path}/data"
    run("sync", app, "--store", store, command=index)
    folder(tmp_path, 28)

    run("dated", app, "--store", store, "--since", "2026-10-01", "--to", file)
    run("sync", app, "--store", store, command=index)
    folder(tmp_path, 30)
    run("dated", app, "--store", store, "--since", "2026-12-01", "--to", file)

    assert [(each["expected"], each["metadata"]) for each in lines(file)] == [
        ("25", {"valid_until": "2026-10-01"}),
        ("28", {"valid_from": "2026-10-01", "valid_until": "2026-12-01"}),
        ("30", {"valid_from": "2026-12-01"}),
    ]


def test_without_anything_of_before_it_says_so_and_writes_nothing(tmp_path):
    app = folder(tmp_path, 25)

    with pytest.raises(Mistaken, match=re.escape("name an older copy of the app's folder with --before")):
        run("dated", app, "--store", f"sqlite:{tmp_path}/data", "--to", tmp_path / "dated.jsonl")

    assert not (tmp_path / "dated.jsonl").exists()


def test_an_older_copy_that_is_none_is_told(tmp_path):
    app = folder(tmp_path, 25)

    with pytest.raises(Mistaken, match="cannot be read"):
        run("dated", app, "--before", tmp_path / "gone", "--to", tmp_path / "dated.jsonl")
