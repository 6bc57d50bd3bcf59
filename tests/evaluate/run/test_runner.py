"""A run asks each case once, keeps what became of it, and says why it ended."""

import asyncio
from decimal import Decimal

import pytest

from rowen.evaluate.run.aim import Reply
from rowen.score.base import Verdict
from rowen.values import Refused, Unavailable


async def test_every_case_has_an_outcome_and_every_figure_an_interval(bench, some):
    result = await bench.run(some(6), must={"right": ">= 0.5"})

    assert (result.run.state, result.run.answered, result.run.failed) == ("done", 6, 0)
    assert result.run.cost == Decimal("0.06")
    (right,) = [each for each in result.figures if each.metric == "right"]
    assert right.interval.value == pytest.approx(4 / 6)
    assert right.interval.n == 6
    assert sorted(bench.asked) == [(f"c{n}", 0) for n in range(6)]


async def test_what_failed_is_counted_with_its_reason_and_the_run_goes_on(bench, some):
    def says(case, _):
        if case.id == "c1":
            raise Unavailable("upstream_error", "no grass today")
        return Reply(text=str(case.input))

    bench.says = says

    result = await bench.run(some(4))

    assert (result.run.answered, result.run.failed) == (3, 1)
    assert result.errors == {"upstream_error": 1}
    failed = next(each for each in await bench.outcomes(result.run) if each.state == "failed")
    assert failed.case == "c1"
    assert "no grass today" in failed.reasons["error"]
    assert next(each.interval.value for each in result.figures if each.metric == "error_rate") == 0.25


async def test_what_cannot_be_judged_failed_too_and_keeps_its_answer(bench, some):
    def judge(case, reply):
        if case.id == "c0":
            raise Unavailable("upstream_garbage", "the judge babbles")
        return (Verdict(type="category", value="dry"),)

    bench.judge_says = judge

    result = await bench.run(some(2))

    first, second = await bench.outcomes(result.run)
    assert (first.state, first.answer) == ("failed", "say 0")
    assert result.errors == {"right: upstream_garbage": 1}
    assert second.labels == {"right": "dry"}
    assert result.labels == {"right": {"dry": 1}}


async def test_a_second_run_of_the_same_asks_and_pays_nothing(bench, some):
    await bench.run(some(5))
    bench.asked.clear()
    bench.judged.clear()

    result = await bench.run(some(5))

    assert (bench.asked, bench.judged) == ([], [])
    assert (result.run.answered, result.run.cached, result.run.cost) == (5, 5, Decimal(0))
    assert next(each.interval.value for each in result.figures if each.metric == "cost") == pytest.approx(0.01)


async def test_another_scorer_judges_earlier_answers_and_no_model_is_asked(bench, some):
    await bench.run(some(5))
    bench.asked.clear()
    bench.judged.clear()
    bench.version = "scorer v2"

    result = await bench.run(some(5))

    assert bench.asked == []
    assert sorted(bench.judged) == [f"c{n}" for n in range(5)]
    assert (result.run.answered, result.run.cached, result.run.cost) == (5, 0, Decimal(0))


@pytest.mark.parametrize("what", ["another target", "another seed", "a fresh run", "a function"])
async def test_what_may_answer_otherwise_is_asked_anew(bench, some, what):
    bench.lasting = what != "a function"
    await bench.run(some(3))
    bench.asked.clear()
    plan = {"another seed": {"seed": 7}, "a fresh run": {"reuse": False}}.get(what, {})
    if what == "another target":
        bench.content = "target v2"

    result = await bench.run(some(3), **plan)

    assert len(bench.asked) == 3
    assert result.run.cached == 0


async def test_a_changed_expectation_is_judged_anew_without_asking(bench, some):
    await bench.run(some(3))
    bench.asked.clear()

    result = await bench.run([each.but(expected="hay") for each in some(3)])

    assert bench.asked == []
    assert next(each.interval.value for each in result.figures if each.metric == "right") == 0.0


async def test_trials_are_told_apart_and_all_cases_come_before_any_again(bench, some):
    result = await bench.run(some(3), trials=2, concurrency=1)

    assert bench.asked == [("c0", 0), ("c1", 0), ("c2", 0), ("c0", 1), ("c1", 1), ("c2", 1)]
    tries = {each.metric: each.interval.value for each in result.figures}
    assert tries["right@2"] == tries["right^2"] == pytest.approx(2 / 3)


async def test_a_budget_stops_the_run_before_it_is_exceeded_and_says_so(bench, some):
    result = await bench.run(some(20), budget="0.055", concurrency=4)

    assert result.run.state == "stopped"
    assert result.run.cost <= Decimal("0.055")
    assert len(bench.asked) == 5
    assert "the budget of 0.055 US dollars is used up: 5 of 20 were tried" in result.run.why
    assert not result.passed


async def test_a_stopped_run_goes_on_where_it_was(bench, some):
    stopped = await bench.run(some(6), budget="0.03", concurrency=2)
    ready = await bench.desk.ready(stopped.run.id, "acme", budget="1")

    result = await bench.work.done(ready)

    assert result.run.state == "done"
    assert sorted(bench.asked) == [(f"c{n}", 0) for n in range(6)]
    assert result.run.cost == Decimal("0.06")


async def test_a_budget_cannot_be_kept_without_a_price(bench, some):
    bench.says = lambda case, _: Reply(text="hay")

    result = await bench.run(some(6), budget="1")

    assert result.run.state == "stopped"
    assert "price" in result.run.why
    assert len(bench.asked) == 1


async def test_what_was_paid_for_in_vain_counts_against_the_budget(bench, some):
    def says(case, _):
        raise Unavailable("upstream_cut", "it broke off", who="hay", details={"cost": "0.01"})

    bench.says = says

    result = await bench.run(some(20), budget="0.055", concurrency=1)

    assert (result.run.state, result.run.failed, result.run.cost) == ("stopped", 5, Decimal("0.05"))


async def test_a_judge_that_fails_after_it_was_paid_counts_against_the_budget(bench, some):
    def judge(case, reply):
        raise Unavailable("upstream_garbage", "no verdict", who="judge", details={"cost": "0.04"})

    bench.judge_says = judge

    result = await bench.run(some(20), budget="0.11", concurrency=1)

    assert (result.run.state, result.run.failed, result.run.cost) == ("stopped", 2, Decimal("0.10"))


async def test_a_provider_that_asks_to_wait_is_waited_for_and_no_case_is_lost(bench, some):
    left = {"c1": 2, "c3": 1}

    def says(case, _):
        if left.get(case.id, 0):
            left[case.id] -= 1
            raise Unavailable("upstream_limited", "slowly", retry_after=7.0)
        return Reply(text=str(case.input))

    bench.says = says

    result = await bench.run(some(5), concurrency=2)

    assert (result.run.answered, result.run.failed) == (5, 0)
    assert sum(bench.slept) >= 14.0


async def test_a_limit_that_holds_too_long_pauses_the_run(bench, some):
    def says(case, _):
        raise Refused("limit_budget", "nothing left today", retry_after=40_000.0)

    bench.says = says

    result = await bench.run(some(5))

    assert result.run.state == "paused"
    assert result.run.failed == 0
    assert "nothing left today" in result.run.why


async def test_a_run_that_was_told_to_stop_finishes_what_is_under_way(bench, some):
    run = await bench.begun(some(50), concurrency=2)

    def says(case, _):
        bench.clock.move(0.3)
        return Reply(text=str(case.input))

    bench.says = says
    done = asyncio.create_task(bench.work.done(run))
    while len(bench.asked) < 3:
        await asyncio.sleep(0)
    await bench.desk.stop(run.id, "acme", by="ann")

    result = await done

    assert result.run.state == "stopped"
    assert "stopped by ann" in result.run.why
    assert 3 <= len(bench.asked) < 50
    assert result.run.answered == len(bench.asked)


async def test_an_interrupted_run_is_paused_and_nothing_is_asked_twice(bench, some):
    run = await bench.begun(some(10), concurrency=1)
    done = asyncio.create_task(bench.work.done(run))
    while len(bench.asked) < 4:
        await asyncio.sleep(0)
    done.cancel()
    await asyncio.gather(done, return_exceptions=True)
    kept = {each.case for each in await bench.outcomes(run)}
    before = list(bench.asked)

    result = await bench.work.done(await bench.desk.ready(run.id, "acme"))

    assert result.run.state == "done"
    again = bench.asked[len(before) :]
    assert {case for case, _ in again}.isdisjoint(kept)
    assert len({case for case, _ in again} & {case for case, _ in before}) <= 1


async def test_what_models_were_told_of_a_case_is_found_again_tries_in_vain_and_judges_too(bench, some):
    tries = iter(["d" * 32, ""])

    def says(case, _):
        if vain := next(tries):
            raise Unavailable("upstream_limited", retry_after=1.0, details={"trace": vain})
        return Reply(text="yes", trace="e" * 32)

    bench.says = says
    (answered,) = await bench.outcomes((await bench.run(some(1))).run)
    bench.says = lambda case, _: Reply(text="a function leaves no trace")
    bench.content = "another"
    (untraced,) = await bench.outcomes((await bench.run(some(1))).run)

    assert (answered.trace, answered.told) == ("e" * 32, ("d" * 32,))
    assert untraced.trace == ""
    assert bench.within == ["e" * 32, *untraced.told]
    assert len(untraced.told[0]) == 32


async def test_an_answer_that_a_paid_judge_was_to_judge_is_not_asked_for_again(bench, some):
    bench.pays = True
    bench.lasting = False

    judging, never = asyncio.Event(), asyncio.Event()

    async def hangs(self, case, reply, trace=""):
        judging.set()
        await never.wait()

    judges = bench.judges
    bench.judges = lambda run, plan: [type("Hangs", (type(each),), {"__call__": hangs})(
        bench=bench, name=each.name, version=each.version, within=each.within, variables={}, pays=True
    ) for each in judges(run, plan)]  # fmt: skip
    run = await bench.begun(some(1))
    done = asyncio.create_task(bench.work.done(run))
    await judging.wait()
    done.cancel()
    await asyncio.gather(done, return_exceptions=True)
    bench.judges = judges

    result = await bench.work.done(await bench.desk.ready(run.id, "acme"))

    assert len(bench.asked) == 1
    assert result.run.answered == 1
    assert result.run.cost == Decimal("0.01")


async def test_failed_cases_are_left_alone_unless_they_are_to_be_tried_again(bench, some):
    failing = {"c1"}

    def says(case, _):
        if case.id in failing:
            raise Unavailable("upstream_error", "no")
        return Reply(text=str(case.input))

    bench.says = says
    first = await bench.run(some(3))
    failing.clear()
    bench.asked.clear()

    left = await bench.work.done(await bench.desk.ready(first.run.id, "acme"))
    mended = await bench.work.done(await bench.desk.ready(first.run.id, "acme"), again=True)

    assert left.run.failed == 1
    assert (mended.run.failed, mended.run.answered) == (0, 3)
    assert bench.asked == [("c1", 0)]


async def test_a_case_that_takes_too_long_fails_and_the_others_do_not(bench, some):
    hangs = asyncio.Event()
    aim = bench.aim

    async def slow(run, plan):
        found = await aim(run, plan)

        async def ask(case, trial):
            if case.id == "c0":
                await hangs.wait()
            return await found.ask(case, trial)

        return type(found)(target=found.target, content=found.content, ask=ask, lasting=False)

    bench.aim = slow

    result = await bench.run(some(3), timeout=0.01)

    assert result.errors == {"upstream_timeout": 1}
    assert result.run.answered == 2
