from contextlib import aclosing

import pytest

from rowen.provider.base import ModelSettings
from rowen.provider.echo import declared, make, vector
from rowen.values import (
    CallArgs,
    Called,
    Deployment,
    Fold,
    Mistaken,
    Reasoned,
    Request,
    Said,
    Unavailable,
    Usage,
    says,
)

HERE = Deployment(name="fast", model="fast", provider="echo", upstream="echo", profile=declared())
HELLO = Request(model="fast", messages=(says("system", "Be kind."), says("user", "hello old friend")))


def echo(sleep=None, **options):
    settings = ModelSettings(provider="echo", options=options)
    return make(settings, None, sleep=sleep) if sleep else make(settings, None)


async def events_of(provider, request=HELLO, deployment=HERE):
    async with aclosing(provider.ask(request, deployment)) as events:
        return [event async for batch in events for event in batch]


async def told(provider, request=HELLO):
    fold = Fold()
    for event in await events_of(provider, request):
        fold.add(event)
    return fold.answer()


async def test_repeats_the_last_user_message_a_word_at_a_time():
    events = await events_of(echo())

    assert [event.text for event in events if isinstance(event, Said)] == ["hello ", "old ", "friend"]
    assert events[-2].reason == "stop"
    assert events[-1].usage == Usage(input_tokens=5, output_tokens=3)


async def test_says_what_the_script_says_in_so_many_pieces():
    events = await events_of(echo(say="abcdef", pieces=3, think="Hm."))

    assert [event.text for event in events if isinstance(event, Said | Reasoned)] == ["Hm.", "ab", "cd", "ef"]


async def test_says_the_pieces_it_was_given():
    answer = await told(echo(pieces=["one", "two"], usage={"input_tokens": 40}))

    assert answer.text == "onetwo"
    assert answer.usage == Usage(input_tokens=40)


async def test_waits_before_each_piece_on_the_sleep_handed_in():
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    await events_of(echo(sleep, delay=0.5))

    assert waited == [0.5, 0.5, 0.5]


async def test_calls_the_tools_of_the_script():
    events = await events_of(echo(tool_calls=[{"name": "find", "arguments": {"q": "hay"}}, {"name": "cut"}]))

    assert [event.name for event in events if isinstance(event, Called)] == ["find", "cut"]
    assert [event.text for event in events if isinstance(event, CallArgs)] == ['{"q":"hay"}', "{}"]
    assert events[-2].reason == "tool_calls"


async def test_fails_so_many_times_and_then_answers():
    provider = echo(fail="upstream_limited", fail_times=2, retry_after=3.0)

    for _ in range(2):
        with pytest.raises(Unavailable) as limited:
            await told(provider)
        assert (limited.value.code, limited.value.retry_after, limited.value.who) == ("upstream_limited", 3.0, "fast")
    answer = await told(provider)

    assert answer.text == "hello old friend"


async def test_breaks_off_after_so_many_pieces():
    said = []

    with pytest.raises(Unavailable) as cut:
        async with aclosing(echo(cut_after=2).ask(HELLO, HERE)) as events:
            async for batch in events:
                said += batch

    assert cut.value.code == "upstream_cut"
    assert [event.text for event in said if isinstance(event, Said)] == ["hello ", "old "]


async def test_stops_at_the_length_asked_for():
    answer = await told(echo(), HELLO.but(max_tokens=2))

    assert (answer.text, answer.choices[0].reason) == ("hello old ", "length")


async def test_gives_each_choice_the_same_answer():
    answer = await told(echo(), HELLO.but(n=3))

    assert [choice.message.text for choice in answer.choices] == ["hello old friend"] * 3


async def test_embeds_texts_that_share_words_near_one_another():
    request = Request(model="fast", kind="embeddings", texts=("mow the meadow", "the meadow", "quarterly revenue"))

    answer = await told(echo(), request)

    first, near, far = answer.vectors
    assert sum(x * y for x, y in zip(first, near, strict=True)) > 0.5
    assert abs(sum(x * y for x, y in zip(first, far, strict=True))) < 0.5
    assert sum(x * x for x in first) == pytest.approx(1)
    assert len(vector("hay", 7)) == 7


@pytest.mark.parametrize(
    ("options", "code", "place"),
    [
        ({"sayy": "x"}, "config_unknown_key", "options.sayy"),
        ({"delay": "long"}, "config_invalid", "options.delay"),
        ({"fail": "no_such_code"}, "config_invalid", "options.fail"),
    ],
)
def test_a_wrong_option_is_named(options, code, place):
    with pytest.raises(Mistaken) as mistaken:
        echo(**options)

    assert (mistaken.value.code, mistaken.value.place) == (code, place)
