"""What English sentences say of names, and what is passed over."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.retrieve.graph.kinds import KINDS, sense_of
from rowen.retrieve.graph.rules import MOST, found
from rowen.values import Document


def a_document(text, title="", **fields):
    return Document(id="a", source="s", uri="a", version="1", text=text, title=title, **fields)


def said(text, title=""):
    return [(each.subject, each.name, each.object) for each in found(a_document(text, title))]


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("Ada Brenn's mother is Lia Brenn.", ("Ada Brenn", "mother", "Lia Brenn")),
        ("Ada Brenn’s mother, Lia Brenn, was a weaver.", ("Ada Brenn", "mother", "Lia Brenn")),
        ("Lia Brenn is the mother of Ada Brenn.", ("Ada Brenn", "mother", "Lia Brenn")),
        ("Lia Brenn, mother of Ada Brenn, was a weaver.", ("Ada Brenn", "mother", "Lia Brenn")),
        ("The mother of Ada Brenn is Lia Brenn.", ("Ada Brenn", "mother", "Lia Brenn")),
        ("Lia is Ada's mother.", ("Ada", "mother", "Lia")),
        ("Ada Brenn paints. Her younger brother is Teo Brenn.", ("Ada Brenn", "brother", "Teo Brenn")),
        ("The capital of Orvania is Lend.", ("Orvania", "capital", "Lend")),
        ("Mika Sorel, the founder of Brask Works, was born in Lend.", ("Mika Sorel", "birthplace", "Lend")),
        ("Brask Works was founded in haste. It was founded by Jon Tal.", ("Brask Works", "founder", "Jon Tal")),
        ("Mika Sorel co-founded Brask Works.", ("Brask Works", "founder", "Mika Sorel")),
        ("Jon Tal reports to Mika Sorel.", ("Jon Tal", "manager", "Mika Sorel")),
        ("Jon Tal, who works for Brask Works, is away.", ("Jon Tal", "employer", "Brask Works")),
        ("In spring, Mika Sorel is head of sales at Brask Works.", ("Brask Works", "head of sales", "Mika Sorel")),
        ("The Bank of Lend is located in Orvo.", ("Bank of Lend", "location", "Orvo")),
        ("Nordal requires Orvo Base.", ("Nordal", "requirement", "Orvo Base")),
    ],
)
def test_a_sentence_says_who_is_what_to_whom(text, relation):
    assert relation in said(text)


def test_a_list_is_several():
    assert said("Teo Brenn's children are Ada, Bo and Cy Brenn.") == [
        ("Teo Brenn", "child", "Ada"),
        ("Teo Brenn", "child", "Bo"),
        ("Teo Brenn", "child", "Cy Brenn"),
    ]


def test_lines_under_a_title_and_pronouns_are_about_the_title():
    text = "Mother: Lia Brenn\n- **Manager**: Jon Tal\nteam: desk\n\nShe was born in Orvo."

    assert said(text, "Ada Brenn") == [
        ("Ada Brenn", "mother", "Lia Brenn"),
        ("Ada Brenn", "manager", "Jon Tal"),
        ("Ada Brenn", "birthplace", "Orvo"),
    ]
    assert said(text, "how to reset it") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Everybody's mother is somebody.",
        "Her mother is Lia Brenn.",  # whose?
        "She was born in May.",
        "However, the mother was in Lend.",
        "Ada Brenn, taught at Orvo College, paints.",
        "What is Ada Brenn's own name?",
        "今日は良い天気です。",
    ],
)
def test_what_is_not_said_of_two_names_is_passed_over(text):
    assert said(text) == []


def test_code_says_nothing():
    assert found(a_document("# Lia is Ada's mother.\n", kind="code")) == ()


def test_the_place_is_the_sentence():
    text = "Ada Brenn paints. Her mother is Lia Brenn. It rains."
    (relation,) = found(a_document(text))

    assert text[relation.start : relation.end] == "Her mother is Lia Brenn."
    assert relation.inverse == "child"


def test_of_a_document_that_says_very_much_the_first_are_kept():
    text = " ".join(f"A{nth}a's mother is B{nth}b." for nth in range(MOST + 50))

    assert len(found(a_document(text))) == MOST


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    "Ada",
                    "Lia Brenn",
                    "'s",
                    "’s",
                    "mother",
                    "is",
                    "of",
                    "the",
                    "and",
                    ",",
                    ".",
                    "\n\n",
                    "It",
                    "A.",
                    "born in",
                ]
            ),
            st.text(max_size=4),
        ),
        max_size=30,
    )
)
def test_whatever_a_text_is_relations_lie_in_it_and_their_names_stand_there(parts):
    text = " ".join(parts)

    for each in found(a_document(text, "Ada Brenn")):
        place = text[each.start : each.end]
        assert place.strip()
        assert any(end in place for end in (each.subject, each.object))


def test_every_kind_leads_back_and_is_asked_for_by_its_own_names_both_ways():
    for kind in KINDS:
        for name in kind.names:
            assert sense_of(name).inverse == kind.back
            assert sense_of(name).words >= sense_of(kind.names[0]).words - sense_of(name).words
    assert sense_of("mother").words & sense_of("child").words >= {"mother", "child", "son", "daughter"}
    assert sense_of("patron saint").inverse == "patron saint of"
