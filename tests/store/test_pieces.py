"""A window is read from kept sums: all of it, nothing twice, and nothing that lies in two stretches."""

from hypothesis import given
from hypothesis import strategies as st

from rowen.store.base import DAY_NS
from rowen.store.pieces import HOUR_NS, UNITS, pieces
from rowen.store.sums import MINUTE_NS

MINUTES = st.integers(0, 5 * 1440)


@given(
    since=MINUTES,
    length=MINUTES,
    every=st.one_of(st.integers(1, 4000), st.sampled_from((60, 240, 1440, 7 * 1440))),
    units=st.sampled_from((UNITS, UNITS[1:])),
)
def test_pieces_cover_a_window_once_and_each_sum_lies_in_one_stretch(since, length, every, units):
    until = since + length

    found = pieces(since * MINUTE_NS, until * MINUTE_NS, every * MINUTE_NS, units)

    covered = []
    for unit, first, end in found:
        assert first % unit == end % unit == 0
        for start in range(first, end, unit):
            assert start // (every * MINUTE_NS) == (start + unit - 1) // (every * MINUTE_NS)
            covered += range(start // MINUTE_NS, (start + unit) // MINUTE_NS)
    assert sorted(covered) == list(range(since, until))


def test_a_month_of_days_is_read_from_days_and_its_ragged_ends_from_less():
    since, until = DAY_NS - HOUR_NS - 5 * MINUTE_NS, 31 * DAY_NS + 2 * HOUR_NS

    assert sorted(pieces(since, until, DAY_NS), reverse=True) == [
        (DAY_NS, DAY_NS, 31 * DAY_NS),
        (HOUR_NS, 31 * DAY_NS, until),
        (HOUR_NS, since + 5 * MINUTE_NS, DAY_NS),
        (MINUTE_NS, since, since + 5 * MINUTE_NS),
    ]
