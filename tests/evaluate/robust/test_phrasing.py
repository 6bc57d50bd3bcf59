from hypothesis import given
from hypothesis import strategies as st

from rowen.evaluate.robust.phrasing import HOWS, rephrased, rewritten
from rowen.prompt.template import places
from rowen.values import Answer, Choice, says

PROMPT = "You speak for {{shop}}.\nYour readers are {{who}}.\nAnswer shortly, and never promise anything definite."


def test_a_prompt_is_written_in_every_way_that_a_rule_knows():
    found = rephrased(PROMPT)

    assert {each.how for each in found} == set(HOWS)
    assert len({each.text for each in found} | {PROMPT}) == len(found) + 1
    assert found == rephrased(PROMPT)
    assert found != rephrased(PROMPT, seed=1)


@given(st.text(alphabet="abc {}\\\n"), st.integers(0, 3))
def test_places_stay_as_they_are(text, seed):
    text = f"Please answer {text} for {{{{who}}}} and\n{{{{what}}}} then"

    for each in rephrased(text, seed=seed):
        assert sorted(places(each.text)) == sorted(places(text))


def test_lines_with_places_change_their_order():
    (found,) = rephrased(PROMPT, ["order"])

    assert found.text.split("\n")[:2] == PROMPT.split("\n")[1::-1]
    assert rephrased("One {{place}} alone.\nAnd a line.", ["order"]) == []


async def test_what_a_model_writes_counts_where_it_kept_the_places():
    said = iter(["Speak for {{shop}}, briefly.", "Speak briefly.", "Speak for {{shop}}, briefly."])

    async def ask(request):
        return Answer(choices=(Choice(message=says("assistant", next(said)), reason="stop"),))

    found = await rewritten("You speak for {{shop}} in a brief way.", ask, "m", each=3)

    assert [each.text for each in found] == ["Speak for {{shop}}, briefly."]
