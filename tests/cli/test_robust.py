"""`rowen robust` on a store with a data set in it."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from rowen.cli.datasets import datasets_of
from rowen.cli.main import rowen
from rowen.evaluate.robust import variant_of
from rowen.evaluate.robust.bias import about_of
from rowen.evaluate.run.base import shelf
from rowen.store.catalog import open_store
from rowen.values import Case, Mistaken, Outcome, Run, SystemClock, Target


@pytest.fixture
def store(tmp_path) -> str:
    address = f"sqlite:{tmp_path}/data"

    async def fill() -> None:
        found = await open_store(address, clock=SystemClock())
        cases = [
            Case(id=f"golden:{n}", dataset="golden", input=f"Where is the meadow number {n} of Anna?", expected="There")
            for n in range(12)
        ]
        await datasets_of(found).add(cases)
        await found.close()

    asyncio.run(fill())
    return address


def run(*words: str, code: int = 0) -> str:
    ended = CliRunner().invoke(rowen, ["robust", *words], catch_exceptions=False, standalone_mode=False)
    assert (ended.return_value or 0) == code
    return ended.output


def tried(address: str, dataset: str, answer) -> None:
    """Write a run over a data set, as the runner would."""

    async def work() -> None:
        found = await open_store(address, clock=SystemClock())
        sets = datasets_of(found)
        version = await sets.freeze(dataset, "default")
        run = Run(id="r", target=Target(kind="callable"), dataset=dataset, version=version.hash, state="done")
        await shelf(found.records).put(run)
        cases = await sets.cases(dataset, "default", version.hash)
        await found.runs.put("r", [Outcome(case=each.id, answer=answer(each)) for each in cases], tenant="default")
        await found.close()

    asyncio.run(work())


def test_what_breaks_is_told_with_the_answers_and_the_gate_holds(store):
    rows = json.loads(run("make", "golden", "--store", store, "--json", "--kind", "repeat", "--kind", "typo"))
    tried(store, "golden-robust", lambda case: "[/b] What?" if variant_of(case).kind == "typo" else "There.")

    said = run("report", "r", "--store", store)

    assert {row["kind"]: row["cases"] for row in rows} == {"original": 12, "repeat": 12, "typo": 12}
    assert "| typo | 12 | 0% (0% to 24%) | 100%" in said
    assert "**breaks**" in said
    assert "now: \\[/b\\] What?" in said
    run("report", "r", "--store", store, "--gate", "--json", code=3)


def test_made_again_with_fewer_ways_the_others_are_gone(store):
    run("make", "golden", "--store", store)
    rows = run("make", "golden", "--store", store, "--kind", "repeat")

    assert "0 new, 0 changed, 24 as they were." in rows
    tried(store, "golden-robust", lambda case: "There.")
    assert "Asked again as it was, 100%" in run("report", "r", "--store", store, "--gate")


def test_whom_a_run_treats_otherwise_is_told(store):
    run("bias", "--store", store, "--attribute", "age", "--attribute", "religion")
    tried(store, "bias", lambda case: "2" if about_of(case).value == "62" else "8")

    said = run("report", "r", "--store", store, "--gate", code=3)

    assert "| age | 18 | 24 | 62 | 6 (" in said
    assert "**counts**" in said
    assert "| religion | 18 |" in said


def test_whether_a_run_minds_being_tested_is_told(store):
    run("aware", "golden", "--store", store)
    tried(store, "golden-aware", lambda case: "There. " * (9 if case.metadata["mode"] == "announced" else 1))

    said = run("report", "r", "--store", store, "--gate", code=3)

    assert "| words | 12 | 1 | 9 | +8 " in said
    assert "**differs**" in said


def test_what_cannot_be_made_is_said(store):
    with pytest.raises(Mistaken, match="no data set"):
        run("make", "nothing", "--store", store)
    run("bias", "golden", "--store", store)
    with pytest.raises(Mistaken, match="no run"):
        run("report", "gone", "--store", store)
