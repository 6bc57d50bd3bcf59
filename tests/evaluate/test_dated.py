"""Cases that hold from and until a day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.evaluate.dated import holding
from rowen.insight.calendar import moment
from rowen.values import Case, Mistaken, at

DAY = 86_400 * 10**9


def case(id: str, expected: str = "", question: str = "How many days?", **dates: str) -> Case:
    return Case(id=id, input=question, expected=expected or id, metadata=dict(dates))


TWO = [case("25", valid_until="2026-10-01"), case("28", valid_from="2026-10-01")]


def test_of_a_question_stands_what_holds_then_and_what_does_not_is_told_along():
    before, after = holding(TWO, moment("2026-09-30T23:59")), holding(TWO, moment("2026-10-01"))

    assert [each.id for each in before.cases] == ["25"]
    assert before.cases[0].metadata["outdated"] == ["28"]
    assert (before.coming, before.over) == (1, 0)
    assert [each.id for each in after.cases] == ["28"]
    assert after.cases[0].metadata["outdated"] == ["25"]
    assert (after.coming, after.over) == (0, 1)


def test_what_is_right_again_is_not_outdated():
    three = [*TWO, case("old", "28", valid_until="2026-01-01")]

    (now,) = holding(three, moment("2026-11-01")).cases

    assert now.metadata["outdated"] == ["25"]


def test_other_questions_and_cases_without_dates_are_left_as_they_are():
    plain = case("ever", question="Who?")

    assert holding([plain], 0).cases == [plain]
    assert holding([*TWO, plain], moment("2026-11-01")).cases[-1] == plain


@pytest.mark.parametrize(
    ("dates", "says"),
    [
        ({"valid_from": "soon"}, "'soon' as valid_from"),
        ({"valid_until": "2026-13-01"}, "as valid_until"),
        ({"valid_from": "2026-10-02", "valid_until": "2026-10-01"}, "ends before it begins"),
    ],
)
def test_a_date_that_is_none_is_told(dates, says):
    with pytest.raises(Mistaken, match=says):
        holding([case("x", **dates)], 0)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=6, unique=True), st.integers(0, 400))
def test_at_any_moment_exactly_one_of_a_chain_of_versions_holds(days, now):
    start = moment("2026-01-01")
    cuts = [f"{day}" for day in sorted(days)]
    dates = [_day(start + int(cut) * DAY) for cut in cuts]
    bounds = zip(["2000-01-01", *dates], [*dates, "2100-01-01"], strict=True)
    chain = [case(f"{n}", valid_from=begin, valid_until=end) for n, (begin, end) in enumerate(bounds)]

    found = holding(chain, start + now * DAY + 1)

    assert len(found.cases) == 1
    assert found.coming + found.over == len(chain) - 1


def _day(ns: int) -> str:
    return f"{at(ns):%Y-%m-%d}"
