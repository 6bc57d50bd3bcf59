import json

import pytest
from click.testing import CliRunner

from rowen.cli.index import command
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


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "leave.md").write_text("# Leave\n\nEverybody has 28 days.")
    (tmp_path / "docs" / "odd.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (tmp_path / "app.toml").write_text(APP)
    monkeypatch.chdir(tmp_path)

    def invoke(*words, ends=0):
        found = CliRunner().invoke(command, [*words, "--store", "sqlite:data"], catch_exceptions=False)
        assert found.exit_code == ends, found.output
        return found.stdout

    return invoke


def test_documents_are_read_and_what_was_put_aside_is_told(run):
    (first,) = json.loads(run("sync", "--json"))
    (again,) = json.loads(run("sync", "--json"))
    (listed,) = json.loads(run("list", "--json"))
    (aside,) = json.loads(run("quarantine", "--json"))

    assert (first["added"], first["quarantined"], first["failed"]) == (1, 1, "")
    assert (again["added"], again["unchanged"]) == (0, 2)
    assert (listed["name"], listed["health"], listed["documents"]) == ("handbook", "well", 1)
    assert (aside["document"], aside["code"]) == ("docs/odd.txt", "document_unknown")


def test_a_source_that_cannot_be_read_is_told_and_ends_with_4(run, tmp_path):
    run("sync")
    (tmp_path / "docs").rename(tmp_path / "away")

    (found,) = json.loads(run("sync", "--json", ends=4))

    assert "docs/*" in found["failed"]
    assert json.loads(run("list", "--json"))[0]["documents"] == 1


def test_indexes_are_shown_switched_and_deleted(run, tmp_path):
    run("sync")
    (tmp_path / "app.toml").write_text(APP + "[retrieve.handbook.chunk]\nsize = 100\noverlap = 0\n")
    run("sync")
    builds = {each["state"]: each["id"] for each in json.loads(run("show", "handbook"))["builds"]}

    switched = run("switch", "handbook", builds["kept"])
    run("delete", "handbook", builds["live"], "--force")

    assert "overlap(size=800, overlap=400)" in switched
    assert [each["id"] for each in json.loads(run("show", "handbook"))["builds"]] == [builds["kept"]]


def test_who_switches_is_told_which_versions_go_on_with_their_own_index(run, tmp_path):
    run("sync")
    (tmp_path / "app.toml").write_text(APP + "[retrieve.handbook.chunk]\nsize = 100\noverlap = 0\n")
    run("sync")
    builds = {each["state"]: each["id"] for each in json.loads(run("show", "handbook"))["builds"]}

    shown = json.loads(run("show", "handbook"))
    told = run("switch", "handbook", builds["kept"])
    switched = json.loads(run("switch", "handbook", builds["kept"], "--json"))

    assert "not version 2 (" in told
    assert ", live in production: its own index is whole, and goes on to answer" in told
    assert "rowen rollback" in told
    assert (switched["id"], switched["state"]) == (builds["kept"], "live")
    assert [who.split(" ")[1] for who in switched["unmoved"]] == ["2"]
    assert {id: [who.split(" ")[1] for who in whose] for id, whose in shown["own"].items()} == {
        builds["live"]: ["2"],
        builds["kept"]: ["1"],
    }


def test_an_index_that_a_rollback_goes_back_to_is_not_deleted_unless_that_is_forced(run, tmp_path):
    run("sync")
    (tmp_path / "app.toml").write_text(APP + "[retrieve.handbook.chunk]\nsize = 100\noverlap = 0\n")
    run("sync")
    shown = json.loads(run("show", "handbook"))
    kept = next(each["id"] for each in shown["builds"] if each["state"] == "kept")

    with pytest.raises(Mistaken, match=r"needed by version 1 \(.*\), where a rollback in production goes") as refused:
        run("delete", "handbook", kept)
    told = run("delete", "handbook", kept, "--force")

    assert refused.value.code == "conflict"
    assert list(shown["needed"]) == [kept]
    assert told == f"{kept} is deleted\n"
    assert "needed" not in json.loads(run("show", "handbook"))


def test_the_word_it_had_before_still_deletes_and_says_the_new_one(run, tmp_path):
    run("sync")
    (tmp_path / "app.toml").write_text(APP + "[retrieve.handbook.chunk]\nsize = 100\noverlap = 0\n")
    run("sync")
    kept = next(each["id"] for each in json.loads(run("show", "handbook"))["builds"] if each["state"] == "kept")

    found = CliRunner().invoke(command, ["drop", "handbook", kept, "--force", "--store", "sqlite:data"])
    helped = CliRunner().invoke(command, ["--help"])

    assert found.exit_code == 0
    assert "it is called `delete` now" in found.stderr
    assert "is deleted" in found.stdout
    assert " drop " not in helped.stdout


def test_what_documents_say_of_a_person_is_listed(run, tmp_path):
    (tmp_path / "docs" / "ada.md").write_text("Ada Brenn's mother is Lia Brenn.")
    (tmp_path / "app.toml").write_text(APP + 'graph = "rules"\n')
    run("sync")

    (found,) = json.loads(run("related", "handbook", "lia brenn", "--json"))

    assert (found["subject"], found["is said"], found["object"]) == ("Ada Brenn", "mother", "Lia Brenn")
    assert (found["document"], found["where"]) == ("docs/ada.md", "Ada Brenn's mother is Lia Brenn.")
    assert "No document says" in run("related", "handbook", "Nobody")


def test_what_would_help_an_app_is_said_with_its_own_figures(run):
    run("sync")

    found = json.loads(run("advise", "--json"))["demo"]
    table = run("advise")

    assert found["advice"] == "unknown"
    assert "0 failures can be placed" in found["why"]
    assert len(found["lines"]) == 11
    assert found["lines"][1]["figure"] == "1 documents in 1 chunks"
    assert "correct answers that were bad" in " ".join(table.split())


def test_tables_are_listed_with_how_their_columns_were_read(run, tmp_path):
    (tmp_path / "docs" / "stock.csv").write_text("Item;Price (EUR);Since\nnail;0,10;05.01.2026\nscrew;1,20;\n")
    run("sync")

    (found,) = json.loads(run("tables", "handbook", "--json"))

    assert found == {
        "table": "stock",
        "document": "docs/stock.csv",
        "rows": 2,
        "columns": "item: text, price: number in EUR, since: date",
    }
