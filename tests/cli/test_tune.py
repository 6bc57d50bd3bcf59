import asyncio
import json
import tomllib

import pytest
from click.testing import CliRunner

from rowen.cli.tune import command
from rowen.flow.knowledge import TENANT
from rowen.store.catalog import open_store
from rowen.store.knowledge import Collection
from rowen.values import Mistaken, SystemClock

APP = """
[app]
name = "demo"
[models.echo]
provider = "echo"
[retrieve.handbook]
embed = ""
source = "docs/*"
chunk = { size = 120, overlap = 0 }
top = 1
budget = 200
"""
SPACE = 'kind = []\nsize = []\noverlap = []\ncontext = ["none"]\nsearch = []\ntop = [3]\n'


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    lines = []
    for n in range(30):
        word = f"{chr(97 + n % 26)}{chr(97 + n // 26)}quorum"
        text = f"# Rule {word}\n\nWhoever needs a {word} asks the desk of {word}s before noon of day {n}."
        (tmp_path / "docs" / f"rule{n}.md").write_text(text)
        lines.append(json.dumps({"question": f"When is a {word} asked for?", "documents": [f"rule{n}.md"]}))
    (tmp_path / "q.jsonl").write_text("\n".join(lines))
    said = [{**json.loads(line), "answer": f"before noon of day {n}."} for n, line in enumerate(lines)]
    (tmp_path / "answered.jsonl").write_text("\n".join(map(json.dumps, said)))
    (tmp_path / "app.toml").write_text(APP)
    (tmp_path / "space.toml").write_text(SPACE)
    (tmp_path / "worded.toml").write_text(SPACE + 'prompt = ["absent.md"]')
    monkeypatch.chdir(tmp_path)

    def invoke(*words):
        found = CliRunner().invoke(
            command, ["--questions", "q.jsonl", "--space", "space.toml", *words], catch_exceptions=False
        )
        assert found.exit_code == 0, found.output
        return found.stdout

    return invoke


def test_a_report_and_a_table_are_written_and_nothing_of_the_app_is_changed(run, tmp_path):
    said = run("--report", "report.md", "--table", "found.toml")

    assert "Keep what you have" in said
    report = (tmp_path / "report.md").read_text()
    assert "## Which choice mattered" in report
    assert "30 documents" in report
    written = tomllib.loads((tmp_path / "found.toml").read_text())["retrieve"]["handbook"]
    assert written["embed"] == ""
    assert (tmp_path / "app.toml").read_text() == APP
    assert not (tmp_path / ".rowen" / "knowledge.db").exists()


def test_a_candidate_without_vectors_has_no_adapter_and_all_else_is_told(run, tmp_path):
    said = run("--adapter", "adapter.json", "--table", "found.toml", "--report", "report.md")

    assert "Query adapter: none" in said
    assert not (tmp_path / "adapter.json").exists()
    assert "adapter" not in tomllib.loads((tmp_path / "found.toml").read_text())["retrieve"]["handbook"]
    assert "## A query adapter with it\n\nNone: without an embedder" in (tmp_path / "report.md").read_text()


def test_a_candidate_with_an_adapter_names_it_beside_the_app(run, tmp_path):
    """The vectors of `echo` are of letters; where the adapter would do harm there is none, and both are well."""
    (tmp_path / "app.toml").write_text(APP.replace('embed = ""', 'embed = "echo"'))

    told = json.loads(run("--adapter", "sub/../adapter.json", "--table", "found.toml", "--json"))["adapter"]

    written = tomllib.loads((tmp_path / "found.toml").read_text())["retrieve"]["handbook"]
    assert written.get("adapter", "") == told["written"]
    assert bool(told["written"]) != bool(told["reason"])
    assert (tmp_path / "adapter.json").exists() == bool(told["written"])


def test_as_json_all_of_it_is_told_and_a_second_run_finds_the_same(run):
    first, again = (json.loads(run("--json")) for _ in range(2))

    assert first["proven"] is False
    assert first["questions"] + first["held"] == 30
    assert first["gain"] == again["gain"]
    assert first["winner"] == again["winner"]


def test_documents_are_read_once_over_all_runs_and_again_only_where_they_changed(run, tmp_path):
    async def read_at():
        store = await open_store(f"sqlite:{tmp_path / '.rowen' / 'tune'}", clock=SystemClock())
        known = await store.knowledge.known(Collection(tenant=TENANT, app="demo", name="handbook"))
        await store.close()
        return {each.uri: each.read_ns for each in known}

    run()
    first = asyncio.run(read_at())
    changed = tmp_path / "docs" / "rule3.md"
    changed.write_text(changed.read_text() + " Or after it.")
    run()
    again = asyncio.run(read_at())

    assert [uri for uri, at in again.items() if at != first[uri]] == ["docs/rule3.md"]


def test_where_answers_are_lost_is_told_with_the_model_asked_or_not(run, tmp_path):
    unasked = json.loads(run("--json"))["lost"]
    asked = json.loads(run("--json", "--failures", "--report", "report.md"))["lost"]

    assert unasked["asked"] == asked["asked"] == 30
    assert {each["point"] for each in unasked["failures"]} <= {"missed_in_ranking", "not_in_context"}
    assert asked["failed"] >= unasked["failed"]
    assert "## Where answers are lost" in (tmp_path / "report.md").read_text()


def test_how_the_model_bears_longer_contexts_is_told(run, tmp_path):
    found = json.loads(run("--json", "--questions", "answered.jsonl", "--lengths", "1,3", "--report", "report.md"))[
        "lengths"
    ]

    assert [each["top"] for each in found["rows"]] == [1, 3]
    assert found["rows"][1]["tokens"] > found["rows"][0]["tokens"]
    assert "## How the model bears longer contexts" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--questions", "absent.jsonl"], "cannot read"),
        (["--name", "other"], "handbook"),
        (["--adapter", "a.json"], "embedder"),
        (["--report", "absent/report.md"], "cannot write"),
        (["--space", "worded.toml"], "cannot read"),
        (["--lengths", "1,many"], "numbers with commas between them"),
    ],
)
def test_what_cannot_be_done_is_said(run, words, match):
    with pytest.raises(Mistaken, match=match):
        run(*words)
