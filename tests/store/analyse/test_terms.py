import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.store.analyse import asked, bag, way_of
from rowen.values import Mistaken

GERMAN = "Die Kündigung ist nur wirksam, wenn sie dem Arbeitgeber schriftlich zugeht und die Frist nicht verletzt wird."
ENGLISH = "The notice is valid only if it is given to the employer in writing, and the period is kept."
RUSSIAN = "Увольнение действительно, только если работодатель получил его письменно."
ARABIC = "لا يكون الإشعار صالحا إلا إذا قدم إلى صاحب العمل كتابة"
CHINESE = "只有以书面形式通知雇主，解雇才有效。"
JAPANESE = "解雇通知は書面で雇用主に渡された場合にのみ有効です。"


def shared(text, question, **document):
    return len(set(bag(text, way_of(text, **document)).terms) & set(asked(question)))


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("const path = readFileSync(name)", "read file"),
        ("def parse_http_header(line): ...", "parseHttpHeader"),
        ("class HTTPServer:", "http server"),
        ("call getUserById", "get_user_by_id"),
        ("employees were notified", "notify an employee"),
        (GERMAN, "Wann ist eine Kündigungsfrist verletzt?"),
        (GERMAN, "Arbeitgebers"),
        (RUSSIAN, "увольнения"),
        (ARABIC, "العمل"),
        (CHINESE, "解雇什么时候有效"),
        (JAPANESE, "解雇通知"),
        ("한국어 문서에서 휴가를 찾습니다", "휴가는"),
        ("ข้อความภาษาไทยเรื่องวันลา", "วันลา"),
        ("Größe und Maß", "grösse"),
    ],
)
def test_a_question_meets_what_it_is_about(text, question):
    assert shared(text, question) > 0


@pytest.mark.parametrize(
    ("text", "question"), [(ENGLISH, "holidays abroad"), (GERMAN, "holidays"), (CHINESE, "天气"), (JAPANESE, "天気")]
)
def test_a_question_does_not_meet_what_it_is_not_about(text, question):
    assert shared(text, question) == 0


@pytest.mark.parametrize(
    ("text", "document", "way"),
    [
        (ENGLISH, {}, "code"),
        (GERMAN, {}, "trigrams"),
        (GERMAN, {"language": "de-AT"}, "trigrams"),
        (GERMAN, {"language": "en"}, "code"),
        (ENGLISH, {"language": "fr"}, "trigrams"),
        ("fn main() { }", {"kind": "code", "language": "rust"}, "code"),
        ("", {}, "code"),
        ("Le contrat est signé par les deux parties et la durée est de deux ans dans ce cas.", {}, "trigrams"),
        ("El contrato es por dos años y se firma en la oficina del cliente.", {}, "trigrams"),
        (ENGLISH, {"analyser": "words"}, "words"),
    ],
)
def test_the_way_follows_the_document(text, document, way):
    assert way_of(text, **document) == way


def test_a_word_weighs_one_however_many_triples_it_has():
    weights = asked("Donaudampfschifffahrtsgesellschaft", analyser="trigrams")

    assert len(weights) > 20
    assert sum(weights.values()) <= 2.0 + 1e-9


def test_a_name_counts_whole_and_by_parts():
    whole = set(bag("read_file", "code").terms)

    assert set(bag("readFile", "code").terms) & whole == whole
    assert set(bag("read", "code").terms) < whole


def test_an_unknown_analyser_is_refused_with_those_that_are_there():
    with pytest.raises(Mistaken, match="auto, english"):
        asked("a question", analyser="klingon")


@given(st.text())
def test_any_text_has_terms_in_order(text):
    found = bag(text, way_of(text))

    assert found.terms == sorted(set(found.terms))
    assert all(0 < count < 256 for count in found.counts)
    assert all(weight > 0 for weight in asked(text).values())
