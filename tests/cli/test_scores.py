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


def test_a_judges_share_is_told_corrected_by_what_people_labelled(store):
    asyncio.run(judged(store))

    said = run("scores", "share", "right", "--store", store)
    found = json.loads(run("scores", "share", "right", "--json", "--store", store))

    # 12 of 20 judged yes, of 10 labelled it catches 4 of 5 and passes 4 of 5: (0.6 + 0.8 - 1) / (0.8 + 0.8 - 1)
    assert found["corrected"]["value"] == pytest.approx(0.4 / 0.6)
    assert (found["judged"]["value"], found["labels"]) == (0.6, 10)
    assert "corrected by 10 labels; the judge alone says 0.6" in " ".join(said.split())


def test_what_no_judge_said_yes_or_no_to_has_no_share(store):
    with pytest.raises(Mistaken, match="no judge said yes or no under 'stars'"):
        run("scores", "share", "stars", "--store", store)


async def judged(address: str) -> None:
    found = await open_store(address, clock=SystemClock())
    at = SystemClock().now_ns() - 3_600_000_000_000
    judge = [True] * 4 + [False] + [True] + [False] * 4 + [True] * 7 + [False] * 3
    given = [("model", said) for said in judge] + [("person", n < 5) for n in range(10)]
    await found.scores.put(
        [
            Score(
                id=f"{source}{n}",
                trace=f"r{n % 20}",
                name="right",
                type="boolean",
                value=said,
                number=float(said),
                source=source,
                by=source,
                judged_ns=at,
                created_ns=at,
            )
            for n, (source, said) in enumerate(given)
        ]
    )
    await found.close()


def test_a_metric_that_says_nothing_of_what_users_say_is_warned_of(tmp_path):
    address = f"sqlite:{tmp_path}/data"
    now = SystemClock().now_ns()

    async def fill() -> None:
        found = await open_store(address, clock=SystemClock())
        for number in range(300):
            of = {"app": "shop", "trace": f"t{number}", "judged_ns": now, "created_ns": now}
            await found.scores.put(
                [
                    Score(id=f"a{number}", name="thumbs", value=number % 2 == 0, source="user", **of),
                    Score(
                        id=f"b{number}",
                        name="grounded",
                        value=float(number % 2 == 0) + number % 3 / 9,
                        source="model",
                        **of,
                    ),
                    Score(id=f"c{number}", name="bleu", value=float(number * 7919 % 101), source="rule", **of),
                ]
            )
        await found.close()

    asyncio.run(fill())
    ended = CliRunner().invoke(rowen, ["scores", "predict", "thumbs", "--store", address], catch_exceptions=False)
    rows = json.loads(run("scores", "predict", "thumbs", "--json", "--store", address))

    assert [(row["metric"], row["worth"], row["n"]) for row in rows] == [
        ("grounded", "predicts", 300),
        ("bleu", "weak", 300),
    ]
    assert "bleu says little of it" in ended.stderr
    assert "grounded says" not in ended.stderr
