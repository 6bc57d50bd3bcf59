"""Retries, fallback, timeouts, mid-stream failures, hedging and leaving, with scripted upstreams."""

import asyncio
from contextlib import aclosing

import pytest

from rowen.route import Breaking
from rowen.values import (
    CallArgs,
    Called,
    Embedded,
    Finished,
    Mistaken,
    Money,
    Patience,
    Profile,
    Said,
    Started,
    Unavailable,
    Usage,
    Used,
)

QUICK = {"patience": Patience(first=0.01, gap=0.01)}


async def test_one_good_attempt_is_told_with_its_usage_cost_and_times(kit):
    stage = kit.stage(kit.Script(fast=[kit.whole("Hi", " there")]))

    text = await stage.answer()

    assert text == "Hi there"
    (attempt,) = stage.attempts
    assert (attempt.deployment, attempt.status, attempt.reason, attempt.waste) == ("fast", "ok", "first", False)
    assert attempt.usage == Usage(input_tokens=10, output_tokens=5)
    assert attempt.cost == Money(amount=15)
    assert attempt.first_event_ns >= attempt.started_ns > 0
    assert stage.ask.closed == 1


async def test_usage_that_the_provider_does_not_report_is_estimated_and_flagged(kit):
    stage = kit.stage(kit.Script(fast=[kit.whole("three little words", usage=None)]))

    await stage.answer()

    estimate = Usage(input_tokens=7, output_tokens=3, estimated=True)
    assert stage.attempts[0].usage == estimate
    assert stage.events[-1] == Used(usage=estimate)


async def test_a_failure_before_the_first_content_is_retried_and_hidden(kit, clock):
    script = kit.Script(fast=[kit.broken(after=[Started(id="lost")]), kit.whole("Hi")])
    stage = kit.stage(script)

    text = await stage.answer()

    assert text == "Hi"
    assert sum(isinstance(event, Started) for event in stage.events) == 1
    assert stage.told == [("fast", "first", "failed"), ("fast", "retry", "ok")]
    assert stage.attempts[0].waste
    assert clock.slept == [0.125]  # half of the first wait, by the jitter handed in


async def test_another_deployment_is_asked_at_once_before_the_same_one_again(kit, clock):
    script = kit.Script(a=[kit.broken(), kit.whole("late")], b=[kit.broken()])
    stage = kit.stage(script, kit.route("a", "b", retries=2))

    text = await stage.answer()

    assert text == "late"
    assert script.asked == ["a", "b", "a"]
    assert len(clock.slept) == 1


async def test_waits_double_up_to_a_bound_with_full_jitter(kit, clock):
    stage = kit.stage(kit.Script(fast=[kit.broken()]), kit.route(retries=6), breaking=Breaking(least=100))

    await stage.problem()

    assert clock.slept == [0.125, 0.25, 0.5, 1.0, 2.0, 2.0]


async def test_fallback_models_come_after_the_models_own_deployments(kit):
    script = kit.Script(fast=[kit.broken()], careful=[kit.whole("careful")])
    stage = kit.stage(script, kit.route(retries=1, fallback=("careful",)), kit.route(model="careful"))

    text = await stage.answer()

    assert text == "careful"
    assert stage.told == [("fast", "first", "failed"), ("fast", "retry", "failed"), ("careful", "fallback", "ok")]


async def test_a_429_goes_to_another_key_at_once(kit, clock):
    script = kit.Script(a=[kit.broken("upstream_limited", retry_after=20)], b=[kit.whole("b")])
    stage = kit.stage(script, kit.route("a", "b"))

    first = await stage.answer()
    second = await stage.answer()

    assert (first, second) == ("b", "b")
    assert script.asked == ["a", "b", "b"]  # the second call leaves the resting key alone
    assert clock.slept == []


async def test_retry_after_is_waited_for_when_nobody_else_is_left(kit, clock):
    script = kit.Script(fast=[kit.broken("upstream_limited", retry_after=3), kit.whole("now")])
    stage = kit.stage(script)

    text = await stage.answer()

    assert text == "now"
    assert clock.slept == [pytest.approx(3.0, abs=0.01)]


async def test_retry_after_that_does_not_fit_is_handed_to_the_caller(kit, clock):
    script = kit.Script(fast=[kit.broken("upstream_limited", retry_after=3)])
    stage = kit.stage(script, kit.route(deployments={"patience": Patience(total=2)}))

    problem = await stage.problem()

    assert (problem.code, problem.retry_after) == ("upstream_limited", 3)
    assert clock.slept == []


@pytest.mark.parametrize("code", ["upstream_refused", "upstream_filtered", "field_invalid"])
async def test_what_the_caller_did_wrong_is_not_tried_again(kit, code):
    script = kit.Script(fast=[[Mistaken(code)]], careful=[kit.whole("no")])
    stage = kit.stage(script, kit.route(fallback=("careful",)), kit.route(model="careful"))

    problem = await stage.problem()

    assert problem.code == code
    assert script.asked == ["fast"]


async def test_a_refused_key_goes_to_the_next_deployment_and_is_not_retried(kit):
    script = kit.Script(a=[kit.broken("upstream_key")], b=[kit.broken()])
    stage = kit.stage(script, kit.route("a", "b", retries=3))

    problem = await stage.problem()

    assert script.asked == ["a", "b", "b", "b"]
    assert problem.code == "upstream_error"


async def test_what_one_provider_cannot_express_another_may(kit):
    script = kit.Script(a=[[Mistaken("field_unknown", place="logit_bias")]], b=[kit.whole("b")])
    stage = kit.stage(script, kit.route("a", "b"))

    assert await stage.answer() == "b"


async def test_the_most_telling_of_several_problems_is_given(kit):
    script = kit.Script(a=[kit.broken("upstream_garbage")], b=[kit.broken("upstream_connect")])
    stage = kit.stage(script, kit.route("a", "b", retries=0))

    problem = await stage.problem()

    assert problem.code == "upstream_garbage"
    assert script.asked == ["a", "b"]


async def test_attempts_that_used_nothing_cost_nothing_and_others_are_estimated(kit):
    script = kit.Script(
        a=[kit.broken("upstream_connect")],
        b=[[Started(), Unavailable("upstream_error")]],
        c=[kit.whole("ok")],
    )
    stage = kit.stage(script, kit.route("a", "b", "c"))

    await stage.answer()

    assert [attempt.cost for attempt in stage.attempts] == [Money(), Money(amount=7), Money(amount=15)]
    assert stage.attempts[1].usage.estimated
    assert [attempt.waste for attempt in stage.attempts] == [True, True, False]


async def test_an_upstream_that_never_begins_is_left_for_the_next(kit):
    script = kit.Script(a=[[Started(), kit.HANG]], b=[kit.whole("b")])
    stage = kit.stage(script, kit.route("a", "b", deployments=QUICK))

    text = await stage.answer()

    assert text == "b"
    assert (stage.attempts[0].code, stage.attempts[0].waste) == ("upstream_timeout", True)
    assert script.closed == 2


async def test_silence_within_an_answer_is_a_timeout(kit):
    script = kit.Script(fast=[[Started(), Said(text="Hi"), kit.HANG]])
    stage = kit.stage(script, kit.route(deployments=QUICK))

    problem = await stage.problem()

    assert problem.code == "upstream_timeout"
    assert "silent" in problem.message
    assert script.closed == 1
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_an_answer_longer_than_the_total_is_ended(kit):
    async def drip(_request, _deployment):
        while True:
            await asyncio.sleep(0.001)
            yield (Said(text="x"),)

    stage = kit.stage(drip, kit.route(deployments={"patience": Patience(total=0.05)}, retries=0))

    problem = await stage.problem()

    assert problem.code == "upstream_timeout"
    assert "total" in problem.message


async def test_a_caller_who_takes_his_time_is_no_timeout_of_the_upstream(kit):
    stage = kit.stage(kit.Script(fast=[kit.whole("a", "b")]), kit.route(deployments=QUICK))
    chosen = await stage.choose(stage.call())

    async with aclosing(stage.attempt(chosen, stage.attempts.append)) as events:
        async for _ in events:
            await asyncio.sleep(0.03)  # three times the longest gap

    assert [attempt.status for attempt in stage.attempts] == ["ok"]


async def test_a_cut_after_the_end_of_the_answer_changes_nothing(kit):
    script = kit.Script(fast=[[*kit.whole("Hi", usage=None), Unavailable("upstream_cut")]])
    stage = kit.stage(script)

    assert await stage.answer() == "Hi"
    assert stage.told == [("fast", "first", "ok")]


async def test_a_stream_without_an_end_is_a_cut(kit):
    stage = kit.stage(kit.Script(fast=[[Started(), Said(text="Hi")]]))

    problem = await stage.problem()

    assert problem.code == "upstream_cut"
    assert stage.attempts[0].usage == Usage(input_tokens=7, output_tokens=1, estimated=True)


async def test_by_default_a_broken_stream_ends_with_its_error(kit):
    script = kit.Script(a=[kit.broken("upstream_cut", after=[Said(text="Hi")])], b=[kit.whole("no")])
    stage = kit.stage(script, kit.route("a", "b"))

    problem = await stage.problem()

    assert problem.code == "upstream_cut"
    assert script.asked == ["a"]
    assert stage.attempts[0].waste


async def test_continue_lets_another_deployment_go_on_from_the_text_so_far(kit):
    script = kit.Script(
        a=[kit.broken("upstream_cut", after=[Started(), Said(text="One, "), Said(text="two, ")])],
        b=[kit.whole(" three")],
    )
    stage = kit.stage(script, kit.route("a", "b", midstream="continue"))

    text = await stage.answer(stage.call(max_tokens=10))

    assert text == "One, two, three"
    assert stage.told == [("a", "first", "failed"), ("b", "continue", "ok")]
    assert not any(attempt.waste for attempt in stage.attempts)
    assert script.requests[1].messages[-1].role == "assistant"
    assert script.requests[1].messages[-1].text == "One, two,"
    assert script.requests[1].max_tokens == 8
    assert sum(isinstance(event, Started) for event in stage.events) == 1
    used = [event.usage for event in stage.events if isinstance(event, Used)]
    assert used[-1] == stage.attempts[0].usage + stage.attempts[1].usage


async def test_an_answer_that_calls_tools_is_not_continued(kit):
    begun = [Said(text="Let me see"), Called(index=0, id="t", name="look"), CallArgs(index=0, text='{"a"')]
    script = kit.Script(a=[kit.broken("upstream_cut", after=begun)], b=[kit.whole("no")])
    stage = kit.stage(script, kit.route("a", "b", midstream="continue"))

    problem = await stage.problem()

    assert problem.code == "upstream_cut"
    assert script.asked == ["a"]


async def test_restart_begins_again_where_nothing_was_streamed(kit):
    script = kit.Script(a=[kit.broken("upstream_cut", after=[Started(), Said(text="Hi")])], b=[kit.whole("Hello")])
    stage = kit.stage(script, kit.route("a", "b", midstream="restart"))

    text = await stage.answer(stage.call(stream=False))

    assert text == "Hello"
    assert stage.told == [("a", "first", "failed"), ("b", "retry", "ok")]


async def test_restart_cannot_take_back_what_was_streamed(kit):
    script = kit.Script(a=[kit.broken("upstream_cut", after=[Started(), Said(text="Hi")])], b=[kit.whole("Hello")])
    stage = kit.stage(script, kit.route("a", "b", midstream="restart"))

    problem = await stage.problem(stage.call(stream=True))

    assert problem.code == "upstream_cut"


async def test_a_hedge_that_speaks_first_wins_and_the_other_is_closed_and_told(kit):
    script = kit.Script(a=[[Started(), kit.HANG]], b=[kit.whole("quick")])
    stage = kit.stage(script, kit.route("a", "b", hedge_after=0.001))

    text = await stage.answer()

    assert text == "quick"
    assert sorted(stage.told) == [("a", "first", "hedged"), ("b", "hedge", "ok")]
    hedged = next(attempt for attempt in stage.attempts if attempt.status == "hedged")
    assert hedged.waste
    assert hedged.usage.estimated
    assert script.closed == 2


async def test_a_first_attempt_that_speaks_in_time_is_not_hedged(kit):
    script = kit.Script(a=[kit.whole("a")], b=[kit.whole("b")])
    stage = kit.stage(script, kit.route("a", "b", hedge_after=60))

    assert await stage.answer() == "a"
    assert script.asked == ["a"]


async def test_when_the_hedge_fails_the_first_attempt_is_still_waited_for(kit):
    second_failed = asyncio.Event()

    async def ask(_request, name):
        if name == "a":
            await second_failed.wait()
            yield kit.whole("a")
        else:
            second_failed.set()
            raise Unavailable("upstream_error")

    stage = kit.stage(ask, kit.route("a", "b", hedge_after=0.001))

    text = await stage.answer()

    assert text == "a"
    assert sorted(stage.told) == [("a", "first", "ok"), ("b", "hedge", "failed")]


async def test_a_caller_who_leaves_closes_the_upstream_and_the_attempt_is_told(kit):
    script = kit.Script(fast=[[Started(), Said(text="one two"), Said(text=" three"), kit.HANG]])
    stage = kit.stage(script)

    await stage.answer(leave_after=3)

    (attempt,) = stage.attempts
    assert (attempt.status, attempt.waste) == ("cancelled", True)
    assert attempt.usage == Usage(input_tokens=7, output_tokens=3, estimated=True)
    assert attempt.cost == Money(amount=10)
    assert script.closed == 1


@pytest.mark.parametrize("hedge_after", [0, 0.001])
async def test_a_task_that_is_cancelled_while_waiting_closes_every_upstream(kit, hedge_after):
    script = kit.Script(a=[[kit.HANG]], b=[[kit.HANG]])
    stage = kit.stage(script, kit.route("a", "b", hedge_after=hedge_after))
    every = 2 if hedge_after else 1

    task = asyncio.create_task(stage.answer())
    while len(script.asked) < every:
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait((task,))

    assert task.cancelled()
    assert script.closed == every
    assert [attempt.status for attempt in stage.attempts] == ["cancelled"] * every
    assert all(health.in_flight == 0 for health in stage.state.health())


async def test_a_provider_that_breaks_in_our_own_code_is_told_and_raised(kit):
    stage = kit.stage(kit.Script(fast=[[Started(), ZeroDivisionError("ours")]]))

    with pytest.raises(ZeroDivisionError):
        await stage.answer()

    assert [(attempt.status, attempt.code) for attempt in stage.attempts] == [("failed", "broken")]


async def test_vectors_are_a_whole_answer(kit):
    played = [Started(), Embedded(vectors=((0.1, 0.2),)), Used(usage=Usage(input_tokens=3))]
    stage = kit.stage(kit.Script(fast=[played]), kit.route(deployments={"profile": Profile(embeddings=True)}))

    await stage.answer(stage.call(kind="embeddings"))

    assert stage.events == played
    assert stage.attempts[0].status == "ok"


async def test_an_empty_answer_that_ends_is_an_answer(kit):
    stage = kit.stage(kit.Script(fast=[[Started(), Finished(reason="stop"), Used(usage=Usage(input_tokens=3))]]))

    assert await stage.answer() == ""
    assert stage.attempts[0].status == "ok"


async def test_a_deployment_that_opened_its_breaker_meanwhile_is_passed_over(kit):
    script = kit.Script(a=[kit.whole("a")], b=[kit.whole("b")])
    stage = kit.stage(script, kit.route("a", "b"))
    chosen = await stage.choose(stage.call())
    for _ in range(5):
        stage.state.of(stage.models.routes["fast"].deployments[0]).went_wrong(Unavailable("upstream_error"))

    async with aclosing(stage.attempt(chosen, stage.attempts.append)) as events:
        texts = [event.text async for batch in events for event in batch if isinstance(event, Said)]

    assert texts == ["b"]
