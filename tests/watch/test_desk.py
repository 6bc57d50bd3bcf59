from decimal import Decimal

import pytest

from rowen.store.base import Cell
from rowen.values import Mistaken
from rowen.watch import KpiTable, Objectives, SlaTable, WatchTable
from rowen.watch.base import RemedyTable
from rowen.watch.desk import Desk
from rowen.watch.engine import Watched
from rowen.watch.incident import Incident
from rowen.watch.report import take

from .conftest import DAY, HOUR, JUNE, MINUTE, cell

UP = WatchTable(sli="availability", target=0.99, window="month", goal="reliability", about="Calls end well.")


def desk_of(store, clock, sla=None, kpi=None, **watch) -> Desk:
    app = Watched(objectives=Objectives(app="shop", watch=watch, sla=sla or {}, kpi=kpi or {}))
    return Desk(store, lambda: [app], clock)


async def put(store, *cells: Cell) -> None:
    for each in cells:
        await store.measures.add(each)


async def test_an_objective_stands_and_its_budget_burns_down(store, clock):
    clock.move(10 * 86_400)
    desk = desk_of(store, clock, up=UP)
    await put(store, *(cell(JUNE + day * DAY, 999 if day != 4 else 995, 1000, objective="slo/up") for day in range(10)))

    found = await desk.burned(desk.app("shop"), "up", points=30)

    assert (found.row.standing.state, found.row.standing.total) == ("ok", 10_000)
    assert found.row.standing.remaining == pytest.approx(1 - 14 / 100)
    assert found.points[0] == (JUNE, 1.0)
    assert found.points[-1][1] == pytest.approx(0.86)
    assert all(at_ns <= clock.ns for at_ns, _ in found.points)


async def test_what_is_not_promised_is_not_found(store, clock):
    desk = desk_of(store, clock, up=UP)

    with pytest.raises(Mistaken) as unknown:
        await desk.row(desk.app("shop"), "down")
    with pytest.raises(Mistaken) as elsewhere:
        desk.app("other")

    assert (unknown.value.code, elsewhere.value.code) == ("not_found", "app_unknown")


async def test_a_goal_without_an_objective_is_a_gap(store, clock):
    await put(store, cell(JUNE, 1, 100, objective="slo/up"))
    clock.move(60)

    cards = {
        card.goal: card for card in await desk_of(store, clock, up=UP).scorecard(desk_of(store, clock, up=UP).app(""))
    }

    assert {goal for goal, card in cards.items() if card.gap} == {"safety", "security", "scalability", "robustness"}
    assert (cards["reliability"].objectives, cards["reliability"].missed) == (("up",), ("up",))


async def test_an_exhausted_budget_freezes_releases_and_says_why(store, clock):
    clock.move(86_400)
    tables = {"up": UP, "free": UP.but(freeze=False), "few": UP.but(minimum=10**6)}
    desk = desk_of(store, clock, **tables)
    before = await desk.freeze(desk.app("shop"))
    await put(store, *(cell(JUNE, 980, 1000, objective=f"slo/{name}") for name in tables))

    after = await desk.freeze(desk.app("shop"))

    assert (before.frozen, before.reasons) == (False, ())
    assert after.frozen
    (reason,) = after.reasons
    assert reason.startswith("up: the error budget is used up (20 bad of 1000, allowed 10")


async def test_the_status_page_tells_how_things_are_and_no_more(store, clock):
    clock.move(86_400)
    desk = desk_of(store, clock, up=UP, hidden=UP.but(status=False))
    app = desk.app("")

    unknown = await desk.status(app)
    await put(store, cell(JUNE, 1000, 1000, objective="slo/up"))
    well = await desk.status(app)
    await Incident.shelf(store.records).put(Incident(id="i", app="shop", title="Slow answers", began_ns=clock.ns))
    degraded = await desk.status(app)
    await Incident.shelf(store.records).put(
        Incident(id="j", app="shop", title="Nothing works", outage=True, began_ns=clock.ns)
    )
    outage = await desk.status(app)

    assert [each.state for each in (unknown, well, degraded, outage)] == ["unknown", "ok", "degraded", "outage"]
    assert [line.name for line in outage.objectives] == ["up"]
    assert set(outage.incidents) == {"Slow answers", "Nothing works"}


async def test_an_agreement_is_settled_over_the_month_before_for_the_customers_own_calls(store, clock):
    clock.move(35 * 86_400)  # July
    sla = SlaTable(
        customer="Acme",
        owner="ann@example.org",
        tenant="acme",
        slo="up",
        target=">= 99.9%",
        window="month",
        remedy=(RemedyTable(below="99.9%", credit="10%"),),
    )
    desk = desk_of(store, clock, sla={"acme": sla}, up=UP)
    await put(
        store,
        cell(JUNE, 998, 1000, objective="sla/acme", tenant="acme"),
        cell(JUNE, 50_000, 50_000, objective="sla/acme", tenant="globex"),
    )
    app = desk.app("")

    (found,) = await desk.settlements(app, before=True, bill=Decimal(200))
    (own,) = await desk.settlements(app, before=True, tenant="acme")

    assert (found.percent, found.missed, found.amount) == ("99.8%", True, Decimal("20.0"))
    assert own.percent == "99.8%"
    assert await desk.settlements(app, before=True, tenant="globex") == []


async def test_reported_figures_are_judged_by_each_objective_that_counts_them(store, clock):
    desk = desk_of(
        store,
        clock,
        page=WatchTable(sli="latency", latency="page_load", measure="page", within=3.0, target=">= 95%"),
        cpu=WatchTable(sli="reported", measure="cpu", aggregate="value", target="< 80%"),
    )
    app = desk.app("")

    counting = await take(store.measures, app, "page", [1.0, 2.0, 4.0], at_ns=clock.ns, tenant="default")
    await take(store.measures, app, "cpu", [0.7], at_ns=clock.ns, tenant="default")
    await take(store.measures, app, "cpu", [0.9], at_ns=clock.ns + HOUR, tenant="default")
    clock.move(2 * 3600)

    rows = {row.name: row.standing for row in await desk.rows(app)}
    assert counting == 1
    assert (rows["page"].good, rows["page"].total) == (2, 3)
    assert (rows["cpu"].figure, rows["cpu"].state) == (0.9, "breached")


@pytest.mark.parametrize("window", ["30d", "month", "year"])
async def test_summed_reading_gives_what_reading_by_the_minute_gives(store, clock, window):
    table = UP.but(window=window)
    desk = desk_of(store, clock, up=table)
    await put(store, *(cell(JUNE + n * 777 * MINUTE, n % 7, 9, objective="slo/up") for n in range(60)))
    clock.move(29.5 * 86_400)

    found = (await desk.row(desk.app(""), "up")).standing

    ends = {"30d": clock.ns, "month": JUNE + 30 * DAY, "year": JUNE + 200 * DAY}[window]
    counted = [n for n in range(60) if JUNE + n * 777 * MINUTE < ends]
    assert (found.good, found.total) == (sum(n % 7 for n in counted), 9 * len(counted))


async def test_three_indicators_are_there_without_being_asked_for(store, clock):
    desk = desk_of(store, clock, kpi={"happy": KpiTable(query="csat")}, up=UP)

    tiles = await desk.tiles(desk.app(""))

    assert [(each.name, each.group, each.linked) for each in tiles] == [
        ("happy", "", False),
        ("data_quality", "data quality", False),
        ("evaluation_coverage", "evaluation coverage", False),
        ("cost_per_call", "cost per unit of work", False),
    ]
