import asyncio
from contextlib import aclosing
from decimal import Decimal

import pytest

from rowen.flow import Chain, Walk
from rowen.testing.clock import FakeClock
from rowen.values import (
    Answer,
    Attempt,
    Broken,
    Call,
    Choice,
    Door,
    Events,
    Finished,
    Money,
    Refused,
    Request,
    Said,
    SystemClock,
    Unavailable,
    says,
)

CALL = Call(
    id="0" * 32,
    app="a",
    definition="d",
    request=Request(model="m", messages=(says("user", "hi"),)),
    door=Door(shape="internal"),
    started_ns=1,
)
ATTEMPT = Attempt(deployment="m", provider="echo", model="m", started_ns=1, ended_ns=2)


async def speak(call: Call, tell) -> Events:
    try:
        yield (Said(text="hel"),)
        yield Said(text="lo"), Finished(reason="stop")
    finally:
        tell(ATTEMPT)


def chain(*before, answer=speak, after=()) -> Chain:
    return Chain(
        before=tuple((step.__name__, step) for step in before),
        answer=answer,
        after=tuple((step.__name__, step) for step in after),
    )


async def test_the_answer_is_the_fold_of_the_events():
    call = await Walk(chain(), CALL, SystemClock()).answer()

    assert call.answer is not None
    assert call.answer.text == "hello"
    assert call.source == "model"
    assert call.attempts == (ATTEMPT,)
    assert call.ended_ns >= call.first_ns > 0


async def test_a_step_is_recorded_with_what_it_changed():
    async def name(call: Call) -> Call:
        return call.but(feature="f")

    async def look(call: Call) -> Call:
        return call

    call = await Walk(chain(name, look), CALL, SystemClock()).answer()

    assert [(step.name, step.changed) for step in call.steps] == [("name", ("feature",)), ("look", ())]


async def test_an_answer_set_early_ends_the_walk_and_the_after_steps_still_run():
    seen = []

    async def hit(call: Call) -> Call:
        return call.but(
            answer=Answer(choices=(Choice(message=says("assistant", "kept"), reason="stop"),)), source="cache"
        )

    async def never(call: Call) -> Call:
        raise AssertionError

    async def record(call: Call) -> Call:
        seen.append(call.source)
        return call

    walk = Walk(chain(hit, never, after=(record,)), CALL, SystemClock())
    events = [event async for batch in walk.events() for event in batch]

    assert events[1] == Said(text="kept")
    assert seen == ["cache"]


async def test_a_refusal_is_recorded_and_raised():
    seen = []

    async def refuse(call: Call) -> Call:
        raise Refused("limit_requests", retry_after=3)

    async def record(call: Call) -> Call:
        seen.append(call)
        return call

    with pytest.raises(Refused):
        await Walk(chain(refuse, after=(record,)), CALL, SystemClock()).answer()

    assert seen[0].problem.code == "limit_requests"
    assert seen[0].steps[0].code == "limit_requests"


async def test_a_caller_who_leaves_is_recorded_with_what_was_said_and_spent():
    seen = []

    async def record(call: Call) -> Call:
        seen.append(call)
        return call

    walk = Walk(chain(after=(record,)), CALL, SystemClock())
    async with aclosing(walk.events()) as events:
        async for _ in events:
            break

    assert seen[0].problem.code == "cancelled"
    assert seen[0].answer.text == "hel"
    assert seen[0].attempts == (ATTEMPT,)


async def test_a_failure_in_mid_stream_keeps_what_was_said():
    async def cut(call: Call, tell) -> Events:
        yield (Said(text="hel"),)
        raise Unavailable("upstream_cut", who="m")

    walk = Walk(chain(answer=cut), CALL, SystemClock())
    with pytest.raises(Unavailable):
        await walk.answer()

    assert walk.call.answer is not None
    assert (walk.call.answer.text, walk.call.source) == ("hel", "model")
    assert walk.call.problem is not None
    assert walk.call.problem.who == "m"


async def test_a_failure_before_anything_was_said_leaves_no_answer_and_no_source():
    async def down(call: Call, tell) -> Events:
        raise Unavailable("upstream_error", who="m")
        yield

    walk = Walk(chain(answer=down), CALL, SystemClock())
    with pytest.raises(Unavailable):
        await walk.answer()

    assert (walk.call.answer, walk.call.source, walk.call.first_ns) == (None, "", 0)


async def test_a_caller_who_leaves_an_answer_that_was_kept_leaves_it_as_it_was():
    kept = Answer(choices=(Choice(message=says("assistant", "kept"), reason="stop"),))

    async def hit(call: Call) -> Call:
        return call.but(answer=kept, source="cache")

    walk = Walk(chain(hit), CALL, SystemClock())
    async with aclosing(walk.events()) as events:
        async for _ in events:
            break

    assert (walk.call.answer, walk.call.source) == (kept, "cache")
    assert walk.call.problem is not None
    assert walk.call.problem.code == "cancelled"


async def test_nothing_is_owed_where_nobody_was_asked_and_what_was_is_owed_where_somebody_was():
    async def price(call: Call) -> Call:
        return call.but(cost=Money(amount=Decimal(1)))

    async def refuse(call: Call) -> Call:
        raise Refused("limit_requests")

    asked = await Walk(chain(price), CALL, SystemClock()).answer()
    walk = Walk(chain(price, refuse), CALL, SystemClock())
    with pytest.raises(Refused):
        await walk.answer()

    assert asked.cost == Money(amount=Decimal(1))
    assert walk.call.cost == Money()


async def test_the_first_event_alone_has_the_time_of_the_first_and_the_last_step_records_all_before_it():
    clock, seen = FakeClock(), []

    async def slowly(call: Call, tell) -> Events:
        clock.move(1)
        yield (Said(text="hel"),)
        clock.move(1)
        yield Said(text="lo"), Finished(reason="stop")

    async def before(call: Call) -> Call:
        return call

    async def settle(call: Call) -> Call:
        seen.append(call.steps)
        return call

    async def record(call: Call) -> Call:
        seen.append([step.name for step in call.steps])
        return call

    began = clock.now_ns()
    call = await Walk(chain(before, answer=slowly, after=(settle, record)), CALL, clock).answer()

    assert (call.first_ns - began, call.ended_ns - began) == (1_000_000_000, 2_000_000_000)
    assert seen == [(), ["before", "settle"]]
    assert [step.name for step in call.steps] == ["before", "settle", "record"]


async def test_what_breaks_is_logged_with_its_call(caplog):
    async def break_(call: Call) -> Call:
        raise KeyError("x")

    with pytest.raises(Broken):
        await Walk(chain(break_, after=(break_,)), CALL, SystemClock()).answer()

    assert [record.getMessage() for record in caplog.records] == [
        f"call {CALL.id} broke",
        f"after-step break_ failed for call {CALL.id}",
    ]


async def test_an_unexpected_error_becomes_broken_without_its_text():
    async def break_(call: Call) -> Call:
        raise KeyError("sk-secret")

    walk = Walk(chain(break_), CALL, SystemClock())
    with pytest.raises(Exception, match="KeyError") as caught:
        await walk.answer()

    assert "sk-secret" not in str(caught.value)
    assert walk.call.problem is not None
    assert walk.call.problem.code == "broken"


async def test_a_failing_after_step_does_not_stop_the_others():
    seen = []

    async def fail(call: Call) -> Call:
        raise RuntimeError

    async def record(call: Call) -> Call:
        seen.append(call)
        return call

    await Walk(chain(after=(fail, record)), CALL, SystemClock()).answer()

    assert len(seen) == 1


async def test_a_caller_who_leaves_at_the_very_end_is_recorded_all_the_same():
    seen = []
    waiting = asyncio.Event()

    async def wait(call: Call) -> Call:
        waiting.set()
        await asyncio.Event().wait()
        return call

    async def record(call: Call) -> Call:
        seen.append(call)
        return call

    task = asyncio.create_task(Walk(chain(after=(wait, record)), CALL, SystemClock()).answer())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert len(seen) == 1
