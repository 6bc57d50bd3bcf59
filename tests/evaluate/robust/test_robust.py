"""Metamorphic tests: a flawed model is found out in the way that it is flawed, and a sound one in none."""

import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.evaluate.dataset import asked
from rowen.evaluate.robust import KINDS, report, reworded, variant_of, variants
from rowen.evaluate.robust.agree import named, opposite, same
from rowen.evaluate.robust.logic import deny, invert, swaps
from rowen.evaluate.robust.surface import typo
from rowen.values import Answer, Case, Choice, Message, Mistaken, Text
from rowen.values.evaluation import Outcome
from rowen.values.words import words

MOTHERS = {f"{name} {place}": f"Dame {name} {place}" for name in ("Tilda", "Viggo", "Romy", "Enzo", "Ida", "Kuno", "Jule", "Arno") for place in ("Ash", "Birch", "Elm", "Fir", "Oak", "Yew")}  # fmt: skip


def case(id, input, expected=None, **more) -> Case:
    return Case(id=id, dataset="golden", input=input, expected=expected, **more)


MOTHER_CASES = [case(f"m{n}", f"Who is {child}'s mother?", mother) for n, (child, mother) in enumerate(MOTHERS.items())]
YES_NO_CASES = [
    case(f"y{n}", f"Is {n} greater than {n + (1 if n % 2 else -1)}?", "no" if n % 2 else "yes") for n in range(1, 49)
]


def normal(text: str) -> str:
    return " ".join(words(text))


class Knows:
    """A model that reads whatever is asked of it, and knows who is whose mother in both directions."""

    def __init__(self, cases):
        self.known = {normal(asked(each.input)): each for each in cases if variant_of(each).kind == "original"}
        self.all = {asked(each.input): each for each in cases}

    def __call__(self, each: Case) -> str:
        return "It is " + str(each.expected) + "." if each.expected else "I can say."


def answered(cases, model) -> list[Outcome]:
    return [Outcome(case=each.id, answer=model(each), trace=f"t-{each.id}") for each in cases]


def stands(found) -> dict[str, str]:
    return {way.kind: way.stands for way in found.ways}


def test_a_sound_model_breaks_in_no_way():
    cases = variants([*MOTHER_CASES, *YES_NO_CASES])

    found = report(cases, answered(cases, Knows(cases)))

    assert found.breaks == ()
    assert stands(found)["inversion"] == "holds"
    assert stands(found)["negation"] == "holds"
    assert found.repeatability.value == 1.0
    assert found.broken == ()


def test_a_model_that_knows_a_fact_in_one_direction_alone_is_found_out():
    cases = variants(MOTHER_CASES)

    def reversal_cursed(each: Case) -> str:
        if variant_of(each).kind == "inversion":
            return "I do not know who that is."
        return Knows(cases)(each)

    found = report(cases, answered(cases, reversal_cursed))

    assert found.breaks == ("inversion",)
    way = next(each for each in found.ways if each.kind == "inversion")
    assert (way.n, way.held.value, way.again.value) == (48, 0.0, 1.0)
    assert way.p_holm < 0.001
    assert found.broken[0].want == "to name Tilda Ash"
    assert found.broken[0].asked == "Who is Dame Tilda Ash's child?"


def test_a_model_that_does_not_hear_a_denial_is_found_out():
    cases = variants(YES_NO_CASES)
    expected = {each.id: each.expected for each in YES_NO_CASES}

    found = report(cases, answered(cases, lambda each: f"{expected[variant_of(each).of]}, surely"))

    assert found.breaks == ("negation",)


def test_a_model_that_stumbles_over_typing_errors_is_found_out_and_the_cases_are_shown():
    cases = variants(MOTHER_CASES, ("repeat", "typo", "space"))
    whole = {"who", "is", "mother", "s"} | {word for each in MOTHER_CASES for word in words(asked(each.input))}

    def brittle(each: Case) -> str:
        known = all(word in whole for word in words(asked(each.input)))
        return f"{each.expected}" if known else "Pardon?"

    found = report(cases, answered(cases, brittle))

    assert stands(found) == {"typo": "breaks", "space": "holds"}
    assert found.broken[0].kind == "typo"
    assert found.broken[0].trace.endswith("~typo")


def test_a_model_that_answers_differently_each_time_is_unsteady_and_not_blamed_for_typing_errors():
    cases = variants(MOTHER_CASES)
    rng = random.Random(1)

    found = report(cases, answered(cases, lambda each: each.expected if rng.random() < 0.8 else "Somebody."))

    assert found.repeatability.value < 0.95
    assert found.breaks == ()


def test_a_merely_unsteady_model_is_called_broken_no_more_often_than_is_stated():
    cases, rng, alarms, times = (
        variants(MOTHER_CASES[:16], ("repeat", "typo", "case", "space")),
        np.random.default_rng(5),
        0,
        200,
    )

    for _ in range(times):
        outcomes = answered(cases, lambda each: "yes" if rng.random() < 0.8 else "no")
        alarms += bool(report(cases, outcomes, metric="").breaks)

    assert alarms / times <= 0.05


def test_where_nobody_expects_anything_what_is_said_must_stay_the_same():
    cases = variants([case(f"c{n}", f"Tell me about meadow number {n} please.") for n in range(20)], ("repeat", "case"))

    def shouts_back(each: Case) -> str:
        return "Stop shouting at me." if asked(each.input).isupper() else "It is a fine green meadow with many flowers."

    found = report(cases, answered(cases, shouts_back))

    assert 0 < len(found.broken) < 20
    assert all(each.asked.isupper() for each in found.broken)


def test_a_metric_may_be_what_must_stay():
    cases = variants([case(f"c{n}", f"What is rule number {n}?") for n in range(20)], ("repeat", "typo"))
    outcomes = [
        Outcome(case=each.id, answer="x", numbers={"right": float(variant_of(each).kind != "typo")}) for each in cases
    ]

    assert report(cases, outcomes, metric="right").breaks == ("typo",)


def test_a_language_in_which_it_breaks_is_named():
    english = [
        case(f"e{n}", f"What does the meadow look like in the month number {n}, and why is that?") for n in range(15)
    ]
    german = [case(f"d{n}", f"Wie sieht die Wiese im Monat Nummer {n} aus, und warum ist das so?") for n in range(15)]
    cases = variants([*english, *german], ("repeat", "typo", "space"))

    def only_english(each: Case) -> str:
        if each.id.startswith("d") and variant_of(each).kind != "repeat" and "~original" not in each.id:
            return "Wie bitte?"
        return "Grün und voller Blumen, weil der Regen fällt."

    found = report(cases, answered(cases, only_english))

    assert [(each.by, each.value) for each in found.slices if each.worse] == [("language", "de")]


def test_a_variant_that_fails_broke_and_an_original_that_failed_says_nothing():
    cases = variants(MOTHER_CASES[:12], ("repeat", "typo"))
    outcomes = [
        Outcome(case=each.id, answer=each.expected)
        if not (variant_of(each).kind == "typo" or each.id == "m0~original")
        else Outcome(case=each.id, state="failed", reasons={"error": "upstream_cut: it broke off"})
        for each in cases
    ]

    found = report(cases, outcomes)

    assert (found.ways[0].n, found.ways[0].skipped, found.ways[0].held.value) == (11, 1, 0.0)
    assert found.broken[0].after == "upstream_cut: it broke off"


def test_a_run_without_variants_is_refused_with_what_to_do():
    with pytest.raises(Mistaken, match="rowen robust make"):
        report(MOTHER_CASES, [Outcome(case=each.id, answer="x") for each in MOTHER_CASES])
    with pytest.raises(Mistaken, match="no cases"):
        variants([])
    with pytest.raises(Mistaken, match="no rule makes model"):
        variants(MOTHER_CASES, ("model",))


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("The hay is dry.", "The hay is not dry."),
        ("The hay is not dry.", "The hay is dry."),
        ("Is the hay dry?", 'Is the right answer to the following question "no"? Is the hay dry?'),
        ("What is hay?", ""),
        ("Dry hay burns.", ""),
    ],
)
def test_what_is_denied(text, denied):
    assert deny(text) == denied


@pytest.mark.parametrize(
    ("text", "answer", "turned", "names"),
    [
        ("Who is Ann's mother?", "Eve", "Who is Eve's child?", "Ann"),
        ("Eve is Ann's mother. Who is Ann's mother?", "Eve.", "Eve is Ann's mother. Who is Eve's child?", "Ann"),
        ("What is the capital of France?", "Paris", "Of whom or what is Paris the capital?", "France"),
        ("Who was the teacher of Plato?", "Socrates", "Who was Socrates's student?", "Plato"),
    ],
)
def test_what_is_asked_from_its_other_end(text, answer, turned, names):
    assert invert(text, answer) == (turned, names)


def test_what_has_no_other_end_is_left_alone():
    assert invert("Why is hay dry?", "Because of the sun") is None
    assert invert("Who is Ann's mother?", "") is None


def test_only_names_of_which_the_text_tells_are_exchanged():
    assert swaps("Who is Anna Freud's father?", 0) == ()
    assert swaps("Anna met Peter. Who met Peter?", 0) == (("Anna", "Maria"), ("Peter", "Thomas"))


def test_a_swap_is_answered_with_the_other_name():
    cases = variants(
        [case(f"s{n}", f"Anna has {n} sheep. Who has sheep?", "Anna") for n in range(12)], ("repeat", "swap")
    )
    told = {each.id: re.match(r"(\w+) has", each.input)[1] for each in cases}

    reads = report(cases, answered(cases, lambda each: f"{told[each.id]} has them."))
    recites = report(cases, answered(cases, lambda each: "Anna has them."))

    assert (reads.breaks, recites.breaks) == ((), ("swap",))


def test_variants_are_marked_made_up_kept_together_and_the_same_for_the_same_seed():
    made = variants([case("a", "Where is the dry meadow of Anna?", "There", source="trace")])

    kinds = {variant_of(each).kind: each for each in made}
    assert set(kinds) <= {"original", *KINDS}
    assert kinds["typo"].synthetic
    assert not kinds["original"].synthetic
    assert {each.document for each in made} == {"a"}
    assert made == variants([case("a", "Where is the dry meadow of Anna?", "There", source="trace")])
    assert made != variants([case("a", "Where is the dry meadow of Anna?", "There", source="trace")], seed=1)


def test_of_a_conversation_the_last_question_changes():
    talk = [{"role": "user", "content": "Is it dry?"}, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "Is the meadow green?"}]  # fmt: skip

    made = {variant_of(each).kind: each.input for each in variants([case("a", talk)], ("typo", "negation"))}

    assert made["typo"][:2] == talk[:2]
    assert made["typo"][2]["content"] != talk[2]["content"]
    assert 'the right answer to the following question "no"' in made["negation"][2]["content"]


async def test_a_models_words_are_taken_where_they_ask_the_same():
    said = iter(
        ["When may I turn hay of 3 days?", "When may I turn hay of 4 days?", "When may I not turn hay of 3 days?"]
    )

    async def ask(request):
        return Answer(choices=(Choice(message=Message(role="assistant", parts=(Text(text=next(said)),))),))

    made = await reworded([case(id, "When can I turn hay of 3 days?") for id in "abc"], ask, "fast")

    assert [each.id for each in made] == ["a~model"]
    assert variant_of(made[0]).by == "model"


@given(st.text(max_size=200), st.integers())
def test_a_slip_keeps_figures_names_and_short_words(text, seed):
    changed = typo(text, random.Random(seed))

    assert re.findall(r"\d+", changed) == re.findall(r"\d+", text)
    assert abs(len(changed) - len(text)) <= max(1, len(text) // 5)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Paris", "It is Paris.", True),
        ("Paris", "It is London.", False),
        ("Yes, it is.", "yes", True),
        ("Yes, it is.", "No, it is not.", False),
        ("You have 14 days to return the goods to us.", "You have 30 days to return the goods to us.", False),
        (
            "The parcel arrives within three working days by post.",
            "By post the parcel arrives within three working days.",
            True,
        ),
        ("", "Paris", False),
        ("", "", True),
    ],
)
def test_what_says_the_same(one, other, alike):
    assert same(one, other) is alike
    assert same(other, one) is alike


def test_an_answer_that_says_neither_yes_nor_no_is_no_opposite():
    assert opposite("Perhaps.", "Yes.") is None
    assert opposite("No.", "Yes.") is True
    assert named("It is Dame Ann.", "dame ann")
    assert not named("It is Annabel.", "Ann")
