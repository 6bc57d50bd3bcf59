"""What heads and errors tell."""

from rowen.api.reply import facts, sentence, usage_of
from rowen.values import Answer, Attempt, Call, Door, Mistaken, Plan, Request, Usage, usd


def call(**fields):
    return Call(
        id="t",
        app="a",
        definition="d",
        request=Request(model="m"),
        door=Door(shape="openai.chat"),
        started_ns=1,
        **fields,
    )


def attempt(**fields):
    return Attempt(**{"deployment": "fast", "provider": "p", "model": "m", "started_ns": 1, "ended_ns": 2, **fields})


def test_a_cost_that_is_unknown_is_not_zero():
    told = dict(facts(call(attempts=(attempt(),))))

    assert told[b"x-rowen-cost"] == b"unknown"


def test_a_cache_hit_costs_nothing():
    told = dict(facts(call(source="cache")))

    assert told[b"x-rowen-cost"] == b"0 USD"
    assert told[b"x-rowen-cache"] == b"hit"
    assert b"x-rowen-model" not in told


def test_a_miss_names_the_deployment_that_answered():
    told = dict(
        facts(
            call(
                plan=Plan(cache_key="k"), cost=usd("0.5"), attempts=(attempt(), attempt(deployment="slow", waste=True))
            )
        )
    )

    assert told[b"x-rowen-cache"] == b"miss"
    assert told[b"x-rowen-cost"] == b"0.5 USD"
    assert told[b"x-rowen-model"] == b"fast"


def test_usage_is_the_providers_or_else_the_estimate_of_the_attempt_that_answered():
    estimated = Usage(input_tokens=3, output_tokens=2, estimated=True)
    attempts = (attempt(usage=estimated), attempt(waste=True, usage=Usage(input_tokens=99)))

    assert usage_of(call(attempts=attempts, answer=Answer(usage=Usage(input_tokens=5)))) == Usage(input_tokens=5)
    assert usage_of(call(attempts=attempts, answer=Answer())) == estimated
    assert usage_of(call()) == Usage()


def test_an_error_says_what_where_and_what_to_do():
    problem = Mistaken("field_invalid", "the value is odd", place="messages[2].content")

    assert sentence(problem) == "the value is odd (messages[2].content). Fix the field named."
