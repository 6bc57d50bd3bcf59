"""An answer of yesterday is told from what holds now."""

import pytest

from rowen.score.base import Ports, Subject
from rowen.score.fresh import Settings, make

FRESH = make(Settings(), Ports())


async def said(answer: str, *contexts: str, now: str = "28 days", then: tuple[str, ...] = ("25 days",)):
    subject = Subject(
        answer=answer, references=(now,), contexts=contexts, variables={"metadata": {"outdated": list(then)}}
    )
    return {verdict.part: verdict for verdict in await FRESH(subject)}


@pytest.mark.parametrize("answer", ["Everybody has 28 days.", "It is **28 Days** now, no longer 25 days.", "28\ndays"])
async def test_what_holds_now_is_good_also_beside_what_held(answer):
    assert (await said(answer))[""].value is True


async def test_an_answer_of_yesterday_is_bad_and_says_so():
    found = await said("Everybody has 25 days.")

    assert found[""].value is False
    assert found[""].reason == "says ['25 days'], which holds at another time"


@pytest.mark.parametrize("answer", ["", "I do not know.", "128 days", "28 daysies"])
async def test_what_does_not_say_it_is_bad(answer):
    assert (await said(answer))[""].reason == "without ['28 days']"


async def test_what_was_found_is_told_apart_from_what_was_made_of_it():
    found = await said("I do not know.", "Something else.", "Everybody has 28 days.")

    assert (found[""].value, found["found"].value) == (False, True)


async def test_without_what_should_be_said_or_with_odd_metadata_nothing_breaks():
    assert await FRESH(Subject(answer="28 days")) == ()
    odd = Subject(answer="28 days", references=("28 days",), variables={"metadata": {"outdated": "25"}})
    assert [verdict.value for verdict in await FRESH(odd)] == [True]
