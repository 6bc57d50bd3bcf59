from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.limits import Estimate, LimitsSettings, cost_of
from rowen.values import Attempt, Money, Reasoning, Refused, Request, Usage, usd

USED = Usage(input_tokens=600_000, output_tokens=400_000)
ATTEMPT = Attempt(deployment="d", provider="echo", model="cheap", started_ns=1, ended_ns=2, usage=USED)


def test_money_is_reserved_for_the_dearest_deployment(estimate_of):
    dollars = estimate_of(LimitsSettings()).dollars(Request(model="fast"), USED, 0)

    assert dollars == 2


def test_an_unknown_price_is_refused_and_says_where_to_set_it(estimate_of):
    estimate = estimate_of(LimitsSettings(), upstreams=("cheap", "mystery"))

    with pytest.raises(Refused) as caught:
        estimate.dollars(Request(model="fast"), USED, 0)

    assert caught.value.code == "price_unknown"
    assert "mystery" in caught.value.message
    assert "[models.fast]" in caught.value.message


def test_an_unknown_price_is_counted_as_the_policy_says(estimate_of):
    costs = [
        estimate_of(LimitsSettings(unknown_price=policy), upstreams=("mystery",)).dollars(
            Request(model="fast"), USED, 0
        )
        for policy in ("count_zero", "assume:7.5")
    ]

    assert costs == [0, Decimal("7.5")]


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({}, 50),
        ({"n": 3}, 150),
        ({"max_tokens": 7, "n": 2}, 14),
        ({"max_tokens": 0}, 0),
        ({"reasoning": Reasoning(budget_tokens=100)}, 150),
        ({"kind": "embeddings"}, 0),
    ],
)
def test_the_answer_is_reserved_as_long_as_it_may_be(estimate_of, fields, tokens):
    estimate = estimate_of(LimitsSettings(assume_answer=50))

    assert estimate.answer_tokens(Request(model="fast", **fields)) == tokens


def test_wasted_attempts_count_too(estimate_of):
    attempts = (ATTEMPT.but(cost=usd("0.5"), waste=True, status="failed"), ATTEMPT.but(cost=usd("0.25")))

    assert estimate_of(LimitsSettings()).spent(attempts) == Decimal("0.75")
    assert cost_of(attempts, {}) == usd("0.75")


def test_an_attempt_without_a_price_makes_the_cost_unknown_unless_it_used_nothing(estimate_of):
    estimate = estimate_of(LimitsSettings())

    assert estimate.spent((ATTEMPT,)) is None
    assert cost_of((ATTEMPT,), {}) is None
    assert estimate.spent((ATTEMPT.but(usage=Usage()),)) == 0
    assert cost_of((ATTEMPT.but(usage=Usage()),), {}) == usd(0)


def test_a_price_in_another_currency_is_converted(estimate_of):
    rates = {"EUR": Decimal("1.10")}
    attempts = (ATTEMPT.but(cost=Money(amount=Decimal(2), currency="EUR")),)

    assert cost_of(attempts, rates) == usd("2.20")
    assert estimate_of(LimitsSettings(rates=rates)).spent(attempts) == Decimal("2.20")


@given(
    st.decimals("0", "1000", places=12),
    st.decimals("0.01", "100", places=4),
)
def test_money_is_rounded_up_and_by_less_than_one_unit(dollars, rate):
    estimate = Estimate(
        settings=LimitsSettings(rates={"EUR": rate}),
        count_tokens=lambda request: 0,
        at_most=lambda request: 0,
        pricing=lambda provider, model, usage, at_ns: None,
        deployments_of=lambda model: (),
    )

    units = estimate.units(dollars, "EUR")

    # One unit is 1e-9 EUR; the division has 28 digits, so compare with that much room.
    exact = dollars * 10**9 / rate
    assert exact <= units < exact + 1
