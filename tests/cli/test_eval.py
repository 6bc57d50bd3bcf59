"""`rowen eval`: what it asks, what it says, and how it ends, also when it is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from rowen.cli.eval import command
from rowen.cli.index import command as index
from rowen.cli.runs import command as runs
from rowen.testing.upstream import FaultUpstream, TooMany, openai_chat
from rowen.values import Mistaken

APP = """
[app]
name = "shop"
[models.fast]
provider = "echo"
price = { input = "1", output = "2" }
[[score]]
kind = "exact"
name = "right"
[evaluate.smoke]
cases = "cases.jsonl"
must = { right = ">= 0.5", error_rate = "< 0.05" }
"""


def lines(n: int) -> str:
    rows = ({"id": f"c{i}", "input": f"say {i}", "expected": "no" if i % 4 == 3 else f"say {i}"} for i in range(n))
    return "\n".join(json.dumps(row) for row in rows)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "app.toml").write_text(APP)
    (tmp_path / "cases.jsonl").write_text(lines(60))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder):
    def invoke(*words, code=0):
        found = CliRunner().invoke(command, ["--store", "sqlite:data", *words], catch_exceptions=False)
        assert found.exit_code == code, found.output
        return found.stdout

    return invoke


def test_a_suite_that_is_good_enough_ends_with_0_and_says_its_figures(run):
    (result,) = json.loads(run("--json"))

    assert result["passed"] is True
    assert (result["run"]["suite"], result["run"]["answered"], result["run"]["cases"]) == ("smoke", 60, 60)
    right = next(each for each in result["figures"] if each["metric"] == "right")
    assert right["interval"]["value"] == 0.75
    assert right["interval"]["method"] == "wilson"
    assert [each["state"] for each in result["held"]] == ["met", "undecided"]
    assert result["run"]["cost"] != "0"


def test_what_must_be_and_is_not_ends_with_1(run):
    said = run("smoke", "--must", "right >= 0.95", code=1)

    assert "✗ right >= 0.95: missed" in said


def test_a_second_run_knows_the_answers_and_a_fresh_one_does_not(run):
    run()

    assert json.loads(run("--json"))[0]["run"]["cached"] == 60
    assert "cached" not in json.loads(run("--json", "--fresh"))[0]["run"]


def test_a_run_names_the_index_it_was_judged_on_and_asks_anew_when_documents_have_changed(folder):
    knowing = APP.partition("must")[0] + '[retrieve.handbook]\nembed = ""\nsource = "docs/*.md"\n'
    (folder / "docs").mkdir()
    (folder / "docs" / "say.md").write_text("We say 1, and sometimes we say 2.")
    (folder / "cases.jsonl").write_text(lines(2))
    (folder / "app.toml").write_text(knowing)
    told: list[str] = []

    def judged(*, sync: bool) -> tuple[int, dict[str, object]]:
        if sync:
            CliRunner().invoke(index, ["sync", "--store", "sqlite:data"], catch_exceptions=False)
        found = CliRunner().invoke(command, ["--store", "sqlite:data", "--json"], catch_exceptions=False)
        told.append(found.stderr)
        (result,) = json.loads(found.stdout)
        return result["run"].get("cached", 0), result["run"]["indexes"][0]

    unread = judged(sync=False)
    first, same = judged(sync=True), judged(sync=False)
    (folder / "docs" / "say.md").write_text("We say 1, and now we say 3.")
    changed = judged(sync=True)
    (folder / "app.toml").write_text(knowing + "chunk = { size = 100, overlap = 0 }\n")
    other = judged(sync=False)

    assert unread == (0, {"name": "handbook"})
    assert ["is not indexed yet" in each for each in told] == [True, *[False] * 4]
    assert first == (0, same[1])
    assert same[0] == 2
    assert (changed[0], changed[1]["build"]) == (0, first[1]["build"])
    assert changed[1]["snapshot"] != first[1]["snapshot"]
    assert (other[0], "borrowed" in other[1]) == (0, False)
    assert other[1]["build"] != first[1]["build"]
    assert other[1]["snapshot"] == changed[1]["snapshot"]


def test_an_earlier_run_is_run_again_as_it_was_though_its_app_and_cases_have_changed(run, folder):
    (first,) = json.loads(run("--json"))
    (folder / "cases.jsonl").write_text(lines(3))
    (folder / "app.toml").write_text(APP.replace('provider = "echo"', 'provider = "echo"\noptions = { say = "hay" }'))

    (again,) = json.loads(run("--json", "--again", first["run"]["id"], "--fresh"))

    assert again["run"]["answered"] == 60
    assert again["run"]["version"] == first["run"]["version"]
    assert again["run"]["target"] == first["run"]["target"]
    assert again["passed"]
    assert [each["must"] for each in again["held"]] == [each["must"] for each in first["held"]]


def test_a_run_that_its_budget_stops_ends_with_3_and_goes_on_with_more(run):
    (stopped,) = json.loads(run("--json", "--budget", "0.0001", code=3))

    (result,) = json.loads(run("--json", "--resume", stopped["run"]["id"], "--budget", "1"))

    assert stopped["run"]["state"] == "stopped"
    assert (result["run"]["state"], result["run"]["answered"]) == ("done", 60)


def test_cases_and_scorers_can_be_named_without_a_table(run, folder):
    (folder / "more.csv").write_text("question,expected\nhay,hay\nstraw,hay\n")

    (result,) = json.loads(run("--json", "--cases", "more.csv", "--scorer", "exact", "--must", "exact >= 0.1"))

    assert result["run"]["metrics"] == ["exact"]
    assert "suite" not in result["run"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nosuch",), "there is no \\[evaluate.nosuch\\]"),
        (("--must", "rigth >= 0.9"), 'did you mean "right"'),
        (("--scorer", "exakt"), 'did you mean "exact"'),
        (("--must", "right"), "a bound is METRIC >= N"),
        (("--cases", "gone.jsonl"), "gone.jsonl"),
        (("--function", "nosuch:thing"), "there is no nosuch:thing"),
        (("--endpoint", "http://127.0.0.1:1"), "--model"),
        (("--endpoint", "http://127.0.0.1:1", "--model", "m", "--key", "sk-123"), "never written here"),
        (("--resume", "0123456789"), "there is no run"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is_asked(run, words, said):
    with pytest.raises(Mistaken, match=said):
        run(*words)


def test_a_function_of_ones_own_is_tried(run, folder, monkeypatch):
    (folder / "theirs.py").write_text(
        "async def answer(question, case):\n    return {'answer': case.expected, 'cost': '0.5'}\n"
    )
    monkeypatch.syspath_prepend(folder)

    (result,) = json.loads(run("--json", "--function", "theirs:answer"))

    assert result["run"]["target"]["kind"] == "callable"
    assert next(each["interval"]["value"] for each in result["figures"] if each["metric"] == "right") == 1.0
    assert result["run"]["cost"] == "30.0"


def test_an_endpoint_is_tried_and_waited_for_when_it_asks_to(run, folder, monkeypatch):
    monkeypatch.setenv("THEIR_KEY", "sk-secret")
    (folder / "cases.jsonl").write_text(lines(4))
    with FaultUpstream.in_thread() as upstream:
        upstream.on("/v1/chat/completions", openai_chat("say 0"), TooMany(retry_after=0), openai_chat("say 1"))

        said = run(
            "--json", "smoke", "--endpoint", f"{upstream.url}/v1", "--model", "small", "--key", "env:THEIR_KEY",
            "--must", "right >= 0.1", "--concurrency", "1",
        )  # fmt: skip

    (result,) = json.loads(said)
    assert result["run"]["target"]["kind"] == "endpoint"
    assert result["run"]["answered"] == 4
    assert {each.headers["authorization"] for each in upstream.requests} == {"Bearer sk-secret"}
    assert {each.json()["model"] for each in upstream.requests} == {"small"}
    assert "sk-secret" not in said


def test_outcomes_are_exported_under_the_names_of_ragas(run):
    (result,) = json.loads(run("--json", "smoke", "--scorer", "exact", "--scorer", "edit"))

    words = ["export", result["run"]["id"], "--store", "sqlite:data", "--as", "ragas", "--name", "right=correctness"]
    lines = CliRunner().invoke(runs, words, catch_exceptions=False).stdout.splitlines()

    first = json.loads(lines[0])
    assert len(lines) == 60
    assert (first["user_input"], first["response"], first["reference"]) == ("say 0", "say 0", "say 0")
    assert first["retrieved_contexts"] == []
    assert {"exact_match", "exact_match.f1", "correctness"} <= set(first)
    assert any(name.startswith("non_llm_string_similarity") for name in first)


def test_tests_of_promptfoo_are_run_with_their_own_assertions(run, folder):
    tests = [
        {"vars": {"q": "dry hay"}, "assert": [{"type": "icontains", "value": "HAY"}]},
        {"vars": {"q": "wet hay"}, "assert": [{"type": "contains", "value": "dry"}]},
        {"vars": {"q": "straw"}, "assert": [{"type": "javascript", "value": "output.length < 9"}]},
    ]
    (folder / "app.toml").write_text(APP.partition("[[score]]")[0])
    (folder / "promptfooconfig.json").write_text(
        json.dumps({"prompts": ["{{q}}"], "providers": ["echo"], "tests": tests})
    )

    (result,) = json.loads(run("--json", "--cases", "promptfooconfig.json"))

    figures = {each["metric"]: each["interval"] for each in result["figures"]}
    assert figures["assertions"]["value"] == pytest.approx(1 / 3)
    assert result["errors"] == {"assertions: field_unsupported": 1}


def test_a_run_is_listed_shown_and_removed(run):
    (result,) = json.loads(run("--json"))
    id = result["run"]["id"]

    def told(*words):
        found = CliRunner().invoke(runs, [*words, "--store", "sqlite:data", "--json"], catch_exceptions=False)
        return json.loads(found.stdout)

    assert [each["id"] for each in told("list", "--suite", "smoke")] == [id]
    assert told("show", id[-8:])[0]["figures"] == result["figures"]
    assert told("delete", id)[0]["outcomes"] == 60
    assert told("list") == []


SLOW = """
import os, time

def answer(question):
    with open("asked.txt", "a") as file:
        file.write(question + "\\n")
    time.sleep(0.02)
    return question
"""


def test_a_run_that_is_killed_goes_on_and_loses_nothing_and_pays_at_most_what_was_under_way_twice(
    run, folder, monkeypatch
):
    (folder / "slow.py").write_text(SLOW)
    monkeypatch.syspath_prepend(folder)
    words = [sys.executable, "-m", "rowen", "eval", "--store", "sqlite:data", "--function", "slow:answer"]
    environment = {**os.environ, "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{folder}"}
    killed = subprocess.Popen([*words, "--concurrency", "3"], cwd=folder, env=environment)
    _until(folder / "asked.txt", 15)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    first = (folder / "asked.txt").read_text().splitlines()
    listed = CliRunner().invoke(runs, ["list", "--store", "sqlite:data", "--json"])
    (left,) = json.loads(listed.stdout)

    (result,) = json.loads(run("--json", "--resume", left["id"]))

    asked = Counter((folder / "asked.txt").read_text().splitlines())
    assert left["state"] == "running"
    assert 15 <= len(first) < 60
    assert set(asked) == {f"say {n}" for n in range(60)}
    assert sum(asked.values()) - 60 <= 3
    assert (result["run"]["state"], result["run"]["answered"]) == ("done", 60)
    assert sum(each["interval"]["n"] for each in result["figures"] if each["metric"] == "right") == 60


def _until(file: Path, lines: int) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        if file.exists() and file.read_text().count("\n") >= lines:
            return
        time.sleep(0.01)
    raise AssertionError(f"{file} did not grow")
