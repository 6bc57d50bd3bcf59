from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.values.interval import Interval
from rowen.watch import SlaTable, WatchTable
from rowen.watch.base import RemedyTable
from rowen.watch.budget import burn_down, nps, slices, standing
from rowen.watch.sla import settle
from rowen.watch.window import window

from .conftest import DAY, HOUR, JUNE, MINUTE, cell

MONTH = window("month").span(JUNE)
SPAN = (JUNE, JUNE + 30 * DAY)


def minutes_up(down: int, days: int = 30):
    """One probe a minute; the first so many of the second day fail."""
    return [cell(JUNE + minute * MINUTE, int(not 1440 <= minute < 1440 + down), 1) for minute in range(days * 1440)]


@pytest.mark.parametrize(
    ("down", "state", "shown"), [(43, "ok", "99.90"), (44, "breached", "99.90"), (0, "ok", "100.00")]
)
def test_43_minutes_of_downtime_in_a_month_are_within_three_nines_and_44_are_not(down, state, shown):
    table = WatchTable(sli="uptime", target=">= 99.9%", window="month")

    found = standing(table, minutes_up(down), MONTH)

    assert found.state == state
    assert f"{found.figure:.2%}" == f"{shown}%"
    assert found.total == 43_200


@pytest.mark.parametrize(("bad", "state"), [(500, "ok"), (501, "breached")])
def test_500_bad_requests_of_a_million_are_within_99_95_percent_and_501_are_not(bad, state):
    table = SlaTable(customer="A", owner="b", sli="availability", target=">= 99.95%")
    cells = [cell(JUNE + day * DAY, 50_000 - (bad if day == 7 else 0), 50_000) for day in range(20)]

    found = standing(table, cells, SPAN)

    assert (found.total, found.state) == (1_000_000, state)


@pytest.mark.parametrize(("bad", "state"), [(0, "ok"), (9, "ok"), (10, "breached")])
def test_below_a_tenth_of_a_percent_means_below(bad, state):
    table = WatchTable(sli="errors", target="< 0.1%")

    found = standing(table, [cell(JUNE, 10_000 - bad, 10_000)], SPAN)

    assert found.state == state
    assert found.figure == bad / 10_000


@pytest.mark.parametrize(("good", "state"), [(90, "ok"), (89, "breached")])
def test_90_satisfied_of_100_pass_and_89_do_not(good, state):
    table = WatchTable(sli="csat", target=">= 90%", judged=False)

    assert standing(table, [cell(JUNE, good, 100)], SPAN).state == state


def test_few_answers_decide_nothing():
    table = WatchTable(sli="csat", target=">= 90%", minimum=50)

    found = standing(table, [cell(JUNE, 10, 40)], SPAN)

    assert (found.state, found.total) == ("few", 40)


def test_no_events_are_no_figure():
    found = standing(WatchTable(sli="errors", target="< 1%"), [], SPAN)

    assert (found.state, found.figure, found.estimate) == ("none", None, None)


def test_a_judged_share_is_missed_only_when_its_interval_excludes_the_target():
    table = WatchTable(sli="grounded", target=0.95)

    unsure = standing(table, [cell(JUNE, 92, 100)], SPAN)
    missed = standing(table, [cell(JUNE, 920, 1000)], SPAN)

    assert (unsure.state, missed.state) == ("unsure", "breached")
    assert unsure.estimate.low < 0.95 < unsure.estimate.high


def test_the_error_of_the_judge_is_carried_into_the_interval():
    table = WatchTable(sli="grounded", target=0.95)

    def judge(good: int, n: int) -> Interval:
        return Interval(value=0.97, low=0.94, high=0.99, n=n, method="lang-reiczigel")

    found = standing(table, [cell(JUNE, 920, 1000)], SPAN, judge)

    assert (found.state, found.figure) == ("ok", 0.97)
    assert found.estimate.method == "lang-reiczigel"


def test_a_mean_is_held_against_its_target_with_students_interval():
    table = WatchTable(sli="latency", latency="gateway_overhead", aggregate="mean", target="< 100ms")
    numbers = [0.05, 0.07, 0.09, 0.11]
    cells = [cell(JUNE + n * MINUTE, 0, 1, sum=x, squares=x * x) for n, x in enumerate(numbers)]

    found = standing(table, cells, SPAN)

    assert found.state == "ok"
    assert found.figure == pytest.approx(0.08)
    assert found.estimate.low == pytest.approx(0.0389, abs=1e-4)  # scipy.stats.t.interval


def test_the_peak_is_that_of_the_busiest_minute():
    table = WatchTable(sli="throughput", target=">= 1000/s")
    cells = [cell(JUNE, 60_000, 60_000), cell(JUNE + MINUTE, 6_000, 6_000)]

    assert standing(table, cells, SPAN).figure == 1000.0


@pytest.mark.parametrize(("value", "state"), [(0.79, "ok"), (0.81, "breached")])
def test_the_last_reported_value_decides(value, state):
    table = WatchTable(sli="reported", measure="cpu", aggregate="value", target="< 80%")
    cells = [cell(JUNE, 0, 1, sum=0.2), cell(JUNE + HOUR, 0, 1, sum=value)]

    assert standing(table, cells, SPAN).state == state


def test_a_degradation_of_4_percent_passes_and_of_6_does_not():
    table = WatchTable(sli="reported", measure="degradation", aggregate="value", target="< 5%", window="182d")
    span = (JUNE - 182 * DAY, JUNE + DAY)

    states = [standing(table, [cell(JUNE, 0, 1, sum=each)], span).state for each in (0.04, 0.06)]

    assert states == ["ok", "breached"]


def test_the_net_promoter_score_is_the_hand_worked_one():
    found = nps(promoters=5, detractors=2, n=10)

    assert found.value == pytest.approx(30)
    # each answer counts +1, 0 or -1: variance 0.7 - 0.3² = 0.61, half = 1.96 sqrt(0.061)
    assert found.high - found.value == pytest.approx(48.41, abs=0.01)


def test_both_scales_of_a_promoter_question_are_computed():
    cells = [
        cell(JUNE, 1, 1, part="promoter", sum=9.0, squares=81.0),
        cell(JUNE, 0, 1, part="passive", sum=8.0, squares=64.0),
        cell(JUNE, 0, 1, part="detractor", sum=5.0, squares=25.0),
        cell(JUNE + MINUTE, 1, 1, part="promoter", sum=10.0, squares=100.0),
    ]
    points = WatchTable(sli="nps", scale="nps", target="> 8", judged=False)
    rating = WatchTable(sli="nps", scale="rating_0_10", aggregate="mean", target="> 8", judged=False)

    assert standing(points, cells, SPAN).figure == pytest.approx(25)
    assert standing(rating, cells, SPAN).figure == pytest.approx(8)
    assert (standing(points, cells, SPAN).state, standing(rating, cells, SPAN).state) == ("ok", "breached")


def test_slices_count_stretches_and_not_events():
    cells = [cell(JUNE + minute * MINUTE, 100 if minute != 7 else 0, 100) for minute in range(60)]
    table = WatchTable(sli="availability", target=0.99, method="slices", slice=300, slice_target=0.9)

    found = standing(table, cells, SPAN)

    assert (found.good, found.total) == (11, 12)
    assert slices(cells, 5 * MINUTE, 0.5) == (12, 12)


def test_each_class_of_error_burns_its_own_budget():
    table = WatchTable(sli="availability", target=0.99, budgets={"provider": 0.5, "evaluation": 0.3})
    cells = [
        cell(JUNE, 9_900, 9_900),
        cell(JUNE, 0, 60, part="provider"),
        cell(JUNE, 0, 20, part="evaluation"),
        cell(JUNE, 0, 20, part="software"),
    ]

    spent = {each.part: each for each in standing(table, cells, SPAN).spent}

    assert {part: each.bad for part, each in spent.items()} == {"provider": 60, "evaluation": 20, "software": 20}
    assert {part for part, each in spent.items() if each.over} == {"provider"}
    assert sum(each.share for each in spent.values()) == pytest.approx(1)


def test_what_was_recovered_is_good_and_told():
    cells = [cell(JUNE, 90, 90), cell(JUNE, 9, 9, part="recovered"), cell(JUNE, 0, 1, part="provider")]

    found = standing(WatchTable(sli="errors", target="< 2%"), cells, SPAN)

    assert (found.recovered, found.good, found.state) == (9, 99, "ok")


counts_ = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 50), st.integers(0, 5)), min_size=1, max_size=40)


@given(counts_)
def test_a_burn_down_ends_where_the_standing_says(drawn):
    table = WatchTable(sli="availability", target=0.9)
    cells = [cell(JUNE + day * DAY, good, good + bad) for day, good, bad in drawn]

    line = burn_down(table, cells, SPAN)
    found = standing(table, cells, SPAN)

    assert [each for _, each in line] == sorted((each for _, each in line), reverse=True)
    if line:
        assert line[-1][1] == pytest.approx(found.remaining)


@given(counts_, st.randoms())
def test_the_order_of_cells_changes_nothing(drawn, random):
    table = WatchTable(sli="availability", target=0.9)
    cells = [cell(JUNE + day * DAY, good, good + bad) for day, good, bad in drawn]
    shuffled = list(cells)
    random.shuffle(shuffled)

    assert standing(table, shuffled, SPAN) == standing(table, cells, SPAN)


def yearly(**fields) -> SlaTable:
    remedies = (RemedyTable(below="99.9%", credit="10%"), RemedyTable(below="99%", credit="25%"))
    return SlaTable(
        **{
            "customer": "Acme",
            "owner": "ann@example.org",
            "sli": "availability",
            "target": ">= 99.9%",
            "window": "month",
            "remedy": remedies,
            **fields,
        }
    )


def test_a_month_of_99_8_percent_gives_back_exactly_a_tenth():
    cells = [cell(JUNE + day * DAY, 998, 1000) for day in range(30)]

    found = settle("acme", yearly(), cells, MONTH, bill=Decimal("1234.57"))

    assert (found.missed, found.percent, found.credit, found.amount) == (
        True,
        "99.8%",
        Decimal("0.1"),
        Decimal("123.457"),
    )


@pytest.mark.parametrize(("good", "credit"), [(9_990, "0"), (9_989, "0.1"), (9_900, "0.1"), (9_899, "0.25")])
def test_the_largest_remedy_that_applies_is_given(good, credit):
    found = settle("acme", yearly(), [cell(JUNE, good, 10_000)], MONTH)

    assert found.credit == Decimal(credit)


def test_a_ceiling_is_missed_from_above():
    table = yearly(sli="errors", target="< 1%", remedy=(RemedyTable(below="1%", credit="5%"),))

    found = settle("acme", table, [cell(JUNE, 98, 100)], MONTH)

    assert (found.missed, found.percent, found.credit) == (True, "2%", Decimal("0.05"))


def test_a_period_without_calls_gives_nothing_back():
    found = settle("acme", yearly(), [], MONTH, bill=Decimal(100))

    assert (found.missed, found.credit, found.amount) == (False, 0, 0)
