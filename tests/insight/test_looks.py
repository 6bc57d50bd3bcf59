"""What the looks find, and what they say still stands."""

import random
from decimal import Decimal

import pytest

from rowen.evaluate.canary import Canaries, Reading
from rowen.evaluate.run.streak import Streak
from rowen.evaluate.run.suite import EvaluateTable
from rowen.insight.budget import Budget, stands
from rowen.insight.calendar import DAY_NS, HOUR_NS, moment
from rowen.insight.desk import Insight
from rowen.insight.errors import Change
from rowen.insight.ledger import Entry
from rowen.insight.looks import looks_of
from rowen.jobs import Queue
from rowen.retrieve.state import Behind, SourceState, behind
from rowen.score.rule import Rule
from rowen.score.rules import Fault, Ledger, Rules
from rowen.values import Tenant

RULE = Rule(name="helpful", app="shop", kind="refusal", budget="2.5")


@pytest.fixture
def insight(store, clock) -> Insight:
    return Insight(traces=store.traces, scores=store.scores, records=store.records, tenants=store.tenants, clock=clock)


@pytest.fixture
def rules(store, clock) -> Rules:
    return Rules(store.records, Queue(store.records, clock), clock, lambda: [RULE])


@pytest.fixture
def canaries(store, clock) -> Canaries:
    async def nobody(app, place, request):
        raise AssertionError("nothing is asked")

    return Canaries(store.records, Queue(store.records, clock), list, nobody, clock)


class Suites:
    def __init__(self) -> None:
        self.known: list[tuple[Streak, EvaluateTable]] = []

    async def failing(self):
        return self.known


@pytest.fixture
def suites() -> Suites:
    return Suites()


class Sources:
    def __init__(self) -> None:
        self.known: list[Behind] = []

    async def behind(self):
        return self.known


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def look(insight, store, clock, rules, canaries, suites, sources):
    every = looks_of(insight, store.tenants, rules=rules, canaries=canaries, suites=suites, sources=sources)
    looks = {one.name: one for one in every}

    async def made(name: str, since_ns: int | None = None):
        return await looks[name].look(clock.ns if since_ns is None else since_ns, clock.ns)

    return made


async def test_of_several_shares_only_the_highest_is_told_and_all_of_them_stand(insight, look, row, write, clock):
    clock.ns = moment("2026-11-10")
    await insight.budgets.put(Budget(id="b", tenant="acme", amount=Decimal(10)))
    await write([row(moment("2026-11-02"), cost=Decimal(9))])

    found = await look("budgets")

    (one,) = [each for each in found.found if each.kind == "budget"]
    assert one.key == "budget:b:2026-11-01:0.8"
    assert one.ends_ns == moment("2026-12-01")
    assert found.holding >= {"budget:b:2026-11-01:0.5", "budget:b:2026-11-01:0.8"}
    assert "budget:b:2026-11-01:1" not in found.holding


async def test_how_a_month_ended_is_found_in_the_first_look_after_it(insight, look, row, write, clock):
    clock.ns = moment("2026-12-01T00:04")
    await insight.budgets.put(Budget(id="old", tenant="acme", amount=Decimal(10)))
    await insight.budgets.put(Budget(id="new", tenant="acme", amount=Decimal(10), created_ns=clock.ns))
    await write([row(moment("2026-11-30T23:59"), cost=Decimal(10))])

    first = await look("budgets", clock.ns - 300 * 10**9)
    later = await look("budgets", clock.ns - 60 * 10**9)

    assert [one.key for one in first.found] == ["budget:old:2026-11-01:1"]
    assert first.found[0].ends_ns < clock.ns
    assert later.found == ()


def test_a_forecast_is_taken_back_only_when_its_whole_interval_is_within_the_budget():
    now = moment("2026-11-15")
    rand = random.Random(5)
    costs = {start: 10 * rand.lognormvariate(0, 0.2) for start in range(moment("2026-09-15"), now, DAY_NS)}
    days = [Entry(start_ns=start, cost=Decimal(f"{cost:.4f}"), calls=1) for start, cost in costs.items()]

    def at(amount: float):
        return stands(Budget(id="b", amount=Decimal(f"{amount:.2f}"), thresholds=(1.0,)), days, now)

    expected = at(1_000).expected
    within, between, past = at(expected.high + 1), at((expected.value + expected.high) / 2), at(expected.value - 1)
    key = "forecast:b:2026-11-01"
    assert [bool(one.findings) for one in (within, between, past)] == [False, False, True]
    assert [key in one.holding for one in (within, between, past)] == [False, True, True]
    assert key in at(20).holding  # it came true


async def test_what_is_odd_of_a_tenant_is_not_told_of_all_together_too(insight, look, row, write, clock, store):
    rand = random.Random(2)
    clock.ns = moment("2026-11-02T15:00")
    first = clock.ns - 28 * DAY_NS
    for tenant in ("acme", "globex"):
        await store.tenants.put(Tenant(id=tenant, name=tenant))
        await write(
            row(first + hour * HOUR_NS + 1, tenant=tenant, cost=Decimal(f"{rand.lognormvariate(0, 0.1):.6f}"))
            for hour in range(28 * 24)
        )
    await write([row(clock.ns - HOUR_NS // 2, cost=Decimal(40), feature="import").but(id=f"{7:032x}")])

    found = await look("anomalies", clock.ns - HOUR_NS)
    old = await look("anomalies", clock.ns + 4 * HOUR_NS)

    (one,) = found.found
    assert (one.tenant, one.examples[0], one.severity) == ("acme", f"{7:032x}", "warning")
    assert one.ends_ns == clock.ns + HOUR_NS
    assert old.found == ()
    assert found.holding is None


async def test_an_error_stands_until_it_is_solved_ignored_or_forgotten(insight, look, row, write, clock):
    clock.ns = moment("2026-11-02T15:00")
    await write([row(clock.ns - 10**9, status="failed", code=code) for code in ("timeout", "upstream_error")])
    first = await look("errors")
    solved, ignored = first.found
    for one, state in ((solved, "solved"), (ignored, "ignored")):
        group = one.key.split(":")[2]
        await insight.inbox.change(group, "acme", Change(state=state), by="ann", now_ns=clock.ns)
    second = await look("errors")

    assert (len(first.found), len(first.holding), second.found, second.holding) == (2, 2, (), frozenset())

    await write([row(clock.ns - 10**9, status="failed", code="other")])
    third = await look("errors")
    clock.ns += 8 * DAY_NS
    last = await look("errors")

    assert (len(third.holding), last.holding) == (1, frozenset())


async def test_nothing_is_found_where_nothing_is(look):
    for name in ("budgets", "anomalies", "errors", "judging"):
        assert (await look(name)).found == ()


async def test_a_judge_whose_budget_is_used_up_is_told_for_the_day(look, rules, clock):
    await rules.ledgers.put(Ledger(key=RULE.key, capped=3, capped_ns=clock.ns))
    (today,) = (await look("judging")).found
    clock.ns += DAY_NS
    tomorrow = await look("judging")

    assert (today.app, today.kind, today.ends_ns) == ("shop", "judging", clock.ns // DAY_NS * DAY_NS)
    assert "2.5 USD" in today.title
    assert tomorrow.found == ()


async def test_a_judge_that_fails_on_end_is_told_until_it_judges_again(look, rules, clock):
    for failing in (4, 5, 9):
        await rules.ledgers.put(Ledger(key=RULE.key, failing=failing, failing_ns=7))
        fault = Fault(
            id=str(failing), rule=RULE.key, tenant="default", trace=f"t{failing}", at_ns=failing, code="c", message="m"
        )
        await rules.faults.put(fault)
        found = (await look("judging")).found
        assert [one.key for one in found] == ([] if failing < 5 else [f"judging:failing:{RULE.key}:7"])
    assert (found[0].examples, found[0].facts["code"]) == (("t9", "t5", "t4"), "c")

    await rules.ledgers.put(Ledger(key=RULE.key, failing=0, failing_ns=7))
    assert (await look("judging")).found == ()


async def test_a_model_whose_answers_changed_is_found_once_and_one_that_is_as_before_is_not(canaries, look, clock):
    clock.ns = moment("2026-11-10")
    for number, changed in enumerate((False, True, False)):
        await canaries.readings.put(
            Reading(
                id=f"r{number}",
                app="shop",
                canary="hay",
                deployment="main",
                model="grass-1",
                prompts="p",
                answers=(),
                at_ns=clock.ns - number * HOUR_NS,
                changed=changed,
                p=0.0002 if changed else 0.4,
                why="the answers differ in words" if changed else "",
            )
        )

    (found,) = (await look("models")).found

    assert found.title == "The model grass-1 at main answers otherwise than it did: the answers differ in words"
    assert found.facts == {"canary": "hay", "deployment": "main", "model": "grass-1", "p": "0.0002"}
    assert found.ends_ns == found.at_ns + 7 * DAY_NS


async def test_a_suite_that_fails_is_one_finding_however_often_and_none_where_nobody_wants_to_know(look, suites):
    first = Streak(app="shop", suite="dated", failing_ns=5, failed=1, why="fresh >= 0.9: missed", run="r1", at_ns=5)
    table = EvaluateTable(cases="dated.jsonl")

    suites.known = [(first, table)]
    (once,) = (await look("suites")).found
    suites.known = [(first.but(failed=3, run="r3", at_ns=9), table)]
    (again,) = (await look("suites")).found
    suites.known = [(first, table.but(alert="off"))]
    silent = await look("suites")

    assert once.key == again.key
    assert once.title == "The suite dated was not passed the last time: fresh >= 0.9: missed"
    assert again.title == "The suite dated was not passed 3 times on end: fresh >= 0.9: missed"
    assert again.facts == {"suite": "dated", "run": "r3"}
    assert (silent.found, silent.holding) == ((), frozenset())


async def test_a_suite_pages_where_its_table_says_so(look, suites):
    failing = Streak(app="shop", suite="dated", failing_ns=5, failed=1, why="missed", at_ns=5)

    suites.known = [(failing, EvaluateTable(cases="dated.jsonl", alert="page"))]

    assert [one.severity for one in (await look("suites")).found] == ["critical"]


async def test_a_source_that_cannot_be_read_is_one_finding_until_it_was_read_again(look, sources):
    state = SourceState(
        app="shop", collection="handbook", source="docs/*", synced_ns=moment("2026-10-01"), code="source_unreadable",
        message="there is no such folder",
    )  # fmt: skip

    sources.known = [Behind(state=state, since_ns=moment("2026-10-01T02:00"))]
    (first,) = (await look("sources")).found
    sources.known = [Behind(state=state.but(looked_ns=9), since_ns=moment("2026-10-01T02:00"))]
    (later,) = (await look("sources")).found
    sources.known = []
    over = await look("sources")

    assert first == later
    assert first.title == (
        "The source docs/* of handbook was not read whole since 2026-10-01 00:00 UTC: there is no such folder"
    )
    assert first.facts["code"] == "source_unreadable"
    assert (over.found, over.holding) == ((), frozenset())


def test_a_source_is_behind_once_the_time_that_it_may_be_is_over():
    well = SourceState(app="shop", collection="handbook", source="docs/*", synced_ns=100, looked_ns=100)

    assert behind(well, 1e-6, 1_100) is None
    assert behind(well, 1e-6, 1_101) == Behind(state=well, since_ns=1_100)
    assert behind(well.but(synced_ns=0), 1e-6, 1_101) == Behind(state=well.but(synced_ns=0), since_ns=1_100)
