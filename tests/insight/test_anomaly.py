"""How often nothing is called an anomaly, and how often one is found: the rates that the module states."""

import random

import pytest

from rowen.insight.anomaly import anomalies

PATTERN = [1.0, 1.1, 1.15, 1.1, 0.95, 0.45, 0.35]


def hours(rand: random.Random, weeks: int, noise, growth: float = 0.01) -> list[float]:
    found = []
    for hour in range(weeks * 168):
        of_day = 0.1 + max(0.0, 1 - abs(hour % 24 - 14) / 9)
        found.append(2 * of_day * PATTERN[hour // 24 % 7] * (1 + growth) ** (hour / 168) * noise())
    return found


def test_false_alarms_are_as_rare_as_said_over_a_weekly_pattern():
    rand = random.Random(1)
    alarms = judged = 0

    for _ in range(10):
        history = hours(rand, 10, lambda: rand.lognormvariate(0, 0.2))
        alarms += len(anomalies(history, season=168, last=120))
        judged += 120

    assert alarms <= judged / 2_000 * 5 + 2  # the stated rate, with room for chance
    assert alarms <= 2


def test_heavy_tails_are_told_too_often_but_within_what_is_said():
    rand = random.Random(2)

    def t5() -> float:
        return 2.718 ** (0.15 * rand.gauss(0, 1) / (sum(rand.gauss(0, 1) ** 2 for _ in range(5)) / 5) ** 0.5)

    alarms = sum(len(anomalies(hours(rand, 10, t5), season=168, last=120)) for _ in range(10))

    assert alarms <= 10 * 120 / 300 + 5


@pytest.mark.parametrize("factor", [3.5, 0.2])
def test_a_planted_anomaly_is_found_at_any_hour_of_the_week(factor: float):
    rand = random.Random(3)
    history = hours(rand, 10, lambda: rand.lognormvariate(0, 0.2))
    found = 0

    for back in range(1, 100, 2):
        changed = history[: len(history) - back]
        changed[-1] *= factor
        told = anomalies(changed, season=168)
        found += bool(told) and told[0].direction == ("up" if factor > 1 else "down")

    assert found >= 47


def test_what_is_usual_on_a_monday_is_an_anomaly_on_a_sunday():
    rand = random.Random(4)
    days = [100 * PATTERN[day % 7] * rand.lognormvariate(0, 0.08) for day in range(70)]
    sunday = [*days[:-1], 100.0]

    (told,) = anomalies(sunday, season=7)

    assert told.direction == "up"
    assert told.expected == pytest.approx(35, rel=0.15)
    assert told.low < 35 < told.high < 100


def test_anomalies_of_the_past_do_not_hide_todays():
    rand = random.Random(5)
    days = [100 * PATTERN[day % 7] * rand.lognormvariate(0, 0.08) for day in range(84)]
    for day in (20, 41, 62, 70):
        days[day] *= 5
    days[-1] *= 3

    assert [one.index for one in anomalies(days, season=7)] == [83]


def test_too_little_history_and_small_sums_are_no_anomalies():
    assert anomalies([1.0, 9.0], season=7) == []
    assert anomalies([], season=7) == []
    assert anomalies([0.0] * 100, season=7) == []
    assert anomalies([0.01] * 80 + [0.05], season=7, least=0.5) == []
