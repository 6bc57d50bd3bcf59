"""`rowen review` on a store with a queue in it."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.cli.review import _review
from rowen.score.queue import Queue
from rowen.store.catalog import open_store
from rowen.values import Answer, Choice, Mistaken, Request, SystemClock, Trace, TraceRow, says


@pytest.fixture
def store(tmp_path) -> str:
    address = f"sqlite:{tmp_path}/data"

    async def fill() -> None:
        found = await open_store(address, clock=SystemClock())
        for number in range(2):
            row = TraceRow(
                id=f"t{number}",
                started_ns=number + 1,
                duration_ns=1,
                app="shop",
                definition="d",
                tenant="default",
                asked=f"question {number} " + "x" * 100,
                said=f"answer {number}",
            )
            asked = Request(model="m", messages=(says("user", f"question {number}"),))
            said = Answer(choices=(Choice(message=says("assistant", f"answer {number}"), reason="stop"),))
            await found.traces.write([Trace(row=row, request=asked, answer=said)])
        review = _review(found)
        queue = await review.put(Queue(id="q", name="answers", guidelines="Be strict.", raters=2))
        await review.fill(queue)
        await found.close()

    asyncio.run(fill())
    return address


def run(*words: str) -> str:
    ended = CliRunner().invoke(rowen, words, catch_exceptions=False, standalone_mode=False)
    assert ended.exit_code == 0
    return ended.output


def test_an_item_is_judged_by_two_and_its_labels_are_exported(store):
    first = json.loads(run("review", "next", "q", "--as", "ann", "--store", store))
    assert (first["asked"], first["judge"], first["guidelines"]) == (
        [{"role": "user", "content": f"question {first['trace'][1]}"}],
        ["thumbs"],
        "Be strict.",
    )

    for rater in ("ann", "bob"):
        item = json.loads(run("review", "next", "q", "--as", rater, "--store", store))["item"]
        run("review", "judge", "q", item, "thumbs=false", "--as", rater, "--reason", "wrong", "--store", store)
    lines = [json.loads(line) for line in run("review", "export", "q", "--store", store).splitlines()]
    (queue,) = json.loads(run("review", "list", "--json", "--store", store))
    scores = json.loads(run("scores", "list", "--json", "--name", "thumbs", "--store", store))

    assert [(line["trace"], line["labels"], line["state"]) for line in lines] == [
        (first["trace"], {"thumbs": False}, "done")
    ]
    assert [opinion["rater"] for opinion in lines[0]["opinions"]] == ["ann", "bob"]
    assert (queue["name"], queue["open"], queue["done"]) == ("answers", 1, 1)
    assert {(score["by"], score["source"], score["value"]) for score in scores} == {
        ("ann", "person", False),
        ("bob", "person", False),
    }
    assert len(run("review", "export", "q", "--all", "--store", store).splitlines()) == 2


def test_items_are_listed_with_the_beginning_of_what_is_judged_and_why_they_are_there(store):
    rows = json.loads(run("review", "items", "q", "--state", "open", "--json", "--store", store))
    shown = run("review", "items", "q", "--store", store)

    assert [(row["asked"].split(" x")[0], row["said"], row["app"], row["why"]) for row in rows] == [
        ("question 0", "answer 0", "shop", "among the newest answers"),
        ("question 1", "answer 1", "shop", "among the newest answers"),
    ]
    assert rows[0]["when"] == "1970-01-01T00:00:00+00:00"
    assert "question 0" in shown
    assert "x" * 100 not in shown
    assert run("review", "items", "q", "--state", "done", "--store", store) == "Nothing is done.\n"


def test_when_nothing_is_left_it_is_said(store):
    for _ in range(2):
        item = json.loads(run("review", "next", "q", "--as", "ann", "--store", store))["item"]
        run("review", "judge", "q", item, "thumbs=true", "--as", "ann", "--store", store)

    with pytest.raises(Mistaken, match="nothing left for ann"):
        run("review", "next", "q", "--as", "ann", "--store", store)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("next", "absent"), "no such queue"),
        (("export", "absent"), "no such queue"),
        (("judge", "q", "absent", "thumbs=true"), "no such item"),
        (("judge", "q", "absent", "thumbs"), "NAME=VALUE"),
        (("judge", "q", "absent", "stars=9"), "asks for thumbs"),
    ],
)
def test_what_cannot_be_is_said(store, words, says):
    with pytest.raises(Mistaken, match=says):
        run("review", *words, "--store", store)
