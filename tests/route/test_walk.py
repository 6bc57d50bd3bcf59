"""The route's steps in a chain, walked as the doors do."""

from contextlib import aclosing

from rowen.flow import Chain, Walk
from rowen.route import AnswerCache
from rowen.values import Said, Started


def chained(stage) -> Chain:
    return Chain(before=(("route.choose", stage.choose),), answer=stage.attempt, after=(("route.keep", stage.keep),))


async def test_a_second_walk_of_the_same_question_is_played_from_the_cache(kit, clock):
    script = kit.Script(fast=[kit.broken(), kit.whole("Hi ", "there")])
    stage = kit.stage(script, kit.route(cache_ttl=60), cache=AnswerCache(None, clock))
    first = await Walk(chained(stage), stage.call(), clock).answer()

    second = await Walk(chained(stage), stage.call(), clock).answer()

    assert [attempt.status for attempt in first.attempts] == ["failed", "ok"]
    assert first.plan.cache_key
    assert (second.source, second.answer, second.attempts) == ("cache", first.answer, ())
    assert script.asked == ["fast", "fast"]


async def test_a_caller_who_leaves_a_walk_leaves_a_cancelled_attempt_in_its_record(kit, clock):
    script = kit.Script(fast=[[Started(), Said(text="one two"), kit.HANG]])
    stage = kit.stage(script, kit.route(cache_ttl=60), cache=AnswerCache(None, clock))
    walk = Walk(chained(stage), stage.call(), clock)

    async with aclosing(walk.events()) as events:
        async for batch in events:
            if any(isinstance(event, Said) for event in batch):
                break

    assert [(attempt.status, attempt.usage.output_tokens) for attempt in walk.call.attempts] == [("cancelled", 2)]
    assert walk.call.problem.code == "cancelled"
    assert script.closed == 1
    assert (await stage.choose(stage.call())).answer is None
