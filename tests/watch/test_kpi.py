import random
from decimal import Decimal

import pytest

from rowen.watch import KpiTable, Objectives, WatchTable
from rowen.watch.incident import Drill, Incident
from rowen.watch.kpi import Ask, figure, tile

from .conftest import DAY, HOUR, JUNE, score, trace

WEEK = Ask(app="shop", since_ns=JUNE, until_ns=JUNE + 7 * DAY)


async def asked(store, query: str, ask: Ask = WEEK):
    return await figure(store, query, ask)


async def test_churn_is_the_share_of_last_weeks_users_who_did_not_come_back(store):
    last, this = JUNE - 3 * DAY, JUNE + 3 * DAY
    await store.traces.write(
        [trace(n, last, user=user) for n, user in enumerate(("ann", "bo", "cy", "di"))]
        + [trace(10 + n, this, user=user) for n, user in enumerate(("ann", "eve", "ann", ""))]
    )

    found = await asked(store, "churn")

    assert (found.estimate.value, found.estimate.n) == (0.75, 4)
    assert found.parts == {"active": 2, "returning": 1, "new": 1, "churned": 3}


async def test_who_does_not_wait_is_counted_by_how_long_they_waited(store):
    traces = [
        trace(n, JUNE + n, duration_ns=seconds * 10**9, status="cancelled" if gone else "ok")
        for n, (seconds, gone) in enumerate([(0.5, 0), (0.5, 0), (2, 0), (2, 1), (5, 1), (5, 1), (5, 0), (20, 1)])
    ]
    await store.traces.write([each.but(row=each.row.but(duration_ns=int(each.row.duration_ns))) for each in traces])

    found = await asked(store, "abandonment")

    assert found.estimate.value == 0.5
    assert found.parts == {"0-1s": 0, "1-3s": 0.5, "3-10s": pytest.approx(2 / 3), "10-infs": 1}


async def test_response_time_has_the_first_token_beside_it(store):
    await store.traces.write(
        [
            trace(1, JUNE, duration_ns=2 * 10**9, first_ns=10**9),
            trace(2, JUNE, duration_ns=4 * 10**9, first_ns=None),
            trace(3, JUNE, duration_ns=99 * 10**9, status="failed"),
        ]
    )

    found = await asked(store, "response_time")

    assert (found.estimate.value, found.estimate.n, found.parts) == (3.0, 2, {"first_token": 1.0})


async def test_satisfaction_inside_of_outages_and_outside(store):
    await Incident.shelf(store.records).put(
        Incident(id="i", app="shop", title="Down", outage=True, began_ns=JUNE, ended_ns=JUNE + HOUR)
    )
    await store.scores.put(
        [score(n, JUNE + n * 10**9, "csat", 1 if n < 3 else 5) for n in range(4)]
        + [score(10 + n, JUNE + 2 * HOUR, "csat", 5 if n else 2) for n in range(10)]
    )

    found = await asked(store, "csat_by_outage")

    assert found.parts == {"inside": 0.25, "outside": 0.9, "n_inside": 4, "n_outside": 10}


async def test_a_promoter_score_tells_its_parts(store):
    await store.scores.put([score(n, JUNE, "nps", value) for n, value in enumerate((10, 9, 8, 3))])

    found = await asked(store, "nps")

    assert found.estimate.value == pytest.approx(25)
    assert found.parts == {"promoters": 2, "detractors": 1, "mean_0_10": 7.5}


async def test_cost_per_call_leaves_out_what_has_no_price(store):
    await store.traces.write(
        [trace(1, JUNE, cost=Decimal("0.02")), trace(2, JUNE, cost=Decimal("0.04")), trace(3, JUNE, cost=None)]
    )

    found = await asked(store, "cost_per_call")

    assert found.estimate.value == pytest.approx(0.03)
    assert (await asked(store, "cost_per_call", WEEK.but(since_ns=0, until_ns=DAY))).estimate is None


async def test_data_quality_and_coverage_say_what_is_missing(store):
    await store.traces.write([trace(n, JUNE, cost=Decimal(0), user="" if n == 1 else "ann") for n in range(1, 5)])
    await store.scores.put([score(1, JUNE, "grounded", 0.5), score(1, JUNE, "helpful", 0.5)])

    quality, coverage = await asked(store, "data_quality"), await asked(store, "evaluation_coverage")

    assert (quality.estimate.value, quality.parts["without_user"]) == (0.75, 1)
    assert (coverage.estimate.value, coverage.parts["judged"]) == (0.25, 1)


async def test_error_rate_and_recovery(store):
    await store.traces.write([trace(n, JUNE, status="failed" if n < 2 else "ok") for n in range(10)])
    drills = [
        Drill(id=f"d{n}", app="shop", at_ns=JUNE + n, what="gateway killed", seconds=seconds)
        for n, seconds in enumerate((12.5, 1900.0))
    ]
    for drill in drills:
        await Drill.shelf(store.records).put(drill)

    assert (await asked(store, "error_rate")).estimate.value == 0.2
    assert (await asked(store, "recovery_time")).parts == {"worst": 1900}
    assert [drill.met for drill in drills] == [True, False]


async def test_a_known_correlation_is_measured_and_an_unlinked_indicator_is_marked(store):
    rand = random.Random(3)
    scores = []
    for n in range(400):
        judge = rand.gauss(0, 1)
        people = 0.6 * judge + 0.8 * rand.gauss(0, 1)
        scores += [score(n, JUNE + n, "grounded", judge), score(n, JUNE + n, "csat", people)]
    await store.scores.put(scores)
    objectives = Objectives(app="shop", watch={"grounded": WatchTable(sli="grounded", target=0.9)})

    linked = await tile(store, objectives, "happy", KpiTable(query="csat", slo=("grounded",)), WEEK)
    alone = await tile(store, objectives, "happy", KpiTable(query="csat"), WEEK)

    assert (linked.score, linked.pairs, linked.correlation.n) == ("grounded", "trace", 400)
    assert linked.correlation.low < 0.6 < linked.correlation.high
    assert linked.correlation.value == pytest.approx(0.6, abs=0.1)
    assert linked.ranks.value == pytest.approx(0.58, abs=0.1)
    assert (alone.linked, alone.correlation) == (False, None)


async def test_a_target_is_held_and_the_window_before_is_shown(store):
    await store.scores.put([score(1, JUNE, "csat", 5), score(2, JUNE - DAY, "csat", 1)])

    found = await tile(store, Objectives(app="shop"), "happy", KpiTable(query="csat", target=">= 90%"), WEEK)

    assert (found.met, found.figure.estimate.value, found.before.estimate.value) == (True, 1.0, 0.0)


async def test_a_query_that_nobody_knows_is_said(store):
    assert "there is no query" in (await asked(store, "vibes")).note


async def test_another_tenants_figures_are_not_in_it(store):
    await store.traces.write([trace(1, JUNE, tenant="acme"), trace(2, JUNE, tenant="globex", status="failed")])

    assert (await asked(store, "error_rate", WEEK.but(tenant="acme"))).estimate.value == 0


async def test_a_copy_whose_answer_nobody_saw_kept_nobody_waiting(store):
    copy = trace(2, JUNE, door="internal", tags=("shadow",), user="", duration_ns=90 * 10**9, status="cancelled")
    await store.traces.write([trace(1, JUNE, duration_ns=2 * 10**9), copy])

    figures = [await asked(store, query) for query in ("response_time", "abandonment")]

    assert [(each.estimate.value, each.estimate.n) for each in figures] == [(2.0, 1), (0.0, 1)]


async def test_what_rowen_asks_for_its_own_ends_is_in_no_figure_of_what_users_met(store):
    own = {"door": "internal", "user": "", "duration_ns": 90 * 10**9}
    await store.traces.write(
        [
            trace(1, JUNE, duration_ns=2 * 10**9, cost=Decimal(0)),
            trace(2, JUNE, **own, feature="judge:helpful", tags=("judge",)),
            trace(3, JUNE, **own, feature="retrieve", tags=("retrieve",)),
            trace(4, JUNE, **own, feature="judge:helpful", tags=("judge",), status="failed"),
            trace(5, JUNE, **own, feature="judge:helpful", tags=("judge",), status="cancelled"),
            trace(6, JUNE, **own, feature="explain:errors", tags=("explain",), status="failed"),
        ]
    )
    await store.scores.put([score(1, JUNE, "helpful", 1.0)])

    figures = {
        query: await asked(store, query) for query in ("response_time", "abandonment", "data_quality", "error_rate")
    }
    coverage = await asked(store, "evaluation_coverage", WEEK)

    assert {query: each.estimate.value for query, each in figures.items()} == {
        "response_time": 2.0,
        "abandonment": 0.0,
        "data_quality": 1.0,
        "error_rate": 0.0,
    }
    assert (coverage.estimate.value, coverage.estimate.n) == (1.0, 1)
