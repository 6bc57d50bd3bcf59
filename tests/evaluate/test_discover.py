"""Kinds of questions that are answered worse are found by their words, and nothing is found where nothing is worse."""

import asyncio
import json

import numpy as np
import pytest
from click.testing import CliRunner

from rowen.cli.datasets import datasets_of
from rowen.cli.main import rowen
from rowen.evaluate.discover import Scored, discover
from rowen.evaluate.run.base import shelf
from rowen.evaluate.smaller import of_words
from rowen.store.catalog import open_store
from rowen.values import Case, Mistaken, Outcome, Run, SystemClock, Target

TOPICS = (
    ["refund", "money", "back", "paid", "invoice"],
    ["parcel", "delivery", "courier", "late", "address"],
    ["password", "account", "login", "reset", "code"],
    ["holiday", "leave", "vacation", "days", "off"],
    ["warranty", "repair", "broken", "motor", "blender"],
    ["invoice", "tax", "vat", "number", "company"],
)


def asked_of(n=300, *, bad=None, seed=0) -> list[Scored]:
    """Questions of six topics, nine of ten answered rightly, of the bad topic four of ten."""
    rng = np.random.default_rng(seed)
    return [
        Scored(
            case=f"c{number}",
            text=" ".join(rng.choice(TOPICS[number % 6], 4)) + " please tell me about it",
            score=float(rng.random() < (0.4 if number % 6 == bad else 0.9)),
            group=f"u{number // 2}",
        )
        for number in range(n)
    ]


def found_in(cases, **more):
    return discover(cases, of_words([each.text for each in cases]), **more)


def test_a_planted_kind_is_found_and_named_by_its_words():
    cases = asked_of(bad=3)

    found = found_in(cases)

    planted = {each.case for number, each in enumerate(cases) if number % 6 == 3}
    told = {id for kind in found.kinds for id in kind.cases}
    assert len(told & planted) / len(planted) > 0.6
    assert len(told & planted) / len(told) > 0.9
    assert set(found.kinds[0].words) <= {*TOPICS[3]}
    assert found.kinds[0].score.high < found.kinds[0].rest


def test_where_no_kind_is_worse_one_is_found_no_more_often_than_is_stated():
    alarms = sum(bool(found_in(asked_of(200, seed=seed), seed=seed).kinds) for seed in range(60))

    assert alarms <= 7  # 60 times 5 % is 3; 8 or more would happen in 1 of 90 runs


def test_too_few_cases_say_nothing():
    with pytest.raises(Mistaken, match="60 are needed"):
        found_in(asked_of(30))


def test_what_is_found_becomes_a_data_set_at_the_command_line(tmp_path):
    address, scored = f"sqlite:{tmp_path}/data", asked_of(bad=3)

    async def fill() -> None:
        store = await open_store(address, clock=SystemClock())
        await datasets_of(store).add([Case(id=f"g:{one.case}", dataset="g", input=one.text) for one in scored])
        version = await datasets_of(store).freeze("g", "default")
        run = Run(
            id="r", target=Target(kind="callable"), dataset="g", version=version.hash, metrics=("right",), state="done"
        )
        await shelf(store.records).put(run)
        outcomes = [Outcome(case=f"g:{one.case}", numbers={"right": one.score}, group=one.group) for one in scored]
        await store.runs.put("r", outcomes, tenant="default")
        await store.close()

    async def kept() -> list[Case]:
        store = await open_store(address, clock=SystemClock())
        try:
            return await datasets_of(store).now("worse", "default")
        finally:
            await store.close()

    asyncio.run(fill())
    words = ["discover", "r", "--metric", "right", "--store", address]

    ended = CliRunner().invoke(rowen, [*words, "--to", "worse"], catch_exceptions=False, standalone_mode=False)
    found = json.loads(CliRunner().invoke(rowen, [*words, "--json"], standalone_mode=False).output)

    assert "cases are kept as the data set worse" in ended.output
    cases = asyncio.run(kept())
    assert len(cases) == len({id for kind in found["kinds"] for id in kind["cases"]})
    assert all(each.id.startswith("worse:") for each in cases)
