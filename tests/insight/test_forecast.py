"""The forecast's error and its interval on synthetic weeks; the bounds here are those that the page states."""

import random
from statistics import fmean

import pytest

from rowen.insight.forecast import forecast

PATTERN = [1.0, 1.1, 1.15, 1.1, 0.95, 0.45, 0.35]


def weeks(rand: random.Random, days: int, noise: float, growth: float = 0.01) -> list[float]:
    return [100 * PATTERN[day % 7] * (1 + growth) ** (day / 7) * rand.lognormvariate(0, noise) for day in range(days)]


def test_a_weekly_pattern_without_noise_is_forecast_exactly():
    found = forecast(weeks(random.Random(1), 56, 0.0, 0.0), 14)

    assert found.method == "seasonal trend"
    assert found.values == pytest.approx([100 * PATTERN[day % 7] for day in range(14)])
    assert found.mape == pytest.approx(0, abs=1e-9)


def test_a_steady_growth_is_followed():
    history = [PATTERN[day % 7] * (100 + day) for day in range(70)]

    found = forecast(history, 7)

    assert found.values == pytest.approx([PATTERN[day % 7] * (170 + day) for day in range(7)], rel=0.03)


def test_the_error_on_noisy_weeks_is_below_twelve_percent():
    # Noise of 10 % leaves an unavoidable error of about 8 %.
    rand = random.Random(2)
    reported, real = [], []

    for _ in range(60):
        every = weeks(rand, 63 + 14, 0.10)
        found = forecast(every[:63], 14)
        reported.append(found.mape)
        real += [abs(value - true) / true for value, true in zip(found.values, every[63:], strict=True)]

    assert fmean(real) < 0.12
    assert fmean(reported) == pytest.approx(fmean(real), abs=0.03)


def test_the_interval_holds_the_sum_about_as_often_as_it_says():
    rand = random.Random(3)
    held = 0

    for _ in range(200):
        every = weeks(rand, 63 + 14, 0.15)
        found = forecast(every[:63], 14, level=0.9)
        held += found.total.low <= sum(every[63:]) <= found.total.high

    assert 0.82 <= held / 200 <= 1.0


def test_one_odd_week_does_not_bend_it():
    history = weeks(random.Random(4), 56, 0.0, 0.0)
    history[35:42] = [value * 10 for value in history[35:42]]

    assert forecast(history, 7).values == pytest.approx([100 * share for share in PATTERN], rel=0.05)


@pytest.mark.parametrize(
    ("history", "method"), [([], "mean"), ([5.0] * 3, "mean"), ([5.0] * 15, "seasonal"), ([0.0] * 40, "seasonal trend")]
)
def test_short_and_empty_histories_give_what_they_can(history, method):
    found = forecast(history, 3)

    assert found.method == method
    assert found.values == pytest.approx([history[0] if history else 0.0] * 3)
    if len(history) < 15:
        assert found.mape is None
        assert found.total.high == float("inf")


def test_a_forecast_is_never_below_nothing():
    assert min(forecast([100 - 2.0 * day if day < 50 else 0.0 for day in range(56)], 28).values) >= 0
