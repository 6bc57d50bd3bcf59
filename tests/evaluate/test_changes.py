"""What documents say otherwise becomes dated questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.evaluate.changes import Change, changes, dated
from rowen.evaluate.dated import holding
from rowen.insight.calendar import moment
from rowen.values import Document


def document(text: str, uri: str = "leave.md") -> dict[str, Document]:
    return {uri: Document(id=uri, source="docs", uri=uri, version=text, text=text, read_ns=0)}


def changed(before: str, after: str) -> list[tuple[str, str, str]]:
    return [(each.sentence, each.was, each.now) for each in changes(document(before), document(after))]


def test_a_figure_that_is_another_now_is_the_gap():
    before = "# Leave\n\nEverybody has 25 days of leave a year. Ask your lead early."
    after = "# Leave\n\nAsk your lead early. Everybody has 28 days of leave a year."

    assert changed(before, after) == [("Everybody has … days of leave a year.", "25", "28")]


def test_a_name_and_a_few_words_are_told_too_without_the_marks_around_them():
    before = "The head of the support team is Ada Brenn."
    after = "The head of the support team is Lia van Dorn."

    assert changed(before, after) == [("The head of the support team is …", "Ada Brenn", "Lia van Dorn")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Everybody has 25 days.", "Everybody has 25 days."),
        ("Everybody has 25 days of leave.", "Something else entirely stands here these days."),
        ("Everybody has 25 days of leave here.", "Everybody has 25 days of leave here. And more."),
        ("Everybody has 25 days of leave here.", "Most have 28 days of leave there."),
        ("Nobody may park at the gate of the yard.", "Nobody may park at the Gate of the yard."),
        ("Open until five.", "Open until six."),
        ("", "Everybody has 25 days of leave."),
    ],
)
def test_what_is_the_same_new_or_rewritten_makes_no_question(before, after):
    assert changed(before, after) == []


def test_a_document_that_only_one_side_has_says_nothing():
    assert (
        changes(document("Everybody has 25 days of leave."), document("Everybody has 28 days of leave.", "x.md")) == []
    )


LEAVE = "Everybody has … days of leave a year."


def test_over_three_versions_exactly_one_answer_holds_at_any_time():
    first = dated([], [Change("leave.md", LEAVE, "25", "28")], "2026-03-01")
    second = dated(first, [Change("leave.md", LEAVE, "28", "30")], "2026-06-01")

    held = [
        [each.expected for each in holding(second, moment(day)).cases]
        for day in ("2026-02-28", "2026-03-01", "2026-06-01")
    ]

    assert held == [["25"], ["28"], ["30"]]
    assert all(each.source == "generator" and each.document == "leave.md" for each in second)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=6))
def test_the_same_changes_read_twice_add_nothing(pairs):
    found = [Change("leave.md", LEAVE, was, now) for was, now in pairs if was != now]
    once = dated([], found[:1], "2026-03-01")

    assert dated(once, found[:1], "2026-04-01") == once
