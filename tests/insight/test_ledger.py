from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.insight.book import Book, folded, lines_of
from rowen.insight.ledger import BY_DAY, DIMENSIONS, Asked, Ledger, total
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import Trace, TraceRow

MONDAY, DAY, HOUR = 1_790_553_600_000_000_000, 86_400_000_000_000, 3_600_000_000_000

AMOUNTS = st.decimals("0", "9", places=9)
ROWS = st.lists(
    st.builds(
        TraceRow,
        id=st.uuids().map(lambda one: one.hex),
        started_ns=st.integers(MONDAY, MONDAY + 40 * DAY - 1),
        duration_ns=st.just(10**9),
        app=st.sampled_from(["handbook", "shop"]),
        definition=st.sampled_from(["d1", "d2"]),
        tenant=st.sampled_from(["acme", "globex"]),
        key=st.sampled_from(["k1", "k2"]),
        user=st.sampled_from(["", "ann", "bob"]),
        feature=st.sampled_from(["", "judge", "search"]),
        tags=st.sampled_from([(), ("experiment",)]),
        door=st.sampled_from(["openai.chat", "openai.embeddings"]),
        model=st.sampled_from(["fast", "careful"]),
        deployment=st.sampled_from(["fast/0", "careful/0"]),
        provider=st.sampled_from(["openai", "local"]),
        release=st.sampled_from(["", "1.5"]),
        environment=st.sampled_from(["production", "staging"]),
        input_tokens=st.integers(0, 10**6),
        output_tokens=st.integers(0, 10**6),
        cost=st.one_of(st.none(), AMOUNTS.map(lambda one: one + 9)),
        waste=st.one_of(st.just(Decimal(0)), AMOUNTS),
    ).map(lambda row: row if row.cost is not None else row.but(waste=Decimal(0))),
    max_size=25,
    unique_by=lambda row: row.id,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS)
async def test_sums_are_exact_by_everything_and_over_every_stretch(rows: list[TraceRow]):
    store = await open_store("memory:", clock=FakeClock(MONDAY))
    await store.traces.write([Trace(row=row) for row in rows])
    ledger = Ledger(store.traces)
    cost = sum((row.cost for row in rows if row.cost is not None), Decimal(0))

    for by in DIMENSIONS:
        for every in ("all", "day", "month"):
            asked = Asked(since_ns=MONDAY, until_ns=MONDAY + 40 * DAY, by=by, every=every)
            entries = await ledger.entries(asked, ("acme", "globex"))
            whole = total(entries)
            assert whole.cost == cost, (by, every)
            assert whole.calls == len(rows)
            assert whole.unpriced == sum(row.cost is None for row in rows)
            assert whole.waste == sum((row.waste for row in rows), Decimal(0))
            for one in entries:
                if by not in ("", "purpose"):
                    mine = [row for row in rows if getattr(row, by) == one.group and row.cost is not None]
                    assert every != "all" or one.cost == sum((row.cost for row in mine), Decimal(0))


def test_lines_keep_every_cent_and_waste_apart(row):
    rows = [
        row(cost=Decimal("0.30"), waste=Decimal("0.10")),
        row(cost=None),
        row(door="openai.embeddings", cost=Decimal("0.02")),
        row(feature="judge", cost=Decimal("0.04")),
        row(tags=("experiment",), cost=Decimal("0.05")),
    ]

    by_purpose = {line.purpose: line for line in folded(lines_of(rows), ["purpose"])}

    assert {name: str(line.cost) for name, line in by_purpose.items()} == {
        "inference": "0.20", "waste": "0.10", "embedding": "0.02", "judge": "0.04", "experiment": "0.05",
    }  # fmt: skip
    assert (by_purpose["inference"].calls, by_purpose["inference"].unpriced) == (2, 1)


def test_a_purpose_is_told_by_feature_tag_or_door(row):
    assert row().purpose == "inference"
    assert row(tags=("evaluation",), feature="judge").purpose == "judge"
    assert row(name="embeddings minilm", door="").purpose == "embedding"


async def test_an_unknown_price_is_told_apart_and_never_nothing(store, row, write, clock):
    await write([row(cost=None), row(model="careful", cost=Decimal("1.5")), row(model="careful", cost=None)])
    ledger = Ledger(store.traces)

    entries = await ledger.entries(Asked(since_ns=MONDAY, until_ns=MONDAY + DAY, by="model"))

    assert {one.group: one.said for one in entries} == {
        "fast": "unknown",
        "careful": "1.5 + 1 calls of unknown price",
    }


async def test_the_book_counts_open_days_anew_and_closed_ones_never(store, row, write):
    clock = FakeClock(MONDAY + 10 * HOUR)
    book = Book(store.records, store.traces, clock)
    await write([row(MONDAY + HOUR)])
    assert await book.count(MONDAY, MONDAY + DAY) == 1
    assert await book.count(MONDAY, MONDAY + DAY) == 0  # fresh

    await write([row(MONDAY + 2 * HOUR)])
    clock.move(301)
    assert await book.count(MONDAY, MONDAY + DAY) == 1
    (day,) = await book.days("acme", MONDAY, MONDAY + DAY)
    assert [line.calls for line in day.lines] == [2]

    clock.move(3 * 86_400)
    await book.count(MONDAY, MONDAY + DAY)
    await store.traces.delete(before_ns=MONDAY + 2 * DAY)
    clock.move(86_400)
    assert await book.count(MONDAY, MONDAY + DAY) == 0
    (day,) = await book.days("acme", MONDAY, MONDAY + DAY)
    assert sum(line.cost for line in day.lines) == Decimal("0.02")


async def test_a_tenant_sees_its_own_costs_only(store, row, write, clock):
    await write([row(), row(tenant="globex", cost=Decimal(7), feature="secret", definition="theirs")])
    ledger = Ledger(store.traces)

    for by in DIMENSIONS:
        entries = await ledger.entries(
            Asked(since_ns=MONDAY, until_ns=MONDAY + DAY, by=by, tenant="acme"), ("acme", "globex")
        )
        assert total(entries).cost == Decimal("0.01"), by
        assert not {one.group for one in entries} & {"secret", "globex", "theirs"}


@pytest.mark.parametrize("by", sorted({"release", "environment", *BY_DAY}))
async def test_an_app_can_be_looked_at_alone(store, row, write, clock, by):
    await write([row(), row(app="shop", cost=Decimal(5))])
    ledger = Ledger(store.traces)

    entries = await ledger.entries(Asked(since_ns=MONDAY, until_ns=MONDAY + DAY, by=by, app="shop"))

    assert total(entries).cost == 5
