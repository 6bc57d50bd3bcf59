"""A year of minutes, replayed: what each month came to, and when somebody would have been woken."""

import random
from decimal import Decimal

import pytest

from rowen.store.catalog import open_store
from rowen.watch import Objectives, SlaTable, WatchTable
from rowen.watch.base import RemedyTable
from rowen.watch.budget import standing
from rowen.watch.burn import Tail, burning
from rowen.watch.desk import Desk
from rowen.watch.engine import Watched
from rowen.watch.sla import settle
from rowen.watch.window import window

from .conftest import DAY, HOUR, MINUTE, cell, ns

YEAR = ns(2026, 1, 1)
MONTHS = [ns(2026, month, 1) for month in range(1, 13)]
UP = WatchTable(sli="uptime", target=">= 99.9%", window="month")
DOWN = {2: 39, 3: 44, 6: 43, 7: 44, 11: 0, 12: 120}
"""Minutes of downtime, from noon of the third day of the month on; in February 40 are allowed, in June 43."""


@pytest.fixture(scope="module")
def year():
    """One probe a minute for a whole year."""
    off = {ns(2026, month, 3, 12) + minute * MINUTE for month, minutes in DOWN.items() for minute in range(minutes)}
    return [cell(at_ns, int(at_ns not in off), 1, objective="slo/up") for at_ns in range(YEAR, ns(2027, 1, 1), MINUTE)]


def test_each_month_is_judged_by_its_own_length(year):
    states = {}
    for month, begins in enumerate(MONTHS, 1):
        first = (begins - YEAR) // MINUTE
        ends = window("month").span(begins)[1]
        found = standing(UP, year[first : first + (ends - begins) // MINUTE], (begins, ends))
        states[month] = (found.total // 1440, found.state)

    assert [days for days, _ in states.values()] == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    # 31 days allow 44.64 minutes, 30 days 43.2, 28 days 40.32
    assert [month for month, (_, state) in states.items() if state == "breached"] == [12]
    assert states[6] == (30, "ok")


def test_the_year_as_a_whole_gives_back_what_was_agreed(year):
    sla = SlaTable(
        customer="Acme",
        owner="ann@example.org",
        sli="uptime",
        target=">= 99.95%",
        window="year",
        remedy=(RemedyTable(below="99.95%", credit="10%"),),
    )
    bad = sum(DOWN.values())

    found = settle("acme", sla, year, window("year").span(YEAR), bill=Decimal(12_000))

    assert found.standing.total - found.standing.good == bad == 290
    assert (found.percent, found.missed) == ("99.944825%", True)
    assert found.amount == 1200


def test_every_outage_of_the_year_woke_somebody_within_its_first_quarter_hour(year):
    first_pages = {}
    for month, minutes in DOWN.items():
        begins = ns(2026, month, 3, 12)
        start = (begins - YEAR) // MINUTE
        for minute in range(1, minutes + 1):
            tail = Tail(year[start - 360 : start + minute])
            if any(each.rule.severity == "page" for each in burning(UP, tail, begins + minute * MINUTE)):
                first_pages[month] = minute
                break

    # 2 % of a month's 43.2 minutes are 0.864: the second minute without an answer is one too many in an hour.
    assert set(first_pages) == {month for month, minutes in DOWN.items() if minutes}
    assert max(first_pages.values()) <= 2


async def test_a_year_in_the_store_is_read_back_as_it_was(tmp_path, clock):
    store = await open_store(f"sqlite:{tmp_path}/data", clock=clock)
    rand = random.Random(1)
    cells = [cell(YEAR + n * HOUR, bad := rand.randint(0, 9), bad + 90, objective="slo/up") for n in range(8_760)]
    await store.measures.replace("shop", ["slo/up"], since_ns=YEAR, until_ns=ns(2027, 1, 1), cells=cells)
    clock.ns = ns(2026, 12, 31)
    table = WatchTable(sli="availability", target=0.5, window="year")
    app = Watched(objectives=Objectives(app="shop", watch={"up": table}))

    found = (await Desk(store, lambda: [app], clock).row(app, "up")).standing

    assert (found.good, found.total) == (sum(each.good for each in cells), sum(each.total for each in cells))
    assert found.ends_ns - found.begins_ns == 365 * DAY
    await store.close()
