"""`rowen cases` with whole data sets, on a store with nothing in it to begin with."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.values import Mistaken

FIXTURES = Path(__file__).parents[1] / "evaluate" / "fixtures"


@pytest.fixture
def run(tmp_path):
    """Runs a verb of `rowen cases` on one store; returns what it printed."""

    def on_store(*words: str) -> str:
        said = ["cases", *words, "--store", f"sqlite:{tmp_path}/data"]
        ended = CliRunner().invoke(rowen, said, catch_exceptions=False, standalone_mode=False)
        assert ended.exit_code == 0
        return ended.stdout

    return on_store


@pytest.fixture
def asked(run):
    """Runs a verb; returns its JSON."""
    return lambda *words: json.loads(run(*words, "--json"))


@pytest.fixture
def rows(tmp_path) -> Path:
    path = tmp_path / "rows.csv"
    lines = [f"{n},question {n} of the barn,answer {n},u{n % 5}" for n in range(40)]
    path.write_text("id,question,expected,user\n" + "\n".join(lines) + "\n")
    return path


def test_files_are_brought_in_once(asked, run, rows):
    first = asked("import", str(rows), "--dataset", "golden", "--app", "farm")
    again = asked("import", str(rows), "--dataset", "golden", "--app", "farm")
    lines = [json.loads(line) for line in run("export", "--dataset", "golden").splitlines()]

    assert [(each[0]["new"], each[0]["same"]) for each in (first, again)] == [(40, 0), (0, 40)]
    assert {line["source"] for line in lines} == {"file"}
    assert {line["id"] for line in lines} == {f"golden:{n}" for n in range(40)}


def test_what_was_exported_can_be_brought_back_and_changes_nothing(asked, run, rows, tmp_path):
    asked("import", str(rows), "--dataset", "golden")
    (tmp_path / "out.jsonl").write_text(run("export", "--dataset", "golden"))

    (again,) = asked("import", str(tmp_path / "out.jsonl"), "--dataset", "golden")

    assert (again["new"], again["changed"], again["same"]) == (0, 0, 40)


def test_a_dry_run_keeps_nothing_and_a_fault_keeps_all_out(asked, run, rows, tmp_path):
    (dry,) = asked("import", str(rows), "--dataset", "golden", "--dry-run")
    (tmp_path / "bad.csv").write_text("topic\nhay\n")
    with pytest.raises(Mistaken, match="says nothing that is asked"):
        run("import", str(rows), str(tmp_path / "bad.csv"), "--dataset", "golden")

    assert (dry["new"], dry["kept"]) == (40, False)
    assert asked("list") == []


def test_what_was_made_up_is_marked(asked, rows):
    asked("import", str(rows), "--dataset", "golden", "--synthetic", "--by", "generator 1")

    assert asked("report", "golden")["synthetic"] == 40


def test_a_version_is_kept_compared_and_exported_as_others_read_it(asked, run, rows, tmp_path):
    asked("import", str(rows), "--dataset", "golden")
    (kept,) = asked("freeze", "golden", "--note", "first", "--by", "ann")
    (tmp_path / "more.jsonl").write_text('{"id": "40", "input": "And now?"}\n{"id": "1", "input": "Changed?"}\n')
    asked("import", str(tmp_path / "more.jsonl"), "--dataset", "golden")

    changes = asked("diff", "golden", kept["version"][:8])
    old = run("export", "--dataset", "golden", "--version", kept["version"][:8], "--as", "openai").splitlines()

    assert changes == [{"case": "golden:40", "was": "added"}, {"case": "golden:1", "was": "changed"}]
    assert len(old) == 40
    assert json.loads(old[0])["ideal"] == "answer 0"
    assert [(each["note"], each["cases"]) for each in asked("versions", "golden")] == [("first", 40)]


def test_what_is_said_of_a_data_set_stays_until_it_is_said_otherwise(asked, run):
    asked("describe", "golden", "--owner", "ann", "--review", "2027-05-01")
    (said,) = asked("describe", "golden", "--about", "Of the barn.")
    (listed,) = asked("sets")

    assert (said["owner"], said["about"], said["review"]) == ("ann", "Of the barn.", "2027-05-01")
    assert (listed["dataset"], listed["cases"], listed["age"]) == ("golden", 0, "fresh")


def test_parts_are_written_and_an_earlier_split_holds(asked, rows, tmp_path):
    asked("import", str(rows), "--dataset", "golden")
    dealt = asked("split", "golden", "--by", "user", "--part", "train=1", "--part", "test=1", "--to", str(tmp_path))
    (tmp_path / "split.json").write_text(json.dumps(dealt))
    again = asked(
        "split",
        "golden",
        "--by",
        "user",
        "--part",
        "train=1",
        "--part",
        "test=1",
        "--seed",
        "x",
        "--before",
        str(tmp_path / "split.json"),
    )

    users = [
        {json.loads(line)["user"] for line in (tmp_path / f"{part}.jsonl").read_text().splitlines()}
        for part in ("train", "test")
    ]
    assert users[0].isdisjoint(users[1])
    assert users[0] | users[1] == {f"u{n}" for n in range(5)}
    assert again["parts"] == dealt["parts"]
    assert dealt["groups"] == 5


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("--part", "train"), "NAME=VALUE"),
        (("--part", "train=much"), "no number"),
        (("--part", "../x=1"), "letters, digits"),
        (("--part", "train=1"), "two parts"),
    ],
)
def test_parts_that_are_none_are_told(asked, rows, words, match):
    asked("import", str(rows), "--dataset", "golden")

    with pytest.raises(Mistaken, match=match):
        asked("split", "golden", *words)


def test_an_earlier_split_that_is_none_is_told(asked, rows, tmp_path):
    asked("import", str(rows), "--dataset", "golden")
    (tmp_path / "none.json").write_text('{"some": 1}')

    with pytest.raises(Mistaken, match="no split"):
        asked("split", "golden", "--before", str(tmp_path / "none.json"))


def test_an_earlier_split_that_is_not_there_is_told(asked, rows, tmp_path):
    asked("import", str(rows), "--dataset", "golden")

    with pytest.raises(Mistaken, match="cannot be read: No such file"):
        asked("split", "golden", "--before", str(tmp_path / "nowhere.json"))


def test_a_deleted_data_set_is_gone_and_one_is_asked_before(asked, run, rows):
    asked("import", str(rows), "--dataset", "golden")
    asked("freeze", "golden")
    with pytest.raises(click.Abort):
        run("delete", "golden")

    (gone,) = asked("delete", "golden", "--yes")

    assert gone["cases"] == 40
    assert asked("sets") == []


def test_others_files_are_brought_in_together(asked):
    (brought,) = asked(
        "import", str(FIXTURES / "promptfooconfig.yaml"), str(FIXTURES / "inspect.eval"), "--dataset", "g"
    )

    assert brought["new"] == 8


@pytest.mark.parametrize(
    ("words", "cases"),
    [
        (("--effect", "0.5"), 34),  # Cohen 1988
        (("--effect", "0.5", "--unpaired"), 64),
        (("--shares", "0.5", "0.6"), 388),  # Fleiss 1981
        (("--flips", "0.06", "0.02"), 391),
        (("--shares", "0.85", "0.85", "--margin", "0.03"), 2224),
        (("--effect", "0.5", "--cluster", "5", "0.5"), 102),
    ],
)
def test_the_cases_that_are_needed_are_the_textbooks(words, cases):
    ended = CliRunner().invoke(rowen, ["cases", "needed", *words, "--json"], catch_exceptions=False)

    assert json.loads(ended.stdout)[0]["cases"] == cases


def test_what_so_many_cases_find_is_told():
    ended = CliRunner().invoke(rowen, ["cases", "needed", "--cases", "199", "--json"], catch_exceptions=False)

    (row,) = json.loads(ended.stdout)
    assert row["paired"] == pytest.approx(0.2, abs=0.002)
    assert row["in each of two groups"] == pytest.approx(0.2816, abs=0.002)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ((), "one of --shares"),
        (("--effect", "0.1", "--cases", "9"), "one of --shares"),
        (("--flips", "0.9", "0.9"), "come to 1"),
        (("--effect", "0.1", "--cluster", "5", "2"), "0 to 1 alike"),
        (("--effect", "0.0"), "no number of cases"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told(words, match):
    with pytest.raises(Mistaken, match=match):
        CliRunner().invoke(rowen, ["cases", "needed", *words], catch_exceptions=False, standalone_mode=False)
