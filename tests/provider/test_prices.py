"""What a usage costs: against hand calculations, against the source of the snapshot, and over changes of price."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.provider.prices import Prices, Snapshot
from rowen.values import Money, Usage, ns_of
from rowen.values.price import Price, Rates, Tier, priced

NOON = ns_of(datetime(2026, 11, 23, 12, tzinfo=UTC))
CASES = json.loads(Path(__file__).with_name("prices_expected.json").read_text())


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return Snapshot.load()


def test_costs_are_those_that_the_source_of_the_snapshot_computes(snapshot):
    prices = Prices(snapshot)

    wrong = [
        (case, found)
        for case in CASES
        if (
            found := prices(
                case["vendor"], case["model"], Usage(**case["usage"]), ns_of(datetime.fromisoformat(case["at"]))
            )
        )
        != Money(amount=Decimal(case["usd"]))
    ]

    assert len(CASES) >= 500
    assert wrong == []


def test_cost_of_a_call_equals_the_hand_calculation(snapshot):
    prices = Prices(snapshot, {("vllm", "our-model"): [priced(input="0.40", output="1.60", cache_read="0.10")]})
    usage = Usage(input_tokens=1_000_000, output_tokens=250_000, cache_read_tokens=600_000, reasoning_tokens=200_000)

    cost = prices("vllm", "our-model", usage, NOON)

    # 400,000 fresh at 0.40 + 600,000 cached at 0.10 + 250,000 out (reasoning is among them) at 1.60
    assert cost == Money(amount=Decimal("0.16") + Decimal("0.06") + Decimal("0.40"))


def test_an_unknown_price_is_unknown_and_never_zero(snapshot):
    prices = Prices(snapshot)

    assert prices("vllm", "gpt-4.1-mini", Usage(input_tokens=1), NOON) is None
    assert prices("openai", "no-such-model", Usage(input_tokens=1), NOON) is None
    assert prices("nobody", "gpt-4.1-mini", Usage(), NOON) is None


def test_models_in_this_process_cost_a_declared_nothing(snapshot):
    prices = Prices(snapshot)

    assert prices("local", "anything", Usage(input_tokens=10, output_tokens=10), NOON) == Money()
    assert prices("echo", "anything", Usage(input_tokens=10, output_tokens=10), NOON) == Money()


def test_output_without_a_price_for_output_is_unknown():
    price = Price(input=Decimal(1))

    assert price.cost(Usage(input_tokens=1_000_000)) == Money(amount=Decimal(1))
    assert price.cost(Usage(input_tokens=1_000_000, output_tokens=1)) is None


def test_a_price_change_in_mid_month_counts_from_its_day(snapshot):
    own = [priced(input="1", output="1", since="2026-11-01"), priced(input="3", output="3", since="2026-11-16")]
    prices = Prices(snapshot, {("vllm", "m"): own})
    usage = Usage(input_tokens=1_000_000)
    change = ns_of(datetime(2026, 11, 16, tzinfo=UTC))

    assert prices("vllm", "m", usage, change - 1) == Money(amount=Decimal(1))
    assert prices("vllm", "m", usage, change) == Money(amount=Decimal(3))
    assert prices("vllm", "m", usage, ns_of(datetime(2026, 10, 31, 23, 59, tzinfo=UTC))) is None


def test_a_month_of_calls_over_a_price_change_sums_to_the_hand_calculation(snapshot):
    own = [priced(input="1", since="2026-11-01"), priced(input="3", since="2026-11-16")]
    prices = Prices(snapshot, {("vllm", "m"): own})
    usage = Usage(input_tokens=100_000)

    costs = [prices("vllm", "m", usage, ns_of(datetime(2026, 11, day, 9, tzinfo=UTC))) for day in range(1, 31)]

    assert sum(cost.amount for cost in costs) == 15 * Decimal("0.1") + 15 * Decimal("0.3")


def test_before_its_first_day_the_apps_price_gives_way_to_the_snapshots(snapshot):
    own = Prices(snapshot, {("openai", "gpt-4.1-mini"): [priced(input="9", output="9", since="2026-11-16")]})
    usage = Usage(input_tokens=1_000_000)
    early = ns_of(datetime(2026, 11, 15, tzinfo=UTC))

    assert own("openai", "gpt-4.1-mini", usage, early) == Prices(snapshot)("openai", "gpt-4.1-mini", usage, early)
    assert own("openai", "gpt-4.1-mini", usage, NOON) == Money(amount=Decimal(9))


def test_a_long_prompt_costs_the_rate_of_its_tier_for_all_its_tokens():
    price = Price(
        input=Decimal(1),
        output=Decimal(2),
        tiers=(Tier(above=200, rates=Rates(input=Decimal(10), output=Decimal(20))),),
    )

    assert price.cost(Usage(input_tokens=200, output_tokens=10)) == Money(amount=Decimal("0.000220"))
    assert price.cost(Usage(input_tokens=201, output_tokens=10)) == Money(amount=Decimal("0.002210"))


def test_an_off_peak_price_holds_in_its_hours_over_midnight():
    price = Price(input=Decimal(1), daily=(22 * 3600, 6 * 3600))

    assert price.holds(ns_of(datetime(2026, 1, 1, 23, tzinfo=UTC)))
    assert price.holds(ns_of(datetime(2026, 1, 1, 5, 59, 59, tzinfo=UTC)))
    assert not price.holds(ns_of(datetime(2026, 1, 1, 6, tzinfo=UTC)))
    assert not price.holds(NOON)


def test_a_model_sold_by_another_vendor_is_priced_there(snapshot):
    assert snapshot.prices("azure", "o3-mini") is not None
    assert snapshot.prices("gemini", "gemini-2.5-flash") == snapshot.prices("google", "gemini-2.5-flash")
    assert snapshot.prices("bedrock", "anthropic.claude-3-haiku-20240307-v1:0") is not None


def test_batch_prices_stand_beside_the_others(snapshot):
    (batch,) = snapshot.prices("openai", "gpt-4.1-mini", batch=True) or ()
    (normal,) = snapshot.prices("openai", "gpt-4.1-mini") or ()

    assert batch.input * 2 == normal.input
    assert batch.output is not None
    assert normal.output == batch.output * 2


def test_the_snapshot_says_its_day_and_source(snapshot):
    assert datetime.fromisoformat(snapshot.day).year >= 2026
    assert snapshot.source.startswith("genai-prices ")


@pytest.mark.parametrize("text", ["-1", "NaN", "cheap", ""])
def test_a_price_that_is_no_amount_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"`input` must be US dollars .* such as"):
        priced(input=text)


RATE = st.decimals(min_value=0, max_value=1000, places=4)
COUNT = st.integers(min_value=0, max_value=10**7)


@given(input=RATE, output=RATE, read=RATE, fresh=COUNT, cached=COUNT, out=COUNT)
def test_cost_is_exact_and_counts_each_token_once(input, output, read, fresh, cached, out):
    price = Price(input=input, output=output, cache_read=read)
    usage = Usage(input_tokens=fresh + cached, cache_read_tokens=cached, output_tokens=out)

    cost = price.cost(usage)

    assert cost is not None
    assert cost.amount * 10**6 == input * fresh + read * cached + output * out


@given(rate=RATE, first=COUNT, second=COUNT, audio=st.integers(0, 100))
def test_parts_without_a_rate_of_their_own_cost_what_the_whole_costs(rate, first, second, audio):
    price = Price(input=rate, output=rate)
    usage = Usage(
        input_tokens=first + audio,
        output_tokens=second + audio,
        input_audio_tokens=audio,
        output_audio_tokens=audio,
        reasoning_tokens=min(second, 7),
    )

    assert price.cost(usage) == price.cost(Usage(input_tokens=first + audio, output_tokens=second + audio))
