from collections import Counter
from decimal import Decimal
from math import floor, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.web.page import ENVIRONMENT, address_with
from rowen.web.sums import Share, quantile


def index(ms: float) -> int:
    return floor(log(ms) / log(1.05))


@given(st.lists(st.floats(0.2, 1e5), min_size=1, max_size=200), st.sampled_from([0.5, 0.95]))
def test_a_quantile_of_the_histogram_is_within_five_percent(values: list[float], share: float):
    histogram = Counter(index(value) for value in values)
    exact = sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]

    found = quantile(histogram, share)

    assert found is not None
    assert found / 1e6 == pytest.approx(exact, rel=0.051)


def test_a_quantile_of_nothing_is_unknown():
    assert quantile(Counter(), 0.5) is None


def test_the_interval_is_wilsons():
    # Worked by hand from the formula for 8 of 10; agrees with statsmodels' proportion_confint(8, 10, method="wilson").
    share = Share.of(8, 10)
    low, high = share.low, share.high

    assert low == pytest.approx(0.4902, abs=5e-4)
    assert high == pytest.approx(0.9433, abs=5e-4)
    nothing = Share.of(0, 0)
    assert (nothing.low, nothing.high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("amount", "said"),
    [(None, "unknown"), ("0", "$0"), ("0.0000031", "$0.0000031"), ("0.5", "$0.50"), ("1234.5", "$1,234.50")],
)
def test_money_never_reads_as_nothing(amount, said: str):
    assert ENVIRONMENT.filters["money"](None if amount is None else Decimal(amount)) == said


def test_an_address_drops_empty_fields():
    assert address_with({"a": "1", "b": "2"}, b="", c="x y") == "?a=1&c=x+y"
