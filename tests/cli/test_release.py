"""`rowen release`, `promote`, `rollback`, `versions`, `releases`: the journey of an app, with real evaluations between."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.config import read
from rowen.serve.tables import TABLES
from rowen.values import Problem

APP = """
[app]
name = "shop"
[models.main]
provider = "echo"
options = {{ say = "{say}" }}
[[score]]
kind = "exact"
name = "right"
[metrics]
primary = "right"
[evaluate.smoke]
cases = "cases.jsonl"
must = {{ right = ">= {least}" }}
[release]
strategy = "{strategy}"
gate = ["evaluate.smoke"]
approvals = {approvals}
"""


class Shop:
    """A folder with an app, at whose command line one is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        rows = ({"id": f"c{i}", "input": f"q{i}", "expected": "four"} for i in range(60))
        (folder / "cases.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
        self.write()

    def write(self, say="four", *, least=0.8, strategy="immediate", approvals=0) -> None:
        text = APP.format(say=say, least=least, strategy=strategy, approvals=approvals)
        (self.folder / "app.toml").write_text(text)

    def run(self, *words: str, code: int = 0) -> str:
        found = CliRunner().invoke(rowen, [*words[: _verbs(words)], "--store", "sqlite:data", *words[_verbs(words) :]])
        if isinstance(found.exception, Problem):
            raise found.exception
        assert found.exit_code == code, found.output + str(found.exception)
        return found.stdout

    def json(self, *words: str, code: int = 0):
        return json.loads(self.run(*words, "--json", code=code))


def _verbs(words: tuple[str, ...]) -> int:
    return 2 if words[0] in ("versions", "releases") else 1


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path)


def test_no_evaluation_no_release_and_the_refusal_says_what_to_run(shop: Shop):
    with pytest.raises(Problem) as caught:
        shop.run("release", "--note", "the first", "--by", "ann")

    assert caught.value.code == "release_refused"
    hash = read(shop.folder / "app.toml", TABLES).definition.hash
    assert f"evaluate.smoke: it was never run — run `rowen eval smoke --version {hash[:12]}`" in caught.value.message

    shop.run("eval", "smoke", "--version", hash[:12])
    done = shop.json("release", "--by", "ann")
    assert (done["live"]["definition"], done["version"]["number"]) == (hash, 1)
    acts = [line["act"] for line in shop.json("releases", "log")]
    assert acts == ["release", "refuse", "propose"]
    assert shop.json("releases", "verify") == {"holds": True, "lines": 3, "fault": None}


def test_a_check_leaves_nothing_behind_and_says_what_to_do_with_what_nobody_has_put_forward(shop: Shop):
    shop.write(approvals=1)

    first = shop.json("release", "--check", code=3)
    shop.run("eval", "smoke")
    second = shop.json("release", "--check", "--note", "the first", "--by", "ann", code=3)

    assert [each["fix"] for each in first["findings"]] == [
        "run `rowen eval smoke`",
        "run `rowen release --propose`, then have somebody else approve of it",
        "give `--note`",
    ]
    (closed,) = [each for each in second["findings"] if not each["passed"]]
    assert closed["why"] == "0 of 1 approvals by others than ann"
    assert shop.json("versions", "list") == shop.json("releases", "log") == []


def test_a_worse_version_is_refused_and_a_good_one_rolls_out_is_promoted_and_taken_back(shop: Shop):
    shop.run("eval")
    shop.run("release", "--note", "the first", "--by", "ann")
    shop.write("five")
    shop.run("eval", code=1)
    with pytest.raises(Problem, match=r"right is 0 .* must be right >= 0.8.*right \(primary\) is worse"):
        shop.run("release", "--note", "five", "--by", "ann")

    shop.write(strategy="canary")
    shop.run("eval")
    checked = shop.json("release", "--check", "--note", "in steps")
    done = shop.json("release", "--note", "in steps", "--by", "ben")
    promoted = shop.json("promote", "--note", "good")
    back = shop.json("rollback", "--note", "changed our mind")

    assert checked["open"]
    assert done["rollout"]["strategy"] == "canary"
    assert promoted["live"]["definition"] == done["version"]["definition"]
    assert back["definition"] == promoted["live"]["before"]
    rows = shop.json("versions", "list")
    assert [(row["version"], row["author"], row["live in"]) for row in rows] == [
        (3, "ben", ""),
        (2, "ann", ""),
        (1, "ann", "production"),
    ]
    with pytest.raises(Problem, match="nothing of shop rolls out"):
        shop.run("promote")


def test_the_live_version_is_run_on_new_cases_by_the_command_that_the_gate_names(shop: Shop):
    shop.run("eval")
    shop.run("release", "--note", "the first")
    rows = ({"id": f"n{i}", "input": f"new {i}", "expected": "four"} for i in range(60))
    (shop.folder / "cases.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    shop.write(strategy="canary")
    shop.run("eval")

    ruling = shop.json("release", "--check", "--note", "in steps", code=3)
    (closed,) = [each for each in ruling["findings"] if not each["passed"]]
    assert "was not run on version" in closed["why"]
    shop.run(*closed["fix"].removeprefix("run `rowen ").rstrip("`").split())

    assert shop.json("release", "--check", "--note", "in steps")["open"]


def test_people_hold_a_version_up_and_let_it_go(shop: Shop):
    shop.write(approvals=1)
    shop.run("eval")
    shop.run("release", "--propose", "--note", "the first", "--by", "ann")
    remark = shop.json("versions", "remark", "1", "It says four to everything.", "--blocks", "--by", "ben")
    shop.run("versions", "approve", "1", "--by", "ann")

    shown = shop.run("versions", "show", "1")
    with pytest.raises(Problem, match=r"ben blocks it.*0 of 1 approvals by others than ann, and the author's own"):
        shop.run("release", "--by", "ann")
    shop.run("versions", "resolve", "1", remark["id"], "--note", "meant so", "--by", "ann")
    shop.run("versions", "approve", "1", "--by", "ben")
    shop.run("versions", "label", "1", "stable")
    done = shop.json("release", "--version", "stable")

    assert "✗ remarks: ben blocks it" in shown
    assert done["version"]["labels"] == ["stable"]


def test_what_is_frozen_stays_until_it_is_thawed_or_forced_with_a_reason(shop: Shop):
    shop.run("eval")
    shop.run("releases", "freeze", "--note", "the fair is on")
    with pytest.raises(Problem, match="the fair is on"):
        shop.run("release", "--note", "the first")

    with pytest.raises(Problem, match="says why"):
        shop.run("release", "--force")
    shop.run("release", "--force", "--note", "an outage", "--by", "ann")
    shop.run("releases", "thaw", "--note", "over")

    lines = shop.json("releases", "log")
    assert [line["act"] for line in lines[:2]] == ["thaw", "release"]
    assert "the fair is on" in lines[1]["evidence"]["forced"]


def test_two_versions_are_compared_and_one_is_written_out_again(shop: Shop):
    shop.run("eval")
    shop.run("release", "--note", "the first")
    shop.write("five", least=0.7)
    shop.run("release", "--propose", "--note", "five")

    diff = shop.run("versions", "diff", "1", "2")
    shop.run("versions", "export", "2", "out/shop")

    assert "models.main.options.say: four → five" in diff
    assert "evaluate.smoke.must.right: >= 0.8 → >= 0.7" in diff
    hashes = {read(path / "app.toml", TABLES).definition.hash for path in (shop.folder, shop.folder / "out/shop")}
    assert len(hashes) == 1


def test_environments_are_held_against_each_other(shop: Shop):
    shop.run("eval")
    shop.run("release", "--note", "the first", "--environment", "staging")
    shop.run("promote", "--from", "staging", "--note", "as in staging")
    same = shop.run("versions", "mirror")
    shop.write(least=0.75)
    shop.run("eval")
    shop.run("release", "--note", "laxer", "--environment", "staging")

    rows = shop.json("versions", "mirror", "staging", "production", code=3)

    assert "staging mirrors production" in same
    assert [(row["place"], row["staging"], row["production"]) for row in rows] == [
        ("evaluate.smoke.must.right", ">= 0.75", ">= 0.8")
    ]


def test_a_gate_that_names_no_table_is_a_mistake_with_its_line(shop: Shop):
    path = shop.folder / "app.toml"
    path.write_text(path.read_text().replace('gate = ["evaluate.smoke"]', 'gate = ["evaluate.smoke", "watch.answers"]'))

    with pytest.raises(Problem, match=r'the gate "watch.answers" has no table \[watch.answers\]') as caught:
        CliRunner().invoke(rowen, ["check"], catch_exceptions=False)

    assert caught.value.place == "app.toml:17"


def test_a_log_that_was_changed_ends_with_1(shop: Shop):
    shop.run("eval")
    shop.run("release", "--note", "the first")
    _forge(shop.folder / "data" / "rowen.db")

    assert shop.json("releases", "verify", code=1)["fault"]["number"] == 1


def _forge(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "update records set body = replace(cast(body as text), 'the first', 'the best') where kind = 'release_line'"
        )
