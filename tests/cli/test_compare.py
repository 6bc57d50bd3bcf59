"""`rowen compare` on a store with runs in it."""

import asyncio
import json

import click
import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.evaluate.run.base import shelf
from rowen.store.catalog import open_store
from rowen.values import Mistaken, Outcome, Run, SystemClock, Target


@pytest.fixture
def store(tmp_path) -> str:
    address = f"sqlite:{tmp_path}/data"

    async def fill() -> None:
        found = await open_store(address, clock=SystemClock())
        for id, right in (("old", 0.5), ("new", 0.9), ("bad", 0.1)):
            target = Target(kind="callable", name=f"{id} prompt")
            await shelf(found.records).put(Run(id=id, target=target, metrics=("right",), state="done"))
            outcomes = [
                Outcome(
                    case=f"c{n:02}",
                    answer=f"[/b] {id} says | {n}",
                    numbers={"right": float((n * 7 % 60) / 60 < right)},
                    slices={"language": "de" if n % 2 else "en"},
                )
                for n in range(60)
            ]
            await found.runs.put(id, outcomes, tenant="default")
        await found.close()

    asyncio.run(fill())
    return address


def run(*words: str, code: int = 0) -> str:
    ended = CliRunner().invoke(rowen, ["compare", *words], catch_exceptions=False, standalone_mode=False)
    assert (ended.return_value or 0) == code
    return ended.output


def test_two_runs_are_compared_and_the_verdict_is_said(store):
    said = run("old", "new", "--store", store, "--primary", "right")

    assert "new prompt (new) against old prompt (old): 60 pairs" in said
    assert "ship: right (primary) is better" in " ".join(said.split())
    assert "0 cases became worse, 24 better, 36 stayed as they were." in said
    assert "[/b] new says" in said


def test_json_has_each_candidate_against_the_baseline(store):
    found = json.loads(run("old", "new", "bad", "--store", store, "--primary", "right", "--json"))

    assert [(each["candidate"], each["decision"]["verdict"]) for each in found] == [("new", "ship"), ("bad", "stop")]


def test_markdown_keeps_what_models_say_from_being_markup(store):
    said = run("old", "bad", "--store", store, "--primary", "right", "--markdown")

    assert "# bad prompt (bad) against old prompt (old)" in said
    assert "**stop**: right (primary) is worse" in said
    assert "  - after: \\[/b\\] bad says \\|" in said
    assert "| language: de |" in said


def test_the_gate_exits_with_three_unless_all_are_to_be_shipped(store):
    run("old", "new", "--store", store, "--primary", "right", "--gate")
    run("old", "new", "bad", "--store", store, "--primary", "right", "--gate", code=3)
    run("old", "new", "--store", store, "--gate", code=3)


def test_the_plan_of_an_app_decides(store, tmp_path):
    app = tmp_path / "app.toml"
    app.write_text('[models.main]\nprovider = "echo"\n[metrics]\nprimary = "right"\nguard = ["cost"]\n')

    said = run("old", "new", "--store", store, "--app", str(app))

    assert "hold: cost (guard) is undecided: not measured" in " ".join(said.split())


def test_what_is_not_there_is_said(store):
    with pytest.raises(Mistaken, match="no run 'gone'"):
        run("old", "gone", "--store", store)
    with pytest.raises(click.UsageError):
        run("--store", store)
