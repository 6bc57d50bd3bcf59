import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.store.sums import MINUTE_NS, Sums, bin_of, whole_minutes
from rowen.testing.contracts.made import a_trace


@given(st.floats(min_value=0.001, max_value=1e7))
def test_a_duration_is_in_the_bin_whose_bounds_hold_it(milliseconds):
    index = bin_of(round(milliseconds * 1e6))

    assert 1.05**index * (1 - 1e-9) <= max(round(milliseconds * 1e6) / 1e6, 0.001)
    assert round(milliseconds * 1e6) / 1e6 < 1.05 ** (index + 1) * (1 + 1e-9)


@pytest.mark.parametrize("duration", [0, -5, 1])
def test_a_duration_of_nothing_is_in_the_lowest_bin(duration):
    assert bin_of(duration) == bin_of(1_000)


def test_a_window_is_widened_to_whole_minutes():
    assert whole_minutes(MINUTE_NS + 1, 2 * MINUTE_NS + 1, 1) == (MINUTE_NS, 3 * MINUTE_NS, MINUTE_NS)
    assert whole_minutes(0, 2 * MINUTE_NS, 90_000_000_000) == (0, 2 * MINUTE_NS, 2 * MINUTE_NS)


def test_what_is_added_and_taken_away_again_leaves_nothing():
    rows = [a_trace(number, status=status).row for number, status in enumerate(("ok", "failed", "refused"))]
    sums, added, taken = Sums(), Sums(), Sums()

    for row in rows:
        added.count(row)
        taken.count(row, -1)
    sums.take(added)
    sums.take(taken)

    assert sums.bucket(0, "") == Sums().bucket(0, "")
