from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.limits.window import window_at
from rowen.values import ns_of


@pytest.mark.parametrize(
    ("window", "label", "ends"),
    [
        ("minute", "2024-12-31T23:59", datetime(2025, 1, 1, tzinfo=UTC)),
        ("hour", "2024-12-31T23", datetime(2025, 1, 1, tzinfo=UTC)),
        ("day", "2024-12-31", datetime(2025, 1, 1, tzinfo=UTC)),
        ("month", "2024-12", datetime(2025, 1, 1, tzinfo=UTC)),
    ],
)
def test_windows_follow_the_calendar_in_utc(window, label, ends):
    span = window_at(window, ns_of(datetime(2024, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)))

    assert (span.label, span.ends_ns) == (label, ns_of(ends))


def test_a_leap_february_ends_on_the_first_of_march():
    span = window_at("month", ns_of(datetime(2024, 2, 29, 12, tzinfo=UTC)))

    assert span.ends_ns == ns_of(datetime(2024, 3, 1, tzinfo=UTC))


@given(st.integers(0, 4_000_000_000_000_000_000), st.sampled_from(["minute", "hour", "day", "month"]))
def test_a_window_holds_its_moment_and_the_next_begins_where_it_ends(ns, window):
    span = window_at(window, ns)

    assert span.ends_ns > ns
    assert window_at(window, span.ends_ns - 1_000).label == span.label
    assert window_at(window, span.ends_ns).label != span.label
