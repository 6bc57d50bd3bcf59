"""The step: who calls, set on the Call."""

import pytest

from rowen.access import digest_of, identify
from rowen.values import Call, Door, Refused, Request


def call_of(made, *, model="fast", **fields) -> Call:
    door = Door(shape="openai.chat", address="192.0.2.7", key_digest=digest_of(made.secret.reveal()))
    return Call(
        id="0" * 32, app="handbook", definition="h", request=Request(model=model), door=door, started_ns=1, **fields
    )


async def test_the_call_gets_its_caller_and_the_priority_of_the_key(house):
    made = await house.key(priority="high")

    call = await identify(house.directory, app="handbook")(call_of(made))

    assert call.caller is not None
    assert (call.caller.key, call.priority) == (made.key.id, "high")


@pytest.mark.parametrize(
    ("held", "asked", "given"),
    [
        ("high", "low", "low"),
        ("high", "normal", "high"),
        ("normal", "high", "normal"),
        ("low", "high", "low"),
        ("low", "normal", "low"),
    ],
)
async def test_a_caller_may_lower_its_priority_and_never_raise_it(house, held, asked, given):
    made = await house.key(priority=held)

    call = await identify(house.directory, app="handbook")(call_of(made, priority=asked))

    assert call.priority == given


async def test_the_apps_own_name_stands_for_its_default_model(house):
    made = await house.key(models=("fast",))
    step = identify(house.directory, app="handbook", default_model="fast")
    other = identify(house.directory, app="handbook", default_model="careful")

    call = await step(call_of(made, model="handbook"))
    with pytest.raises(Refused, match="careful"):
        await other(call_of(made, model="handbook"))

    assert call.caller is not None


async def test_a_key_for_another_app_is_refused(house):
    made = await house.key(apps=("shop",))

    with pytest.raises(Refused) as refused:
        await identify(house.directory, app="handbook")(call_of(made))

    assert (refused.value.code, refused.value.place) == ("key_scope", "apps")


async def test_a_key_that_another_process_has_just_made_may_call(house):
    other = house.another()
    await other.directory.load()
    made = await house.key()

    call = await identify(other.directory, app="handbook")(call_of(made))

    assert call.caller.key == made.key.id
