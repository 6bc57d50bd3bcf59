"""Other prices for the past, the provider's own figures, and the table for FinOps tools."""

import csv
import io
import json
import random
from decimal import Decimal

import pytest

from rowen.insight import focus
from rowen.insight.book import Day, Line
from rowen.insight.reading import Bought, bought
from rowen.insight.reconcile import reconcile
from rowen.insight.reprice import reprice
from rowen.insight.usage import exported
from rowen.provider.prices import Prices, Snapshot
from rowen.trace import TraceSettings
from rowen.trace.spans import trace_of
from rowen.values import (
    Answer,
    Attempt,
    Call,
    Choice,
    Door,
    Mistaken,
    Request,
    Span,
    Trace,
    Usage,
    says,
    usd,
)
from rowen.values.price import priced

MONDAY, DAY, HOUR = 1_790_553_600_000_000_000, 86_400_000_000_000, 3_600_000_000_000


def one(at_ns: int = MONDAY + 12 * HOUR, **changes) -> Bought:
    plain = {
        "provider": "openai",
        "model": "gpt-4.1-mini",
        "answered_by": "gpt-4.1-mini-2025-04-14",
        "usage": Usage(input_tokens=1_000, output_tokens=100),
        "cost": Decimal("0.00056"),
    }
    return Bought(trace="t", at_ns=at_ns, **{**plain, **changes})


# --- other prices


def test_the_past_at_its_own_prices_costs_what_it_did():
    own = {("openai", "m"): [priced(input="1"), priced(input="2", since="2026-09-29")]}
    prices = Prices(Snapshot.load(), own)
    usage = Usage(input_tokens=1_000_000)
    attempts = [
        one(MONDAY, model="m", usage=usage, cost=Decimal(1)),
        one(MONDAY + DAY, model="m", usage=usage, cost=Decimal(2)),
    ]

    (same,) = reprice(attempts, prices)
    (cheap,) = reprice(attempts, prices, at_ns=MONDAY)

    assert (same.before, same.after) == (3, 3)
    assert cheap.after == 2


def test_another_models_price_and_unknown_ones_are_told():
    own = {("openai", "big"): [priced(input="10")], ("openai", "small"): [priced(input="1")]}
    attempts = [
        one(model="big", usage=Usage(input_tokens=1_000_000), cost=Decimal(10)),
        one(model="mystery", cost=None),
    ]

    big, mystery = reprice(attempts, Prices(Snapshot.load(), own), instead={("openai", "big"): ("openai", "small")})

    assert (big.before, big.after, big.as_model) == (10, 1, "small")
    assert (mystery.unknown_before, mystery.unknown_after, mystery.after) == (1, 1, 0)


def test_what_was_bought_is_read_from_a_calls_own_spans(row):
    usage = Usage(input_tokens=7, output_tokens=3, cache_read_tokens=2, reasoning_tokens=1)
    call = Call(
        id="0192" + "a" * 28, app="a", definition="d", request=Request(model="fast", messages=(says("user", "x"),)),
        door=Door(shape="openai.chat"), started_ns=1_000, ended_ns=9_000,
        answer=Answer(id="x", model="gpt-x-2026-01-01", choices=(Choice(message=says("assistant", "y"), reason="stop"),)),
        attempts=(
            Attempt(
                deployment="f/0", provider="openai", model="gpt-x", started_ns=1, ended_ns=2, status="failed",
                code="upstream_cut", cost=usd("0.01"), waste=True, usage=Usage(input_tokens=5, estimated=True),
            ),
            Attempt(deployment="f/1", provider="azure", model="gpt-x", started_ns=3, ended_ns=8, cost=usd("0.02"), usage=usage),
        ),
    )  # fmt: skip

    wasted, used = bought(trace_of(call, TraceSettings()))

    assert (wasted.provider, wasted.waste, wasted.usage.estimated, wasted.cost) == (
        "openai",
        True,
        True,
        Decimal("0.01"),
    )
    assert (used.provider, used.answered_by, used.usage, used.cost) == (
        "azure",
        "gpt-x-2026-01-01",
        usage,
        Decimal("0.02"),
    )


def test_what_was_bought_is_read_from_spans_of_others(row):
    span = Span(
        trace="t", id="s", name="chat", started_ns=5, ended_ns=6,
        attributes={
            "openinference.span.kind": "LLM", "llm.model_name": "claude", "gen_ai.system": "anthropic",
            "llm.token_count.prompt": 10, "llm.token_count.completion": 4, "llm.cost.total": 0.5,
        },
    )  # fmt: skip

    (found,) = bought(Trace(row=row().but(origin="spans"), spans=(span,)))

    assert (found.model, found.provider, found.usage.total, found.cost) == ("claude", "anthropic", 14, Decimal("0.5"))


# --- exports


def page(*results: dict, start: int = MONDAY) -> bytes:
    return json.dumps(
        {"object": "page", "data": [{"object": "bucket", "start_time": start // 10**9, "results": list(results)}]}
    ).encode()


def completions(model: str, requests: int, input: int, output: int) -> dict:
    return {
        "object": "organization.usage.completions.result", "model": model, "num_model_requests": requests,
        "input_tokens": input, "output_tokens": output, "input_cached_tokens": 10, "project_id": None,
    }  # fmt: skip


def test_openais_pages_are_read():
    (used,) = exported(page(completions("gpt-4.1-mini-2025-04-14", 5, 1_000, 500)))
    (cost,) = exported(
        page(
            {
                "object": "organization.costs.result",
                "amount": {"value": 0.06, "currency": "usd"},
                "line_item": "gpt-4o, input",
            }
        )
    )

    assert (used.day_ns, used.requests, used.input_tokens, used.cached_tokens) == (MONDAY, 5, 1_000, 10)
    assert (cost.model, cost.billed) == ("gpt-4o", Decimal("0.06"))


def test_anthropics_pages_are_read_and_cached_tokens_counted_in():
    text = json.dumps(
        {
            "data": [
                {
                    "starting_at": "2026-09-28T00:00:00Z",
                    "ending_at": "2026-09-29T00:00:00Z",
                    "results": [
                        {
                            "model": "claude-opus-4-6", "uncached_input_tokens": 1500, "output_tokens": 500,
                            "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
                            "cache_read_input_tokens": 200,
                        },
                        {"amount": "12345", "currency": "USD", "model": "claude-opus-4-6"},
                    ],
                }
            ],
            "has_more": False,
        }
    ).encode()  # fmt: skip

    used, cost = exported(text)

    assert (used.provider, used.day_ns, used.input_tokens, used.output_tokens) == ("anthropic", MONDAY, 3_200, 500)
    assert (used.requests, cost.billed) == (None, Decimal("123.45"))


def test_both_vendors_csv_is_read():
    openai = "start_time,model,num_model_requests,input_tokens,output_tokens\n1790553600,gpt-x,2,30,4\n"
    anthropic = (
        "usage_date_utc,model_version,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,"
        "usage_input_tokens_cache_read,usage_output_tokens\n2026-09-28,claude-x,10,5,,3\n"
    )

    (one_,) = exported(openai.encode())
    (other,) = exported(b"\xef\xbb\xbf" + anthropic.encode())

    assert (one_.requests, one_.input_tokens, one_.day_ns) == (2, 30, MONDAY)
    assert (other.input_tokens, other.output_tokens, other.day_ns) == (15, 3, MONDAY)


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_lines_of_an_export_end_in_any_way(end: bytes):
    text = b"start_time,model,num_model_requests,input_tokens,output_tokens\n1790553600,gpt-x,2,30,4\n"

    assert exported(text.replace(b"\n", end)) == exported(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[1]",
        b'{"data": 5}',
        b'{"data": [{"start_time": "x", "results": [{}]}]}',
        b'{"data": [{"start_time": 1, "results": [7]}]}',
        b'{"data": [{"start_time": 1, "results": [{"amount": {"value": 1, "currency": "eur"}}]}]}',
        b'{"data": [{"starting_at": "never", "results": [{}]}]}',
        b"a,b\n1,2\n",
        b"start_time,model,num_model_requests,input_tokens,output_tokens\n1790553600,m,many,3,4\n",
        b"\xff\xfe\x00",
    ],
)
def test_a_wrong_export_is_a_clear_mistake(text: bytes):
    with pytest.raises(Mistaken) as problem:
        exported(text)

    assert problem.value.place


# --- both sides


def month(rand: random.Random) -> list[Bought]:
    return [
        one(
            MONDAY + rand.randrange(20 * DAY),
            model=model,
            answered_by=model,
            usage=Usage(input_tokens=rand.randrange(100, 3_000), output_tokens=rand.randrange(10, 400)),
        )
        for model in rand.choices(["gpt-4.1-mini", "gpt-5"], [4, 1], k=4_000)
    ]


def export_of(attempts: list[Bought], *, days: int = 20, late_ns: int = 0) -> list:
    sums: dict[tuple[str, int], list[int]] = {}
    for each in attempts:
        kept = sums.setdefault((each.answered_by, (each.at_ns + late_ns) // DAY * DAY), [0, 0, 0])
        kept[0] += 1
        kept[1] += each.usage.input_tokens
        kept[2] += each.usage.output_tokens
    return [
        line
        for (model, day), (requests, input, output) in sums.items()
        for line in exported(page(completions(f"{model}-2025-04-14", requests, input, output), start=day))
    ]


def test_the_same_figures_agree_whatever_the_version_in_the_name():
    attempts = month(random.Random(1))

    found = reconcile(export_of(attempts), attempts)

    assert found.agrees
    assert {each.verdict for each in found.days} == {"agrees"}
    assert [(each.model, each.ours_tokens == each.theirs_tokens) for each in found.models] == [
        ("gpt-4.1-mini", True),
        ("gpt-5", True),
    ]


def test_calls_that_the_other_side_books_after_midnight_are_explained():
    attempts = month(random.Random(2))

    found = reconcile(
        [line for line in export_of(attempts, late_ns=200 * 10**9) if line.day_ns < MONDAY + 20 * DAY], attempts
    )

    assert found.agrees
    assert any(each.at_midnight for each in found.days)


def test_a_planted_difference_is_found_on_its_day_and_with_its_size():
    attempts = month(random.Random(3))
    lost = [each for each in attempts if each.answered_by == "gpt-5" and each.at_ns // DAY * DAY == MONDAY + 7 * DAY][
        :12
    ]

    found = reconcile(export_of(attempts), [each for each in attempts if each not in lost])

    wrong = [each for each in found.days if each.verdict == "unexplained"]
    assert not found.agrees
    assert [(each.model, each.day_ns) for each in wrong] == [("gpt-5", MONDAY + 7 * DAY)]
    missing = sum(each.usage.total for each in lost)
    assert wrong[0].unexplained == pytest.approx(missing - wrong[0].at_midnight, rel=0.01)


def test_models_that_did_not_pass_here_and_estimates_are_explained():
    attempts = [one(usage=Usage(input_tokens=1_000, estimated=True), answered_by="gpt-x") for _ in range(10)]
    export = exported(page(completions("gpt-x", 10, 11_000, 0), completions("whisper-9", 3, 5_000, 0)))

    found = reconcile(export, attempts)

    by_model = {each.model: each for each in found.models}
    assert found.agrees
    assert by_model["gpt-x"].estimated == 1_000
    assert by_model["whisper-9"].elsewhere == 5_003 - 3


def test_money_beyond_the_tolerance_is_told():
    export = exported(page({"amount": {"value": 12.0, "currency": "usd"}, "line_item": "gpt-x, input"}))
    attempts = [one(cost=Decimal(10), answered_by="gpt-x")]

    assert reconcile(export, attempts).unexplained_usd == 2
    assert reconcile(export, [one(cost=Decimal("11.99"), answered_by="gpt-x")]).unexplained_usd == 0
    assert reconcile(export, [one(cost=None, answered_by="gpt-x")]).unexplained_usd is None


def test_nothing_against_nothing_agrees():
    assert reconcile([], []).agrees


# --- FOCUS


def table(*lines: Line) -> list[dict[str, str]]:
    to = io.StringIO()
    focus.export([Day(tenant="acme", start_ns=MONDAY, lines=lines)], "Acme Ltd", to)
    return list(csv.DictReader(io.StringIO(to.getvalue())))


def test_the_table_has_the_mandatory_columns_of_focus_and_ours_apart():
    (found,) = table(
        Line(
            tenant="acme", app="handbook", feature="chat", model="fast", provider="openai", deployment="fast/0",
            calls=3, input_tokens=900, output_tokens=100, cost=Decimal("0.0120"),
        )
    )  # fmt: skip

    assert set(focus.MANDATORY) <= set(found)
    assert len(focus.MANDATORY) == 21
    assert all(column.startswith("x_") for column in focus.OURS)
    never_null = set(focus.MANDATORY) - {"ChargeClass", "BillingAccountName"}
    assert all(found[column] for column in never_null)
    assert (found["BilledCost"], found["EffectiveCost"], found["PricingQuantity"]) == ("0.012", "0.012", "1000")
    assert (found["ChargePeriodStart"], found["ChargePeriodEnd"]) == ("2026-09-28T00:00:00Z", "2026-09-29T00:00:00Z")
    assert (found["BillingPeriodStart"], found["BillingPeriodEnd"]) == ("2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z")
    assert (found["ChargeCategory"], found["ServiceCategory"]) == ("Usage", "AI and Machine Learning")
    assert (found["ProviderName"], found["SubAccountId"]) == ("OpenAI", "acme")
    assert json.loads(found["Tags"]) == {"app": "handbook", "feature": "chat"}


def test_numbers_are_plain_and_names_are_no_formulas():
    assert focus.number(Decimal("1E+3")) == "1000"
    assert focus.number(Decimal("1E-9")) == "0.000000001"
    assert focus.number(Decimal("0E-9")) == "0"
    (found,) = table(Line(model='=HYPERLINK("x")', provider="@evil", cost=Decimal("-0.5"), unpriced=2))

    assert found["SkuId"].startswith("'=")
    assert found["ProviderName"].startswith("'@")
    assert (found["BilledCost"], found["x_UnknownPriceCalls"]) == ("-0.5", "2")
