import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.score.catalog import CATALOG, kinds, make
from rowen.score.readability import ease, grade, syllables
from rowen.values import Mistaken, Usage
from rowen.values.language import language
from rowen.values.words import sentences, words


async def test_an_exact_match_forgets_articles_case_and_punctuation(judged):
    found = await judged("exact", "The Eiffel tower!", references=["Big Ben", "eiffel tower"])

    assert found[""].value is True
    assert found["f1"].number == 1.0


async def test_a_literal_match_forgets_nothing(judged):
    found = await judged("exact", "Paris.", references=["Paris"], normalise=False)

    assert found[""].value is False


async def test_token_f1_is_that_of_the_squad_script(judged):
    found = await judged("exact", "in the city of Paris", references=["Paris, France"])

    assert found["f1"].number == pytest.approx(2 * 1 / (4 + 2))


@pytest.mark.parametrize(
    ("how", "expected"), [("all", False), ("any", True), ("none", False)], ids=["all", "any", "none"]
)
async def test_texts_and_pattern_are_looked_for(how, expected, judged):
    found = await judged(
        "match", "Order 4711 is on its way", contains=["order", "refund"], pattern=r"\b\d{4}\b", how=how
    )

    assert found[""].value is expected


async def test_a_pattern_that_would_hang_other_engines_answers_at_once(judged):
    found = await judged("match", "a" * 20_000 + "!", pattern="^(a+)+$")

    assert found[""].value is False


async def test_a_pattern_that_cannot_be_read_is_an_error_of_the_settings():
    with pytest.raises(Mistaken) as caught:
        make("match", {"pattern": "(open"})

    assert (caught.value.code, caught.value.place) == ("config_invalid", "pattern")


@pytest.mark.parametrize(
    ("answer", "options", "expected"),
    [
        ('{"n": 3}', {}, True),
        ("Sure! {}", {}, False),
        ("NaN", {}, False),
        ('{"n": 3}', {"schema": {"properties": {"n": {"type": "integer"}}, "required": ["n"]}}, True),
        ('{"n": "3"}', {"schema": {"properties": {"n": {"type": "integer"}}}}, False),
        ("```json\n[1]\n```", {}, False),
        ("```json\n[1]\n```", {"fenced": True}, True),
        ("[" * 100_000, {}, False),
    ],
)
async def test_json_parses_and_fits_its_schema(answer, options, expected, judged):
    found = await judged("json", answer, **options)

    assert found[""].value is expected
    assert bool(found[""].reason) is not expected


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"$ref": "https://example.org/other.json"}])
async def test_a_schema_that_is_none_or_lies_elsewhere_is_refused(schema):
    with pytest.raises(Mistaken) as caught:
        make("json", {"schema": schema})

    assert caught.value.place == "schema"


@pytest.mark.parametrize(("unit", "expected"), [("character", 17), ("word", 4), ("sentence", 2), ("token", 9)])
async def test_length_is_counted_in_units(unit, expected, judged):
    found = await judged("length", "One two. 3 fours!", unit=unit, most=5, usage=Usage(output_tokens=9))

    assert found[""].number == expected
    assert found["within"].value is (expected <= 5)


async def test_what_people_changed_in_a_summary_is_measured(judged):
    found = await judged("edit", "We sold ten boats", references=["We sold two boats", "nothing like it"])

    assert found["edits"].number == 2
    assert found[""].number == pytest.approx(2 / 17)
    assert found["kept"].number == 0.75


@given(st.integers(1, 50), st.integers(1, 400), st.integers(1, 900))
def test_readability_is_the_published_formula(lines, count, beats):
    assert ease(lines, count, beats) == pytest.approx(206.835 - 1.015 * (count / lines) - 84.6 * (beats / count))
    assert grade(lines, count, beats) == pytest.approx(0.39 * (count / lines) + 11.8 * (beats / count) - 15.59)


TEXTSTAT = [
    json.loads(line) for line in (Path(__file__).parent / "fixtures" / "textstat.jsonl").read_text().splitlines()
]
"""What textstat 0.7.4 counts and says of texts of our own. It rounds the means that go into its formulas to one decimal."""


@pytest.mark.parametrize("text", TEXTSTAT, ids=lambda each: each["name"])
async def test_the_reading_level_is_that_of_textstat_on_the_same_text(judged, text):
    counts = (text["sentences"], text["words"], text["syllables"])
    found = await judged("readability", text["text"])

    assert grade(*counts) == pytest.approx(text["grade"], abs=0.05 * (0.39 + 11.8) + 0.05)
    assert ease(*counts) == pytest.approx(text["ease"], abs=0.05 * (1.015 + 84.6) + 0.005)
    # It takes syllables from a dictionary of hyphens, which has fewer in long words.
    assert found["grade"].number == pytest.approx(text["grade"], abs=2)


def test_texts_stand_in_the_order_of_their_level_as_textstat_has_it():
    ours = {each["name"]: grade_of(each["text"]) for each in TEXTSTAT}

    assert sorted(ours, key=ours.__getitem__) == [
        each["name"] for each in sorted(TEXTSTAT, key=lambda each: each["grade"])
    ]


def grade_of(text):
    return grade(len(sentences(text)), len(words(text)), sum(map(syllables, words(text))))


COUNTED = {
    1: "the wrote cats sleep old tea through jumped strength made file whole rules",
    2: "letter keeper lighthouse ever answer morning before table wanted houses",
    3: "computer elephant animal remember energy",
    4: "intelligence information automatic",
    5: "university opportunity photosynthesis",
}


@pytest.mark.parametrize(("count", "text"), COUNTED.items())
def test_syllables_of_common_words_are_counted(count, text):
    assert {word: syllables(word) for word in text.split()} == dict.fromkeys(text.split(), count)


async def test_repetition_counts_runs_that_were_there_before(judged):
    found = await judged("repetition", "a b c d a b c d", run=4)
    again = await judged("repetition", "no no no yes", run=2)

    assert found[""].number == pytest.approx(1 - 4 / 5)
    assert again["longest"].number == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The order was sent on Monday and will be with you by Friday.", "en"),
        ("Die Bestellung wurde am Montag verschickt und ist bis Freitag bei Ihnen.", "de"),
        ("La commande a été envoyée lundi et sera chez vous vendredi, avec les pièces.", "fr"),
        ("El pedido se envió el lunes y llegará a su casa para el viernes.", "es"),
        ("L'ordine è stato spedito lunedì e arriverà da te entro venerdì con il resto.", "it"),
        ("De bestelling is maandag verzonden en komt vrijdag bij je aan.", "nl"),
        ("O pedido foi enviado na segunda e não vai chegar antes de sexta.", "pt"),
        ("Zamówienie zostało wysłane w poniedziałek i będzie u Ciebie do piątku, ale nie wcześniej.", "pl"),
        ("Beställningen skickades på måndag och den är hos dig på fredag.", "sv"),
        ("Заказ отправлен в понедельник и будет у вас в пятницу.", "ru"),
        ("Замовлення надіслано в понеділок і буде у вас у п'ятницю.", "uk"),
        ("ご注文の品は月曜日に発送されました。", "ja"),
        ("您的订单已于星期一发出。", "zh"),
        ("주문하신 상품은 월요일에 발송되었습니다.", "ko"),
        ("تم إرسال الطلب يوم الاثنين.", "ar"),
        ("xkcd 12345", ""),
        ("", ""),
    ],
)
def test_languages_are_told_apart(text, expected):
    assert language(text) == expected


async def test_an_answer_in_another_language_than_the_question_is_told(judged):
    found = await judged(
        "language",
        "Die Bestellung ist noch nicht da und wird nach dem Wochenende kommen.",
        question="When will the order be here?",
        expect="question",
    )

    assert found[""].value == "de"
    assert found["expected"].value is False


REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I cannot provide medical advice.",
    "As an AI language model, I am not able to browse the internet.",
    "Unfortunately, I am unable to share that information.",
    "I won't write that for you.",
    "We're sorry, but we cannot discuss other customers' orders.",
    "I don't have access to your account.",
    "That is against our policies.",
    "Es tut mir leid, dabei kann ich nicht helfen.",
    "Je ne peux pas vous aider avec cela.",
)
ANSWERS = (
    "You can't return shoes after 30 days, but you can exchange them.",
    "Sure! Here is the poem you asked for.",
    "The shop cannot ship to islands.",
    "Your order is on its way and you will have it on Friday.",
    "I can help with that. First open the settings.",
    "Sorry for the delay! Your refund was sent today.",
    "It is not possible to divide by zero.",
    "We will not charge you again.",
    "Do not provide your password to anybody.",
    "Nothing could be easier: press the green button.",
)


async def test_refusals_are_told_from_answers_that_only_sound_like_one(judged):
    misses = [text for text in REFUSALS if not (await judged("refusal", text))[""].value]
    alarms = [text for text in ANSWERS if (await judged("refusal", text))[""].value]

    assert (misses, alarms) == ([], [])


async def test_abusive_words_are_named(judged):
    found = await judged("toxicity", "You are an idiot and a Moron.")
    fine = await judged("toxicity", "Read Dickens by the shiitake pigments; I assume it is scrapped.")

    assert (found[""].value, found[""].reason, found["count"].number) == (True, "idiot, moron", 2)
    assert fine[""].value is False


async def test_words_can_be_added_and_allowed(judged):
    assert (await judged("toxicity", "you muggle", also=["muggle"]))[""].value is True
    assert (await judged("toxicity", "a thug in a story", never=["thug"]))[""].value is False
    assert (await judged("toxicity", "you idiot", severe=True))[""].value is False


CONTEXT = "The Rhine is 1,230 kilometres long. It rises in the Swiss Alps and flows into the North Sea."


async def test_an_answer_from_the_passage_is_more_grounded_than_one_made_up(judged):
    true = await judged("grounded", "The Rhine flows into the North Sea.", contexts=[CONTEXT])
    made_up = await judged("grounded", "The Danube ends near Odessa harbour.", contexts=[CONTEXT])

    assert true[""].number == 1.0
    assert made_up[""].number == 0.0


async def test_the_least_grounded_sentence_is_named_and_can_decide(judged):
    text = "The Rhine flows into the North Sea. Its captain sells ice cream."

    mean = await judged("grounded", text, contexts=[CONTEXT])
    least = await judged("grounded", text, contexts=[CONTEXT], over="least")

    assert 0 < mean[""].number < 1
    assert least[""].number == 0.0
    assert "ice cream" in least[""].reason


async def test_groundedness_by_meaning_uses_the_nearest_sentence(judged, letters):
    true = await judged(
        "grounded", "The Rhine is 1,230 kilometres long.", contexts=[CONTEXT], by="meaning", embed=letters
    )

    assert true[""].number == pytest.approx(1.0, abs=1e-6)


async def test_an_answer_without_passages_is_not_judged(judged):
    assert await judged("grounded", "The Rhine is long.") == {}


async def test_creative_closeness_is_low_for_a_copy_and_off_the_topic_and_high_for_a_paraphrase(judged):
    meaning = {
        "grow your team fast": (1.0, 0.0),
        "hire people at speed": (0.95, 0.31),
        "my cat likes tuna": (0.05, 0.99),
    }

    async def embed(texts):
        return [meaning[text] for text in texts]

    async def of(answer):
        found = await judged("closeness", answer, examples=["grow your team fast"], embed=embed)
        return found[""].number

    copy, paraphrase, other = [await of(text) for text in meaning]

    assert copy == 0.0
    assert paraphrase > 2 * other
    assert paraphrase > 0.7


async def test_weights_of_closeness_can_be_chosen(judged, letters):
    only_meaning = await judged("closeness", "a b c", examples=["a b c"], novelty=0.0, embed=letters)

    assert only_meaning[""].number == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(Mistaken, match="weight from 0 to 1"):
        make("closeness", {"novelty": 2.0})


async def test_similarity_names_the_nearest_text(judged, letters):
    found = await judged(
        "similarity", "take this pill", to="examples", examples=["take this pill", "sell stocks"], embed=letters
    )

    assert found[""].number == pytest.approx(1.0, abs=1e-6)
    assert "take this pill" in found[""].reason


@pytest.mark.parametrize("kind", ["similarity", "closeness"])
def test_a_scorer_by_meaning_without_a_model_says_what_it_needs(kind):
    with pytest.raises(Mistaken, match="needs an embedding model"):
        make(kind, {})


@pytest.mark.parametrize("kind", sorted(set(CATALOG) - {"judge", "similarity", "closeness"}))
@pytest.mark.parametrize("answer", ["", " ", "\x00", "\ud800", "a" * 50_000, "🙂" * 500, "} { ] [ \\"])
async def test_any_text_at_all_is_judged_or_passed_over(kind, answer, judged):
    found = await judged(kind, answer, references=["a b"], contexts=["a b"], question="?")

    assert all(verdict.number is None or -1e6 < verdict.number < 1e6 for verdict in found.values())


async def test_the_same_answer_gets_the_same_verdicts(judged):
    texts = ("The cat sat.", "Der Hund bellt nicht und ist müde.")
    for kind in sorted(set(CATALOG) - {"judge", "similarity", "closeness"}):
        for text in texts:
            assert await judged(kind, text, references=["x"], contexts=["cat"]) == await judged(
                kind, text, references=["x"], contexts=["cat"]
            )


def test_unknown_kinds_and_options_name_what_is_near():
    with pytest.raises(Mistaken, match='did you mean "rouge"'):
        make("rogue", {})
    with pytest.raises(Mistaken, match='did you mean "pattern"') as caught:
        make("match", {"patern": "x"})
    assert caught.value.place == "options.patern"
    with pytest.raises(Mistaken) as wrong:
        make("length", {"most": "many"})
    assert wrong.value.place == "options.most"


def test_every_kind_can_be_found():
    assert set(kinds()) >= set(CATALOG)
