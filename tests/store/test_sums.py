import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.store.base import DAY_NS
from rowen.store.daily import DaySum, changes
from rowen.store.sums import HOUR_NS, MINUTE_NS, Sums, bin_of, charts, whole_minutes
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


_coming = st.lists(
    st.builds(
        lambda number, sign, model, user, tokens, days: (
            a_trace(number, model=model, user=user, input_tokens=tokens, started_ns=days * DAY_NS // 2 + number).row,
            sign,
        ),
        st.integers(0, 20),
        st.sampled_from((1, -1)),
        st.sampled_from(("small", "large")),
        st.sampled_from(("ann", "bob", "")),
        st.integers(0, 5),
        st.integers(0, 3),
    ),
    max_size=12,
)


@given(_coming)
def test_days_cost_for_a_batch_what_they_cost_for_its_rows_one_by_one(rows):
    batch = changes(rows)

    alone: dict = {}
    for row in rows:
        for place, kept in changes([row]).items():
            alone.setdefault(place, DaySum()).take(kept)
    told = {place: kept.told(0, "") for place, kept in alone.items() if kept.some}
    assert {place: kept.told(0, "") for place, kept in batch.items()} == told
    assert list(batch) == sorted(batch)


@given(_coming)
def test_charts_of_a_batch_are_those_of_its_rows_one_by_one(rows):
    batch = charts(rows)

    alone: dict = {}
    for row, sign in rows:
        for unit in (HOUR_NS, DAY_NS):
            for by, name in (("", ""), ("model", row.model)):
                place = (row.tenant, unit, by, row.started_ns // unit * unit, row.app, name)
                alone.setdefault(place, Sums()).count(row, sign)
    assert batch == alone
