from decimal import Decimal

import pytest

from rowen.limits.written import at_once, limit, said


@pytest.mark.parametrize(
    ("text", "measure", "amount", "window"),
    [
        ("20/min", "requests", 20, "minute"),
        ("1.5k / hour", "requests", 1500, "hour"),
        ("200k/day", "tokens", 200_000, "day"),
        ("1_000_000/d", "tokens", 1_000_000, "day"),
        ("2G/month", "tokens", 2_000_000_000, "month"),
    ],
)
def test_an_amount_a_suffix_and_a_window_are_read(text, measure, amount, window):
    one = limit(text, measure, "user")

    assert (one.amount, one.window, one.per, one.currency) == (amount, window, "user", "")


def test_a_budget_is_read_with_its_currency():
    one = limit("0.50 EUR/day", "money", "app")

    assert (one.amount, one.currency) == (Decimal("0.50"), "EUR")


@pytest.mark.parametrize(
    ("text", "measure", "says"),
    [
        ("20", "requests", "cannot read '20' — write it like \"20/min\""),
        ("20/fortnight", "requests", 'unknown window "fortnight"'),
        ("5/day", "money", 'write it like "5 EUR/day"'),
        ("5 EUR/day", "tokens", "counts tokens"),
        ("1.5/min", "requests", "not a whole number"),
        ("0/min", "requests", "allows nothing"),
        ("-1/min", "requests", "cannot read"),
    ],
)
def test_what_cannot_be_read_is_named_with_an_example(text, measure, says):
    with pytest.raises(ValueError) as caught:
        limit(text, measure, "app")

    assert says in str(caught.value)


def test_no_calls_at_once_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        at_once(0, "app")


def test_a_limit_is_said_as_a_person_says_it():
    spoken = [
        said(limit("200k/day", "tokens", "app")),
        said(limit("5 EUR/month", "money", "app")),
        said(at_once(3, "key")),
    ]

    assert spoken == ["200000 tokens per day", "5 EUR per month", "3 calls at once"]
