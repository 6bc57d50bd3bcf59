"""`rowen smaller` on a store with runs in it."""

import asyncio
import json
from decimal import Decimal

import numpy as np
import pytest
from click.testing import CliRunner

from rowen.cli.datasets import datasets_of
from rowen.cli.main import rowen
from rowen.evaluate.run.base import shelf
from rowen.store.catalog import open_store
from rowen.values import Case, Mistaken, Outcome, Run, SystemClock, Target, Trace, TraceRow

WORDS = {"refund": ["money", "back", "paid", "amount"], "login": ["password", "account", "code", "reset"]}


@pytest.fixture
def store(tmp_path) -> str:
    """120 tickets, a run whose model labels them rightly, a small run that knows when it does, and calls of users."""
    address = f"sqlite:{tmp_path}/data"
    rng = np.random.default_rng(1)
    labels = [("refund", "login")[n % 2] for n in range(120)]
    texts = [f"{' '.join(rng.choice(WORDS[label], 3))} please number {n}" for n, label in enumerate(labels)]

    async def fill() -> None:
        found = await open_store(address, clock=SystemClock())
        cases = [
            Case(id=f"t:{n}", dataset="t", input=text, expected=label)
            for n, (text, label) in enumerate(zip(texts, labels, strict=True))
        ]
        await datasets_of(found).add(cases)
        version = await datasets_of(found).freeze("t", "default")
        for id, cost in (("large", "0.01"), ("small", "0.0001")):
            run = Run(
                id=id, target=Target(kind="callable"), dataset="t", version=version.hash, state="done", metrics=("right",)
            )  # fmt: skip
            await shelf(found.records).put(run)
            outcomes = [
                Outcome(
                    case=case.id, answer=f"{label.title()}.", cost=Decimal(cost), duration_ms=700.0,
                    numbers={"right": float(id == "large" or n % 3 > 0), "sure": 0.9 if n % 3 else 0.2},
                )
                for n, (case, label) in enumerate(zip(cases, labels, strict=True))
            ]  # fmt: skip
            await found.runs.put(id, outcomes, tenant="default")
        rows = [
            TraceRow(
                id=f"{n:032x}", started_ns=n + 1, duration_ns=5_000_000, app="shop", definition="d", tenant="default",
                asked=text, said=label, source="model", status="ok",
            )
            for n, (text, label) in enumerate(zip(texts, labels, strict=True))
        ]  # fmt: skip
        await found.traces.write([Trace(row=row) for row in rows])
        await found.close()

    asyncio.run(fill())
    return address


def run(*words: str) -> str:
    ended = CliRunner().invoke(rowen, ["smaller", *words], catch_exceptions=False, standalone_mode=False)
    assert ended.exception is None
    return ended.output


def test_a_run_of_labels_is_held_against_a_classifier(store):
    found = json.loads(run("run", "large", "--store", store, "--margin", "0.05", "--json"))
    said = " ".join(run("run", "large", "--store", store, "--margin", "0.05").split())

    assert (found["advice"], found["labels"], found["against"]) == ("yes", 2, "truth")
    assert found["cost"]["value"] == 0.01
    assert "Would a classifier on words do? yes" in said


def test_what_users_were_answered_is_held_against_a_classifier_too(store):
    found = json.loads(run("logged", "--app", "shop", "--store", store, "--margin", "0.05", "--json"))

    assert (found["n"], found["against"], found["advice"]) == (120, "model", "yes")


def test_two_runs_are_replayed_as_a_cascade(store):
    words = ("cascade", "small", "large", "--sure", "sure", "--metric", "right", "--store", store, "--margin", "0.1")

    found = json.loads(run(*words, "--json"))

    assert found["threshold"] == 0.9
    assert found["holds"]
    assert found["saved"]["value"] == pytest.approx(0.66, abs=0.1)
    assert "it holds" in " ".join(run(*words).split())


def test_what_is_not_there_is_said(store):
    with pytest.raises(Mistaken, match="no run"):
        run("run", "gone", "--store", store)
    with pytest.raises(Mistaken, match="too few"):
        run("logged", "--app", "gone", "--store", store)
