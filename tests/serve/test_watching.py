"""A whole server: calls come in by the door, the budget burns, a webhook on loopback is told, the incident names the release."""

from pathlib import Path

import pytest

from rowen.testing.clock import FakeClock
from rowen.values import Score

from .deployment import START, deployed, webhook

APP = """
[models.main]
provider = "echo"
{broken}
[watch.up]
about = "Calls end well."
sli = "availability"
target = 0.99
goal = "reliability"
runbook = "runbooks/provider.md"

[watch.helpful]
sli = "score"
score = "helpful"
target = 0.9
goal = "robustness"

[alerts.team]
kind = "webhook"
address = "{hook}"
severities = ["page"]
"""
BROKEN = 'retries = 0\noptions = { fail = "upstream_error" }\n'


def write_app(folder: Path, hook: str, broken: str = "") -> None:
    (folder / "app.toml").write_text(APP.format(hook=hook, broken=broken))


async def test_a_bad_release_burns_the_budget_wakes_the_team_and_is_named(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    clock = FakeClock(START)
    async with webhook() as (hook, got):
        write_app(folder, hook)
        async with deployed(folder, clock) as shop:
            for _ in range(20):
                assert set(await shop.call(3)) == {200}
                await shop.minute()
            good = shop.server.opened.served.named("").definition.hash
            write_app(folder, hook, BROKEN)
            await shop.server.opened.served.load(folder / "app.toml")
            bad = shop.server.opened.served.named("").definition.hash
            for _ in range(10):
                assert min(await shop.call(3)) >= 500
                await shop.minute()
            told = list(got)

            (incident,) = (await shop.get("/api/incidents"))["data"]
            (row,) = [each for each in (await shop.get("/api/objectives"))["data"] if each["name"] == "up"]
            (status,) = (await shop.get("/api/status"))["data"]
            freeze = (await shop.get("/api/objectives/freeze"))["data"]
            metrics = (await shop.client.get("/metrics")).text
        async with deployed(folder, clock) as again:
            await again.minute()
            after_restart = list(got)

    assert good != bad
    assert [(each["status"], each["alerts"][0]["objective"]) for each in told] == [("firing", "up")]
    assert incident["suspect"]["definition"] == bad
    assert "min before the first bad event" in incident["suspect"]["why"]
    assert incident["runbook"] == "runbooks/provider.md"
    assert told[0]["incident"] == incident["id"]
    assert (row["standing"]["state"], row["alerts"]) == ("breached", ["page", "ticket"])
    assert status["state"] == "outage"
    assert freeze["frozen"]
    assert 'rowen_sli_bad_total{app="shop",slo="up"} 30' in metrics
    assert after_restart == told  # a restart wakes nobody twice


async def test_an_objective_over_judged_scores_burns_too(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    clock = FakeClock(START)
    async with webhook() as (hook, got):
        write_app(folder, hook)
        async with deployed(folder, clock) as shop:
            await shop.minute()
            scores = [
                Score(
                    id=f"s{n}",
                    app="shop",
                    trace=f"{n:032x}",
                    name="helpful",
                    value=False,
                    number=0.0,
                    source="model",
                    judged_ns=clock.ns,
                    created_ns=clock.ns,
                )
                for n in range(60)
            ]
            await shop.server.opened.store.scores.put(scores)
            await shop.minute()
            alerts = (await shop.get("/api/alerts"))["data"]

    assert {(each["objective"], each["severity"]) for each in alerts} >= {("helpful", "ticket")}
    assert all(each["app"] == "shop" for each in got)


@pytest.mark.parametrize(
    "path", ["/api/objectives", "/api/status", "/api/agreements", "/api/indicators", "/api/oncall"]
)
async def test_an_app_that_promises_little_shows_little(tmp_path, path):
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "app.toml").write_text('[models.main]\nprovider = "echo"\n')
    async with deployed(folder, FakeClock(START)) as plain:
        answer = await plain.client.get(path)

    assert answer.status_code == 200


async def test_a_provider_that_dies_is_seen_to_be_ill_before_ten_seconds_are_over(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "app.toml").write_text(
        '[models.main]\nprovider = "openai"\nmodel = "m"\nretries = 0\nbase_url = "{address}"\nkey = {{ file = "key" }}\n'.format(
            address="http://127.0.0.1:9/v1"
        )
    )
    (folder / "key").write_text("k")
    clock = FakeClock(START)
    async with deployed(folder, clock) as shop:
        before = (await shop.get("/api/models"))["data"]
        for _ in range(9):
            await shop.call()
            clock.move(1)
        after = (await shop.get("/api/models"))["data"]

    assert [each["healthy"] for each in before] == [True]
    assert [(each["healthy"], each["state"]) for each in after] == [(False, "open")]
