from rowen.watch import Objectives, WatchTable
from rowen.watch.desk import Desk
from rowen.watch.engine import Watched
from rowen.watch.fill import Filler
from rowen.watch.judge import Judges

from .conftest import JUNE, MINUTE, score

TABLE = WatchTable(sli="score", score="grounded", source="model", at_least=0.5, target=0.9)


async def label(store, *, caught: int, missed: int, passed: int, false: int) -> None:
    """Let a judge and a person score the same answers."""
    scores = []
    for n, (judge, people) in enumerate(
        [(1, 1)] * caught + [(0, 1)] * missed + [(0, 0)] * passed + [(1, 0)] * false, start=10_000
    ):
        scores += [
            score(n, JUNE - 60 * MINUTE, "grounded", judge, id=f"j{n}", source="model", by="judge"),
            score(n, JUNE - 60 * MINUTE, "grounded", people, id=f"p{n}", source="person", by="ann"),
        ]
    await store.scores.put(scores)


async def test_an_unlabelled_judge_is_taken_at_its_word(store, clock):
    assert await Judges(store, clock)("shop", TABLE) is None


async def test_a_labelled_judge_is_corrected_and_its_doubt_is_in_the_interval(store, clock):
    await label(store, caught=45, missed=5, passed=40, false=10)

    correct = await Judges(store, clock)("shop", TABLE)

    found = correct(800, 1000)
    assert found.value == (0.8 + 0.8 - 1) / (0.9 + 0.8 - 1)
    assert found.low < found.value < found.high
    assert found.high - found.low > 0.1  # the judge was measured on a hundred answers only


async def test_a_judge_that_tosses_a_coin_is_not_used_to_correct(store, clock):
    await label(store, caught=20, missed=20, passed=20, false=20)

    assert await Judges(store, clock)("shop", TABLE) is None


async def test_too_few_labels_correct_nothing(store, clock):
    await label(store, caught=40, missed=0, passed=9, false=0)

    assert await Judges(store, clock)("shop", TABLE) is None


async def test_the_objective_counts_the_judge_alone_and_stands_corrected(store, clock):
    await label(store, caught=45, missed=5, passed=40, false=10)
    await store.scores.put([score(n, JUNE, "grounded", int(n >= 200), source="model") for n in range(1000)])
    app = Watched(objectives=Objectives(app="shop", watch={"grounded": TABLE}))
    await Filler(store).fill(app.objectives, JUNE, JUNE + MINUTE)
    clock.move(60)

    row = await Desk(store, lambda: [app], clock, Judges(store, clock)).row(app, "grounded")

    assert (row.standing.good, row.standing.total) == (800, 1000)
    assert round(row.standing.figure, 3) == 0.857
    assert row.standing.estimate.method == "lang-reiczigel"
    assert row.standing.state == "unsure"  # 0.8 alone would have been a sure miss
