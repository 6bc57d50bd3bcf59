import json

import pytest

from rowen.evaluate.near import normal
from rowen.improve.tune import parted, read, read_space
from rowen.improve.tune.questions import measure_of
from rowen.improve.tune.space import changed, mixed, point_of, singles, together
from rowen.retrieve.base import RetrieveSettings
from rowen.values import Document, Mistaken


def line(**fields):
    return json.dumps(fields)


def test_documents_are_named_by_the_end_of_their_path_and_answers_are_found_in_them(world):
    some = world.documents[3].text[10:40]

    one, other, none = read(
        "\n".join([line(question="a", documents=["d1.txt"]), line(question="b", answer=some), "", line(question="c")]),
        world.documents,
        place="q",
    )

    assert one.documents == ("d1",)
    assert (other.spans[0].start, other.documents) == (10, ("d3",))
    assert none.documents == ()


def test_places_are_measured_where_all_questions_name_them(world):
    spans = [{"doc": "d1.txt", "start": 0, "end": 5}]
    placed = read(line(question="a", spans=spans), world.documents, place="q")
    named = read(line(question="b", documents=["d1.txt"]), world.documents, place="q")

    assert measure_of(placed) == "recall"
    assert measure_of((*placed, *named)) == "ndcg"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"question": 3}',
        '{"question": "a", "documents": ["absent.txt"]}',
        '{"question": "a", "spans": [{"doc": "d1.txt", "start": 5, "end": 5}]}',
        '{"question": "a", "spans": [{"doc": "d1.txt", "start": 0, "end": 99999}]}',
        '{"question": "a", "spans": [{"doc": "d1.txt", "begin": 0}]}',
        '{"question": "\\ud800',
    ],
)
def test_a_bad_line_is_told_by_its_number(world, text):
    with pytest.raises(Mistaken) as caught:
        read(line(question="fine") + "\n" + text, world.documents, place="questions.jsonl")

    assert caught.value.place == "questions.jsonl:2"


def test_no_document_and_no_wording_is_asked_for_on_both_sides(world):
    more = [
        line(question=f"{json.loads(each)['question']}!", documents=[f"d{29 - n}.txt"])
        for n, each in enumerate(world.lines[:6])
    ]

    parts = world.parts(*more)

    left, right = (list(side) for side in (parts.chosen_by, parts.held_out))
    assert not {d for each in left for d in each.documents} & {d for each in right for d in each.documents}
    assert not {normal(each.text) for each in left} & {normal(each.text) for each in right}
    assert len(left) + len(right) == len(world.lines) + 6


def test_where_few_documents_are_asked_about_places_in_them_are_told_apart():
    text = "word " * 40_000
    documents = [Document(id=f"d{n}", source="s", uri=f"d{n}.txt", version="1", text=text) for n in range(2)]
    lines = [
        line(
            question=f"what is at {n}, in {chr(97 + n)}?",
            spans=[{"doc": f"d{n % 2}.txt", "start": n * 6_000, "end": n * 6_000 + 40}],
        )
        for n in range(30)
    ]

    parts = parted(read("\n".join(lines), documents, place="q"), held=0.5, seed="1")

    kept, out = (
        {(s.document, s.start // 20_000) for each in side for s in each.spans}
        for side in (parts.chosen_by, parts.held_out)
    )
    assert kept
    assert out
    assert not kept & out


def test_too_few_questions_are_an_error(worlds):
    with pytest.raises(Mistaken, match="too few"):
        worlds(documents=6).parts()


@pytest.mark.parametrize("text", ["kind = 3", "kinds = []", "[", 'size = ["a"]'])
def test_a_bad_space_is_an_error_of_its_file(text):
    with pytest.raises(Mistaken) as caught:
        read_space(text, "space.toml")

    assert (caught.value.code, caught.value.place) == ("config_invalid", "space.toml")


def test_what_an_app_has_comes_back_as_it_was():
    settings = RetrieveSettings(top=3, weight=0.4, diversity=0.1)

    assert point_of(settings).settings(settings) == settings


def test_candidates_differ_from_the_baseline_and_from_one_another():
    base = point_of(RetrieveSettings())
    space = read_space("size = [400]\nembed = ['']", "s")

    alone = singles(space, base)
    several = list(mixed(space, base, seed="1"))

    assert base not in alone
    assert base not in several
    assert len(set(several)) == len(several) > len(alone)
    assert changed(base, "size", 400) in alone


def test_without_vectors_what_only_weighs_them_is_not_tried():
    tried = singles(read_space("", "s"), point_of(RetrieveSettings(embed="")))

    assert {choice for choice, _ in tried.values()} == {"kind", "size", "overlap", "context", "top"}


def test_the_best_levels_are_put_together_one_of_each_choice():
    base = point_of(RetrieveSettings())

    (both,) = together(base, [("size", 400), ("size", 1200), ("top", 8)])

    assert (both.size, both.top) == (400, 8)
