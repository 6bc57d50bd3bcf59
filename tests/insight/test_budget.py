"""Budgets over replayed months: each warning comes once, when it is due."""

import random
from decimal import Decimal

import pytest

from rowen.insight.budget import Budget, Budgets, stands
from rowen.insight.calendar import DAY_NS, HOUR_NS, moment, named
from rowen.insight.ledger import Entry, Ledger
from rowen.insight.spikes import spikes
from rowen.values import Mistaken

START = moment("2026-09-01")
PATTERN = [1.0, 1.1, 1.15, 1.1, 0.95, 0.45, 0.35]


def day(start: int, cost: float) -> Entry:
    return Entry(start_ns=start, cost=Decimal(f"{cost:.4f}"), calls=1)


def replay(amount: str, per_day: float, *, until: str = "2026-12-01", **wanted) -> list:
    """Look at the budget every six hours of November; return what was told, each key once, with its day."""
    rand = random.Random(1)
    budget = Budget(id="b1", tenant="acme", amount=Decimal(amount), **wanted)
    costs = {
        start: per_day * PATTERN[start // DAY_NS % 7] * rand.lognormvariate(0, 0.05)
        for start in range(START, moment(until), DAY_NS)
    }
    told, seen = [], set()
    for now in range(moment("2026-11-01"), moment(until), 6 * HOUR_NS):
        today = now // DAY_NS * DAY_NS
        so_far = costs[today] * (now - today) / DAY_NS
        days = [day(start, cost) for start, cost in costs.items() if start < today] + [day(today, so_far)]
        for one in stands(budget, days, now).findings:
            if one.key not in seen:
                seen.add(one.key)
                told.append((one.kind, one.facts.get("spent"), named(now), one))
    return told


def test_thresholds_are_told_once_each_and_the_forecast_before_the_last():
    told = replay("1600", 66)

    kinds = [(kind, one.key.rpartition(":")[2]) for kind, _, _, one in told]
    assert sorted(kinds[:2]) == [("budget", "0.5"), ("forecast", "2026-11-01")]
    assert kinds[2:] == [("budget", "0.8"), ("budget", "1")]


def test_a_month_that_will_be_too_dear_is_told_in_its_first_days():
    told = replay("1000", 66)

    _, _, when, finding = next(one for one in told if one[0] == "forecast")
    assert when <= "2026-11-03"
    assert "will have spent" in finding.title
    assert "to" in finding.facts["interval"]
    passed = [(when, one.severity) for kind, _, when, one in told if kind == "budget"]
    assert [severity for _, severity in passed] == ["warning", "warning", "critical"]
    assert passed == sorted(passed, key=lambda one: one[0])


def test_a_month_well_within_its_budget_tells_nothing():
    assert replay("5000", 66) == []


def test_a_budget_of_a_day_begins_anew_each_day():
    budget = Budget(id="b1", amount=Decimal(10), window="day")
    days = [day(START, 30), day(START + DAY_NS, 6)]

    now = stands(budget, days, START + DAY_NS + HOUR_NS)

    assert (str(now.spent), now.share) == ("6.0000", 0.6)
    assert [one.key for one in now.findings] == ["budget:b1:2026-09-02:0.5"]


def test_unknown_prices_are_said_beside_what_was_spent():
    budget = Budget(id="b1", amount=Decimal(10))

    now = stands(budget, [day(START, 6).but(unpriced=3)], START + HOUR_NS)

    assert now.unpriced == 3
    assert now.findings[0].facts["unpriced_calls"] == "3"


async def test_budgets_are_kept_and_stand_by_the_ledger(store, row, write, clock):
    budgets = Budgets(store.records, Ledger(store.traces))
    now = moment("2026-11-10")
    await write(
        [row(moment("2026-11-02"), cost=Decimal(6)), row(moment("2026-11-03"), feature="mail", cost=Decimal(3))]
    )
    await write([row(moment("2026-11-03"), tenant="globex", cost=Decimal(100))])
    await budgets.put(Budget(id="b1", tenant="acme", amount=Decimal(10)))
    await budgets.put(Budget(id="b2", tenant="acme", amount=Decimal(10), by="feature", of="mail"))

    standing = {one.id: await budgets.standing(one, now) for one in await budgets.all("acme")}

    assert (standing["b1"].spent, standing["b2"].spent) == (9, 3)
    assert standing["b1"].findings[0].severity == "warning"
    assert await budgets.all("globex") == []
    assert not await budgets.delete("b1", "globex")
    assert await budgets.delete("b1", "acme")


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": Decimal(0)},
        {"amount": Decimal("NaN")},
        {"amount": Decimal(1), "thresholds": ()},
        {"amount": Decimal(1), "thresholds": (0.0,)},
        {"amount": Decimal(1), "by": "app"},
        {"amount": Decimal(1), "of": "shop"},
    ],
)
async def test_a_budget_that_makes_no_sense_is_refused(store, clock, wrong):
    budgets = Budgets(store.records, Ledger(store.traces))

    with pytest.raises(Mistaken):
        await budgets.put(Budget(id="b", **wrong))

    assert await budgets.all(None) == []


async def test_a_spike_is_told_with_what_drove_it(store, row, write, clock):
    rand = random.Random(2)
    begin = moment("2026-09-01")
    rows = [
        row(
            begin + hour * HOUR_NS + 60_000_000_000,
            cost=Decimal(f"{(1 + hour % 24 / 24) * rand.lognormvariate(0, 0.1):.6f}"),
        )
        for hour in range(70 * 24)
    ]
    spike = begin + (69 * 24 + 13) * HOUR_NS
    await write([*rows, row(spike + 5, feature="import", key="k9", cost=Decimal(20))])
    ledger = Ledger(store.traces)

    told = await spikes(ledger, "acme", since_ns=begin + 69 * DAY_NS, now_ns=begin + 70 * DAY_NS)

    hourly = [one for one in told if ":hour:" in one.key]
    assert [one.at_ns for one in hourly] == [spike]
    assert hourly[0].facts["feature"].startswith("import +20.00")
    assert hourly[0].facts["key"].startswith("k9 +20.00")
    assert hourly[0].severity == "warning"
    assert await spikes(ledger, "globex", since_ns=begin, now_ns=begin + 70 * DAY_NS) == []
