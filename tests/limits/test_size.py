import pytest

from rowen.limits import LimitsSettings
from rowen.limits.size import check_answer, check_prompt
from rowen.values import Image, Message, Mistaken, Reasoning, Refused, Request, says

SETTINGS = LimitsSettings(prompt_tokens=1_000, answer_tokens=500)


def asked(text="hi", **fields):
    return Request(model="m", messages=(says("user", text),), **fields)


def never(request):
    raise AssertionError("counted tokens without need")


def test_a_prompt_too_long_by_its_characters_is_refused_without_counting():
    with pytest.raises(Refused) as caught:
        check_prompt(asked("x" * 128_001), SETTINGS, never, never)

    assert caught.value.code == "prompt_too_long"
    assert "at most 1000" in caught.value.message


def test_a_prompt_short_by_its_characters_is_taken_without_counting():
    assert check_prompt(asked("x" * 200), SETTINGS, never, never) is None


def test_a_prompt_in_between_is_counted():
    assert check_prompt(asked("x" * 2_000), SETTINGS, lambda request: 1_000, never) == 1_000
    with pytest.raises(Refused, match="1001 tokens"):
        check_prompt(asked("x" * 2_000), SETTINGS, lambda request: 1_001, never)


def test_a_picture_is_counted_since_its_tokens_are_not_in_its_characters():
    request = Request(model="m", messages=(Message(role="user", parts=(Image(url="https://a.example/b"),)),))

    with pytest.raises(Refused, match="prompt has 2000"):
        check_prompt(request, SETTINGS, lambda request: 2_000, lambda request: 3_000)


def test_what_surely_fits_is_not_counted_even_with_a_picture():
    request = Request(model="m", messages=(Message(role="user", parts=(Image(url="https://a.example/b"),)),))

    assert check_prompt(request, SETTINGS, never, lambda request: 800) is None


def test_token_ids_to_embed_are_counted_as_they_are():
    with pytest.raises(Refused, match="prompt_tokens"):
        check_prompt(Request(model="m", kind="embeddings", tokens=((1,) * 1_001,)), SETTINGS, never, never)


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": 501},
        {"max_tokens": 100, "n": 6},
        {"n": 129},
        {"reasoning": Reasoning(budget_tokens=501)},
    ],
)
def test_an_absurd_answer_is_refused(fields):
    with pytest.raises(Refused) as caught:
        check_answer(asked(**fields), SETTINGS)

    assert caught.value.code == "answer_too_long"


@pytest.mark.parametrize("fields", [{"n": 0}, {"max_tokens": -1}, {"reasoning": Reasoning(budget_tokens=-1)}])
def test_a_length_below_zero_cannot_lower_what_is_counted(fields):
    with pytest.raises(Mistaken) as caught:
        check_answer(asked(**fields), SETTINGS)

    assert caught.value.code == "field_invalid"


def test_an_answer_of_the_allowed_length_is_taken():
    check_answer(asked(max_tokens=250, n=2), SETTINGS)
