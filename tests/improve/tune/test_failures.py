"""The seven failure points, each on cases made to fail there and nowhere else."""

import json

import pytest

from rowen.improve.tune.answers import went
from rowen.improve.tune.failures import POINTS, Asked, decided, form_of, share, split
from rowen.improve.tune.space import point_of
from rowen.prompt import PromptSettings, render
from rowen.retrieve.metrics import Extent
from rowen.score.base import Told
from rowen.values import Answer, Choice, Passage, says

RIGHT = "A rotated key goes on for 24 hours. Only an admin may revoke it earlier."


def passage(document="keys", start=0, text=RIGHT):
    return Passage(
        document=document,
        version="1",
        source="s",
        uri=f"{document}.md",
        title="",
        start=start,
        end=start + len(text),
        text=text,
    )


KEYS, OTHER = passage(), passage("parking", text="Parking is free for all who work here.")
BASE = Asked(
    question="How long does a rotated key go on?",
    answer="A rotated key goes on for 24 hours, and only an admin may revoke it earlier.",
    reference=RIGHT,
    documents=("keys",),
    found=(KEYS, OTHER),
    given=(KEYS, OTHER),
)
CASES = [
    ("missing_content", BASE._replace(documents=(), reference="", answer="It goes on for a week."), 1.0),
    ("missed_in_ranking", BASE._replace(found=(OTHER,), given=(OTHER,)), 1.0),
    ("not_in_context", BASE._replace(given=(OTHER,)), 1.0),
    ("not_extracted", BASE._replace(answer="I'm sorry, but I can't help with that."), 0.9),
    ("not_extracted", BASE._replace(answer="Parking costs nothing at all."), 0.7),
    ("wrong_format", BASE._replace(form="json"), 0.95),
    ("wrong_format", BASE._replace(form="list"), 0.95),
    ("incomplete", BASE._replace(answer="A rotated key goes on for 24 hours."), 0.8),
    (
        "specificity",
        BASE._replace(answer="A rotated key goes on for some hours; only an admin may revoke it earlier."),
        0.55,
    ),
]


@pytest.mark.parametrize(("point", "asked", "sure"), CASES)
async def test_each_point_is_told_by_rule_with_how_sure_it_is(point, asked, sure):
    failure = await decided(asked)

    assert (failure.point, failure.by) == (point, "rule")
    assert failure.confidence == sure
    assert failure.reason


async def test_an_answer_that_is_right_lost_nothing():
    assert await decided(BASE) is None
    assert await decided(BASE._replace(documents=(), answer="I do not know.", refused=True)) is None


async def test_the_first_point_on_the_way_is_told():
    """What was never found cannot have been read badly, though the answer is bad too."""
    failure = await decided(BASE._replace(found=(), given=(), answer="no idea", form="json"))

    assert failure.point == "missed_in_ranking"


async def test_a_passage_of_the_document_that_lies_elsewhere_does_not_count_where_the_place_is_known():
    far = passage(start=9_000)

    failure = await decided(BASE._replace(spans=(Extent("keys", 0, 80),), found=(far,), given=(far,)))

    assert failure.point == "missed_in_ranking"


async def test_without_known_documents_words_say_less_surely_what_was_left_out():
    left_out = await decided(BASE._replace(documents=None, given=(OTHER,)))
    nowhere = await decided(BASE._replace(documents=None, found=(OTHER,), given=(OTHER,)))

    assert (left_out.point, nowhere.point) == ("not_in_context", "missing_content")
    assert max(left_out.confidence, nowhere.confidence) < 0.75


def judging(label, confidence=0.9):
    seen = []

    async def ask(request):
        seen.append(request.messages[-1].text)
        said = json.dumps({"reason": "because", "label": label, "confidence": confidence})
        return Told(Answer(choices=(Choice(message=says("assistant", said), reason="stop"),)), "t", None)

    return ask, seen


async def test_a_judge_decides_where_a_rule_is_unsure_and_is_not_asked_where_it_is_sure():
    ask, seen = judging("incomplete")
    vague = BASE._replace(answer="A rotated key goes on for some hours; only an admin may revoke it earlier.")

    found = await split([vague, BASE._replace(given=(OTHER,))], ask)

    assert [each.point for each in found.failures] == ["incomplete", "not_in_context"]
    assert [each.by for each in found.failures] == ["judge", "rule"]
    assert len(seen) == 1
    assert RIGHT in seen[0]


async def test_rule_and_judge_that_agree_are_surer_than_either():
    ask, _ = judging("not_extracted", 0.8)

    found = await split([BASE._replace(answer="Parking costs nothing at all.")], ask)

    assert found.failures[0].by == "both"
    assert found.failures[0].confidence == pytest.approx(1 - 0.3 * 0.2)


async def test_a_judge_may_say_that_nothing_is_wrong():
    ask, _ = judging("fine", 0.95)

    found = await split([BASE._replace(answer="For one day, unless some admin revokes the rotated key earlier.")], ask)

    assert found.failed == 0


async def test_a_split_counts_each_point_with_its_interval():
    found = await split([asked for _, asked, _ in CASES] + [BASE] * 5)

    assert (found.asked, found.failed, found.undecided) == (14, 9, 0)
    assert set(found.shares) == set(POINTS)
    assert found.shares["wrong_format"].value == pytest.approx(2 / 9)
    assert found.shares["wrong_format"].low < 2 / 9 < found.shares["wrong_format"].high
    assert sum(each.value for each in found.shares.values()) == pytest.approx(1.0)


async def test_what_nothing_can_say_is_counted_as_undecided():
    blind = Asked(question="Why?", answer="Because.", found=(OTHER,), given=(OTHER,))

    found = await split([blind], bad=True)

    assert (found.failed, found.undecided, found.failures) == (1, 1, ())


@pytest.mark.parametrize(
    ("question", "form"),
    [
        ("List all keys as JSON", "json"),
        ("Show the plans in a table", "table"),
        ("Which are there? Answer as a bulleted list.", "list"),
        ("What does the table say about JSON?", ""),
    ],
)
def test_a_form_is_known_only_where_it_is_asked_for(question, form):
    assert form_of(question) == form


def test_a_reference_without_words_is_in_no_text():
    assert share("", "anything") == 0.0


async def test_questions_go_through_search_prompt_and_model_as_the_app_would(make_bench, world):
    bench = await make_bench(world, embed="words", search="hybrid")
    questions, seen = world.parts().chosen_by, []

    async def ask(request):
        seen.append(request)
        return Answer(choices=(Choice(message=says("assistant", "I'm sorry, I can't help with that."), reason="stop"),))

    asked = await went(bench, point_of(bench.settings), questions, count=len, render=render(PromptSettings()), ask=ask)
    found = await split(asked)

    assert len(seen) == len(questions)
    first = asked[0]
    assert first.given[0].text in "".join(message.text for message in seen[0].messages)
    assert first.question == questions[0].text
    points = {each.point for each in found.failures}
    assert "not_extracted" in points
    assert points <= {"missed_in_ranking", "not_in_context", "not_extracted"}
    assert found.failed == len(questions)


async def test_below_its_threshold_the_app_is_not_asked_and_says_that_it_does_not_know(make_bench, world):
    bench = await make_bench(world, embed="words", search="hybrid", answer_above=0.999)

    async def never(_):
        raise AssertionError

    asked = await went(
        bench,
        point_of(bench.settings),
        world.parts().chosen_by[:3],
        count=len,
        render=render(PromptSettings()),
        ask=never,
    )

    assert all(each.refused and each.answer == bench.settings.unknown for each in asked)
