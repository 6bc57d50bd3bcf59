"""A run's outcomes as numbers: what failed counts, trials are averaged, and an interval rests on what is independent."""

from decimal import Decimal

import pytest

from rowen.evaluate.run.base import load, shelf
from rowen.evaluate.run.estimate import estimate
from rowen.store.catalog import open_store
from rowen.values import Outcome, Run, SystemClock, Target

RUN = Run(id="r1", tenant="acme", app="handbook", target=Target(kind="callable", name="x:y"), metrics=("right",))


async def loaded(*outcomes, run=RUN, lower=()):
    store = await open_store("memory:", clock=SystemClock())
    await store.runs.put(run.id, outcomes, tenant=run.tenant)
    return await load(store.runs, run, lower=lower)


def right(case, value, **fields):
    return Outcome(case=case, numbers={"right": value}, **fields)


async def test_what_failed_has_the_worst_value_and_raises_the_error_rate():
    found = await loaded(right("a", 1.0), Outcome(case="b", state="failed"), lower=())

    assert found.values("right") == [1.0, 0.0]
    assert found.values("error_rate") == [0.0, 1.0]
    assert found.interval("right").value == 0.5


async def test_of_what_should_be_low_the_worst_is_one():
    found = await loaded(
        Outcome(case="a", numbers={"toxicity": 0.1, "sour": 0.2}), Outcome(case="b", state="failed"), lower=("sour",)
    )

    assert found.values("toxicity") == [0.1, 1.0]
    assert found.values("sour") == [0.2, 1.0]
    assert not found.higher_is_better("sour")


async def test_what_failed_has_no_value_on_a_scale_that_has_no_worst():
    found = await loaded(Outcome(case="a", numbers={"words": 12.0}), Outcome(case="b", state="failed"))

    assert found.values("words") == [12.0, None]
    assert found.cases("words") == {"a": 12.0}


async def test_a_run_of_which_everything_failed_is_at_its_worst():
    found = await loaded(Outcome(case="a", state="failed"), Outcome(case="b", state="failed"))

    assert found.metrics == ()
    assert found.values("right") == [0.0, 0.0]
    assert found.interval("right").value == 0.0


async def test_trials_are_averaged_before_cases_are():
    found = await loaded(right("a", 1.0), right("a", 0.0, trial=1), right("b", 1.0))

    assert found.cases("right") == {"a": 0.5, "b": 1.0}
    assert found.interval("right").n == 2


async def test_cases_of_one_group_count_as_one():
    outcomes = [right(f"{user}{n}", float(n > user), group=f"u{user}") for user in range(4) for n in range(5)]

    found = await loaded(*outcomes)

    assert found.grouped
    assert found.interval("right").n == 4


async def test_cases_are_cut_by_what_they_say_of_themselves():
    found = await loaded(
        right("a", 1.0, slices={"language": "de"}), right("b", 0.0, slices={"language": "en"}), right("c", 1.0)
    )

    assert found.slices == {"language": {"de": frozenset("a"), "en": frozenset("b")}}
    assert found.interval("right", found.slices["language"]["de"]).value == 1.0


async def test_times_cost_and_tokens_are_metrics_too():
    found = await loaded(
        right("a", 1.0, cost=Decimal("0.002"), duration_ms=30.0, first_ms=10.0, input_tokens=4, output_tokens=2),
        right("b", 1.0),
    )

    assert found.values("cost") == [0.002, None]
    assert found.values("latency") == [30.0, None]
    assert found.values("first_token") == [10.0, None]
    assert found.values("output_tokens") == [2.0, 0.0]
    assert found.bounds("latency") == (0.0, float("inf"))


async def test_runs_stand_on_a_shelf_by_app_and_suite():
    store = await open_store("memory:", clock=SystemClock())
    runs = shelf(store.records)
    await runs.put(RUN.but(suite="smoke", created_ns=1))
    await runs.put(RUN.but(id="r2", created_ns=2))

    assert [run.id for run in await runs.find(tenant="acme", app="handbook")] == ["r2", "r1"]
    assert [run.id for run in await runs.find(group="smoke")] == ["r1"]


@pytest.mark.parametrize(
    ("values", "clusters", "method"),
    [
        ([1.0, 0.0, 1.0], None, "wilson"),
        ([1.0, 0.5, 1.0], None, "studentised"),
        ([1.0, 0.0] * 200, [n // 2 for n in range(400)], "studentised"),
        ([1.0, 0.5] * 200, None, "t"),
        ([1.0, 0.0, 0.5] * 300, [n // 2 for n in range(900)], "linearised"),
        ([0.5] * 400, None, "studentised"),
    ],
)
def test_an_interval_suits_what_it_is_of(values, clusters, method):
    found = estimate(values, clusters=clusters, bounds=(0.0, 1.0))

    assert found.method == method
    assert found.value == pytest.approx(sum(values) / len(values))
    assert 0.0 <= found.low < found.high <= 1.0


SECONDS = [(n * 7919 % 1000) / 100 for n in range(301)]


@pytest.mark.parametrize(
    ("values", "bounds", "method"),
    [
        (SECONDS[:20], None, "bca"),  # times and costs have no end
        (SECONDS[:300], None, "bca"),
        (SECONDS, None, "t"),
        ([1.0, 0.0, 1.0], (0.0, 5.0), "studentised"),  # no yes and no: others could come
        ([1.0, 0.0, 1.0], None, "bca"),
        ([1.0] * 400, (0.0, 5.0), "studentised"),
    ],
)
def test_an_interval_suits_the_scale(values, bounds, method):
    found = estimate(values, bounds=bounds)

    assert (found.method, found.n) == (method, len(values))
    assert found.low < found.value < found.high


def test_of_nothing_nothing_is_known():
    found = estimate([], bounds=(0.0, 1.0))

    assert (found.value, found.low, found.high, found.n) == (None, 0.0, 1.0, 0)


def test_many_groups_give_what_the_bootstrap_gives():
    values = [float((n * 7919) % 11 < 6) for n in range(1200)]
    clusters = [n // 3 for n in range(1200)]

    by_formula = estimate(values, clusters=clusters, bounds=(0.0, 1.0))
    few = estimate(values[:900], clusters=clusters[:900], bounds=(0.0, 1.0))

    assert by_formula.method == "linearised"
    assert few.method == "studentised"
    assert by_formula.high - by_formula.low == pytest.approx((few.high - few.low) * (900 / 1200) ** 0.5, rel=0.1)
