"""`rowen scores` and `rowen cases` on a store with something in it."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.score.cases import Cases
from rowen.store.catalog import open_store
from rowen.values import Case, Mistaken, Score, SystemClock


@pytest.fixture
def store(tmp_path) -> str:
    address = f"sqlite:{tmp_path}/data"

    async def fill() -> None:
        found = await open_store(address, clock=SystemClock())
        for number in range(3):
            score = Score(
                id=f"s{number}",
                app="shop" if number else "handbook",
                trace=f"t{number}",
                name="stars",
                value=float(number + 1),
                number=float(number + 1),
                source="user",
                created_ns=number + 1,
            )
            await found.scores.put([score])
            cases = Cases(found.records, scores=found.scores, traces=found.traces, clock=SystemClock())
            await cases.put(Case(id=f"c{number}", input=f"question {number}", dataset="golden", created_ns=number + 1))
        await found.close()

    asyncio.run(fill())
    return address


def run(*words: str) -> str:
    ended = CliRunner().invoke(rowen, words, catch_exceptions=False, standalone_mode=False)
    assert ended.exit_code == 0
    return ended.output


def test_scores_are_listed_newest_first_and_by_app(store):
    listed = json.loads(run("scores", "list", "--json", "--store", store))
    of_shop = json.loads(run("scores", "list", "--json", "--app", "shop", "--store", store))

    assert [(row["id"], row["value"]) for row in listed] == [("s2", 3.0), ("s1", 2.0), ("s0", 1.0)]
    assert [row["id"] for row in of_shop] == ["s2", "s1"]


def test_a_score_is_shown_whole(store):
    assert json.loads(run("scores", "show", "s1", "--store", store))["trace"] == "t1"


def test_scores_are_exported_a_line_each_up_to_the_limit(store):
    lines = run("scores", "export", "--store", store).splitlines()

    assert [json.loads(line)["id"] for line in lines] == ["s2", "s1", "s0"]
    assert len(run("scores", "export", "--limit", "2", "--store", store).splitlines()) == 2


def test_a_deleted_score_is_gone(store):
    said = run("scores", "delete", "s1", "--store", store)

    assert "Deleted the score stars of t1." in said
    assert len(json.loads(run("scores", "list", "--json", "--store", store))) == 2


@pytest.mark.parametrize("verb", ["show", "delete"])
def test_a_score_that_is_not_there_is_said_to_be(store, verb):
    with pytest.raises(Mistaken, match="there is no score nothing"):
        run("scores", verb, "nothing", "--store", store)


def test_cases_are_listed_and_exported_oldest_first(store):
    listed = json.loads(run("cases", "list", "--json", "--store", store))
    lines = [json.loads(line) for line in run("cases", "export", "--dataset", "golden", "--store", store).splitlines()]

    assert [row["id"] for row in listed] == ["c2", "c1", "c0"]
    assert lines == [{"id": f"c{number}", "input": f"question {number}"} for number in range(3)]
    assert run("cases", "export", "--dataset", "other", "--store", store) == ""
