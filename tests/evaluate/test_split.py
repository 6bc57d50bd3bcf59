"""Splits: nothing that belongs together is on two sides, and nothing moves that need not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.evaluate.near import near, normal
from rowen.evaluate.split import leaks, split
from rowen.values import Case, Mistaken

WORDS = [
    "hay",
    "barn",
    "dry",
    "bale",
    "cow",
    "milk",
    "field",
    "rain",
    "sun",
    "mow",
    "rake",
    "fork",
    "cart",
    "horse",
    "dog",
    "cat",
    "hen",
    "egg",
    "oat",
    "rye",
    "wheat",
    "corn",
]
MANY = st.lists(
    st.builds(
        Case,
        id=st.uuids().map(str),
        input=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join),
        user=st.sampled_from(["", "ann", "bob", "cat", "dan"]),
        session=st.sampled_from(["", "s1", "s2", "s3"]),
        document=st.sampled_from(["", "d1", "d2"]),
    ),
    max_size=16,
    unique_by=lambda case: case.id,
)
HALVES = {"train": 1, "test": 1}


def sentence(rng: random.Random, words: int = 40) -> list[str]:
    return [f"{rng.choice(WORDS)}{rng.randrange(300)}" for _ in range(words)]


@given(MANY)
def test_what_belongs_together_is_on_one_side(cases):
    parts = split(cases, HALVES).parts

    assert leaks(cases, parts) == []
    assert sorted(id for ids in parts.values() for id in ids) == sorted(case.id for case in cases)


@given(MANY, MANY)
def test_cases_that_are_added_move_none_but_those_they_tie_together(first, more):
    before = split(first, HALVES)
    known = {case.id for case in first}
    every = [*first, *(case for case in more if case.id not in known)]

    after = split(every, HALVES, before=before.parts)

    assert leaks(every, after.parts) == []
    assert known & {*before.parts["train"]} <= {*after.parts["train"]}  # who was trained on stays there
    assert {*after.moved} == {*before.parts["test"]} - {*after.parts["test"]}


def test_two_users_of_one_session_are_tied_by_it():
    cases = [
        Case(id="1", input="a b c d e f", user="ann"),
        Case(id="2", input="g h i j k l", user="ann", session="s"),
        Case(id="3", input="m n o p q r", user="bob", session="s"),
    ]

    assert split(cases, HALVES).groups == 1
    assert split(cases, HALVES, by=("user",)).groups == 2


def test_with_many_groups_the_shares_come_near_and_another_seed_deals_anew():
    cases = [Case(id=str(number), input=f"question {number}", user=f"u{number % 700}") for number in range(1400)]

    one = split(cases, {"train": 80, "test": 20}, by=("user",))
    other = split(cases, {"train": 80, "test": 20}, by=("user",), seed="2")

    assert one.wanted == {"train": 0.8, "test": 0.2}
    assert one.shares["test"] == pytest.approx(0.2, abs=0.05)
    assert (one.groups, one.largest) == (700, 2)
    assert one.parts != other.parts
    assert one == split(cases, {"train": 80, "test": 20}, by=("user",))


def test_a_leak_of_a_split_from_elsewhere_is_found():
    cases = [
        Case(id="1", input="when is the hay dry in the barn"),
        Case(id="2", input="When is the hay dry, in the barn?"),
    ]

    assert leaks(cases, {"train": ["1"], "test": ["2"]}) == [("1", "2")]
    assert leaks(cases, {"train": ["1", "2"]}) == []


@pytest.mark.parametrize("shares", [{}, {"all": 1}, {"train": 1, "test": 0}, {"train": 1, "test": -1}])
def test_parts_that_are_none_are_refused(shares):
    with pytest.raises(Mistaken, match="two parts"):
        split([], shares)


def test_a_likeness_that_cannot_be_found_is_refused():
    with pytest.raises(Mistaken, match="near duplicates"):
        split([], HALVES, alike=0.2)


def test_near_duplicates_are_found_and_others_are_not():
    rng = random.Random(1)
    texts, group = [], []
    for number in range(150):
        base = sentence(rng)
        for copy in range(3):
            changed = list(base)
            if copy:
                changed[rng.randrange(40)] = "changed"  # three shingles of 38 differ: 0.85 alike
            texts.append(" ".join(changed))
            group.append(number * 3)

    found = near(texts)

    assert found == group


def test_every_pair_that_is_near_enough_is_found_and_no_other():
    rng = random.Random(2)
    base = sentence(rng)
    texts = [" ".join(base)]
    for _ in range(200):
        changed = list(base)
        for _ in range(rng.randrange(6)):
            changed[rng.randrange(40)] = f"x{rng.randrange(10**9)}"
        texts.append(" ".join(changed))
    shingles = [{tuple(text.split()[at : at + 3]) for at in range(38)} for text in texts]

    assert sum(len(shingles[0] & each) / len(shingles[0] | each) >= 0.8 for each in shingles) > 20
    for place in range(1, len(texts)):
        alike = len(shingles[0] & shingles[place]) / len(shingles[0] | shingles[place])
        assert (near([texts[0], texts[place]])[1] == 0) == (alike >= 0.8)


def test_form_does_not_make_another_text_and_nothing_is_not_near_to_nothing():
    assert near(["Hay – is DRY!", "hay is dry", "", "  "]) == [0, 0, 2, 3]
    assert normal("Ｈｅｕ，  Straße?") == "heu strasse"


def test_a_crowd_of_copies_is_one_group():
    assert {*near(["the same question again and again"] * 3000)} == {0}
