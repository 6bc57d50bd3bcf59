"""Whole numbers out of texts that anybody may have written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.values import Mistaken
from rowen.values.whole import LARGEST, whole


@given(st.integers(0, LARGEST), st.integers(0, 30))
def test_every_number_that_a_store_can_hold_is_read_however_many_noughts_lead_it(number: int, noughts: int):
    assert whole({"n": f" {'0' * noughts}{number} "}, "n") == number


@given(st.text())
def test_what_is_read_is_digits_within_bounds_and_all_else_is_refused_by_name(said: str):
    try:
        found = whole({"n": said}, "n", 1, 500)
    except Mistaken as refused:
        assert (refused.code, refused.place) == ("field_invalid", "n")
    else:
        assert 1 <= found <= 500
        assert said.strip().lstrip("0") == str(found)


@pytest.mark.parametrize(
    "said", ["", "-1", "1.5", "1e3", "٣", "²", "x", "9" * 5_000, "0" * 25 + "9" * 25, str(LARGEST + 1)]
)
def test_what_is_no_number_that_is_allowed_is_refused(said: str):
    with pytest.raises(Mistaken, match=r"`n` is a whole number of things from 0 on"):
        whole({"n": said}, "n", of="things")


def test_what_is_not_named_is_what_is_usual_where_anything_is():
    assert whole({}, "n", 1, usual=0) == whole({"n": " "}, "n", 1, usual=0) == 0
    with pytest.raises(Mistaken, match=r"`n` is a whole number from 1 to 1,000 "):
        whole({}, "n", 1, 1_000)
