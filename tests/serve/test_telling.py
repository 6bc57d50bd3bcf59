"""A whole server: what is found of costs and errors reaches a webhook on loopback, once, and is over when it is over."""

import random
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest

from rowen.testing.clock import FakeClock
from rowen.values import Trace, TraceRow, new_id

from .deployment import START, deployed, webhook

HOUR = 3_600_000_000_000
OCTOBER = 1_790_812_800_000_000_000

APP = """
[models.main]
provider = "echo"
options = { say = "yes" }
price = { input = "0", output = "300000" }

[models.broken]
provider = "echo"
retries = 0
options = { fail = "upstream_error" }

[alerts.team]
kind = "webhook"
address = "HOOK"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


@pytest.fixture
async def got(folder):
    async with AsyncExitStack() as stack:
        hook, bodies = await stack.enter_async_context(webhook())
        (folder / "app.toml").write_text(APP.replace("HOOK", hook))
        yield bodies


def told(bodies) -> list[tuple[str, str]]:
    """What was told: of which kind of finding, and whether it began or is over."""
    return [(one["finding"], body["status"]) for body in bodies for one in body["alerts"]]


async def test_each_share_of_a_budget_is_told_once_also_after_a_restart_and_over_with_the_month(folder, got):
    clock = FakeClock(START)
    async with deployed(folder, clock) as shop:
        await shop.post("/api/costs/budgets", {"amount": "1", "name": "the shop", "forecast": False})
        await shop.minutes(10)
        nothing = list(got)
        await shop.call(2)
        await shop.minutes(20)
        half = list(got)
        await shop.call(2)
        await shop.minutes(20)
        whole = list(got)
        incidents = (await shop.get("/api/incidents"))["data"]
        status = (await shop.get("/api/status"))["data"]
    async with deployed(folder, clock) as again:
        await again.call(1)
        await again.minutes(20)
        after_restart = list(got)
        clock.ns = OCTOBER + HOUR
        await again.minutes(10)
        over = got[len(after_restart) :]
        await again.minutes(60)
        (closed,) = (await again.get("/api/incidents"))["data"]

    assert (nothing, told(half), told(whole)) == ([], [("budget", "firing")], [("budget", "firing")] * 2)
    assert after_restart == whole
    assert sorted((body["what"], body["alerts"][0]["severity"]) for body in over) == [
        ("resolved", "page"),
        ("resolved", "ticket"),
    ]
    assert len(got) == 4
    assert [body["alerts"][0]["severity"] for body in whole] == ["ticket", "page"]
    assert whole[0]["alerts"][0]["said"] == "the shop has spent 60% of 1 USD a month"
    assert Decimal(whole[1]["alerts"][0]["facts"]["spent"]) == Decimal("1.2")
    assert (whole[1]["title"], whole[0]["incident"]) == ("[rowen] tenant default: budget (page)", "")
    assert [(one["id"], one["kind"], one.get("ended_ns")) for one in incidents] == [
        (whole[1]["incident"], "budget", None)
    ]
    assert status[0]["state"] == "unknown"  # nobody's status page tells what somebody spends
    assert closed["state"] == "resolved"


def usual(hours: int) -> list[Trace]:
    """Calls of the past weeks, of about a dollar an hour with the pattern of a day."""
    rand = random.Random(3)
    first = START // HOUR * HOUR - hours * HOUR
    return [
        Trace(
            row=TraceRow(
                id=new_id(first + hour * HOUR + 60 * 10**9, rand.randbytes),
                started_ns=first + hour * HOUR + 60 * 10**9,
                duration_ns=10**9,
                app="shop",
                definition="d",
                tenant="default",
                model="main",
                feature="chat",
                cost=Decimal(f"{(1 + hour % 24 / 24) * rand.lognormvariate(0, 0.1):.6f}"),
            )
        )
        for hour in range(hours)
    ]


async def test_an_odd_hour_is_told_with_its_dearest_calls_and_over_when_the_next_is_usual(folder, got):
    clock = FakeClock(START // HOUR * HOUR)
    async with deployed(folder, clock) as shop:
        traces = shop.server.opened.store.traces
        await traces.write(usual(28 * 24))
        await shop.minutes(5)
        quiet = list(got)
        dear = [
            one.but(
                row=one.row.but(id=f"{number:032x}", started_ns=clock.ns, feature="import", cost=Decimal(20 + number))
            )
            for number, one in enumerate(usual(3), 1)
        ]
        await traces.write(dear)
        await shop.minutes(70)
        (odd,) = got
        await traces.write([one.but(row=one.row.but(id=f"{9:032x}", started_ns=clock.ns)) for one in usual(1)])
        await shop.minutes(120)

    assert quiet == []
    assert told(got) == [("anomaly", "firing"), ("anomaly", "resolved")]
    (alert,) = odd["alerts"]
    assert alert["examples"][:3] == [f"{number:032x}" for number in (3, 2, 1)]
    assert alert["facts"]["feature"].startswith("import +66.00")
    assert alert["tenant"] == "default"
    assert f"traces {3:032x}" in odd["text"]
    assert odd["incident"] == ""


async def test_a_new_error_is_told_once_over_when_it_is_solved_and_told_again_when_it_comes_back(folder, got):
    clock = FakeClock(START)
    async with deployed(folder, clock) as shop:
        await shop.call(3, "broken")
        await shop.minutes(10)
        await shop.call(3, "broken")
        await shop.minutes(10)
        first = list(got)
        (group,) = (await shop.get("/api/errors"))["data"]
        await shop.client.patch(f"/api/errors/{group['id']}", json={"state": "solved"})
        await shop.minutes(10)
        solved = list(got)
        await shop.call(1, "broken")
        await shop.minutes(10)
        back = list(got)

    assert told(first) == [("errors", "firing")]
    assert len(first[0]["alerts"][0]["examples"]) == 3
    assert (first[0]["alerts"][0]["app"], first[0]["title"]) == ("shop", "[rowen] shop: errors (ticket)")
    assert told(solved) == [("errors", "firing"), ("errors", "resolved")]
    assert told(back) == [("errors", "firing"), ("errors", "resolved"), ("errors", "firing")]
    assert back[2]["alerts"][0]["said"].startswith("A solved error came back")


@pytest.mark.parametrize("silence", [{}, {"finding": "budget"}, {"severity": "ticket"}])
async def test_what_is_silenced_is_told_to_nobody(folder, got, silence):
    clock = FakeClock(START)
    async with deployed(folder, clock) as shop:
        await shop.post("/api/silences", {"why": "planned", "minutes": 100, **silence})
        await shop.post("/api/costs/budgets", {"amount": "1"})
        await shop.call(2)
        await shop.minutes(20)
        alerts = (await shop.get("/api/alerts"))["data"]

    assert got == []
    assert [(one["kind"], one.get("resolved_ns"), one.get("told")) for one in alerts] == [("budget", None, None)]


async def test_a_silence_of_something_else_hides_nothing(folder, got):
    clock = FakeClock(START)
    async with deployed(folder, clock) as shop:
        await shop.post("/api/silences", {"why": "planned", "minutes": 100, "finding": "anomaly"})
        await shop.post("/api/silences", {"why": "planned", "minutes": 100, "objective": "budget"})
        await shop.post("/api/costs/budgets", {"amount": "1"})
        await shop.call(2)
        await shop.minutes(20)

    assert told(got) == [("budget", "firing")]


async def test_a_budget_that_is_raised_is_over_at_once(folder, got):
    clock = FakeClock(START)
    async with deployed(folder, clock) as shop:
        budget = await shop.post("/api/costs/budgets", {"amount": "1"})
        await shop.call(4)
        await shop.minutes(10)
        await shop.client.delete(f"/api/costs/budgets/{budget['id']}")
        await shop.minutes(10)

    assert told(got) == [("budget", "firing"), ("budget", "resolved")]


async def test_the_digest_of_the_night_reaches_its_contact_once_also_over_a_restart(folder, got):
    (folder / "app.toml").write_text((folder / "app.toml").read_text() + '\n[digest]\nat = "14:20"\nhours = 12\n')
    clock = FakeClock(START)  # 14:13, so that the digest of the day before would be late by more than half a day

    async with deployed(folder, clock) as shop:
        await shop.call(3, "broken")
        await shop.minutes(3)
        await shop.server.opened.worked()
        await shop.minutes(1)
        before = [body["title"] for body in got if body["what"] == "digest"]
        await shop.minutes(5)
        await shop.server.opened.worked()
        await shop.minutes(1)
    async with deployed(folder, clock) as again:
        await again.minutes(5)
        await again.server.opened.worked()
        await again.minutes(1)

    (told,) = [body for body in got if body["what"] == "digest"]
    assert before == []
    assert (told["title"], told["status"], told["alerts"]) == ("[rowen] shop: what happened overnight", "digest", [])
    assert "2026-09-21 02:20 to 2026-09-21 14:20 UTC" in told["text"]
    assert ": 3 times, not seen in the week before" in told["text"]
