"""A whole server: calls come in by the door, the budget burns, a webhook on loopback is told, the incident names the release."""

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from rowen.access import SYSTEM, Wanted
from rowen.serve.server import Server
from rowen.serve.settings import ServerSettings
from rowen.testing.clock import FakeClock
from rowen.values import Score

START = 1_790_000_000_000_000_000 // 60_000_000_000 * 60_000_000_000

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


@asynccontextmanager
async def webhook():
    got: list[dict] = []

    async def serve(reader, writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        got.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 204 X\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", got


class Deployment:
    """A server over a fake clock, with a client that comes in by its doors."""

    def __init__(self, server: Server, clock: FakeClock, client: httpx2.AsyncClient) -> None:
        self.server, self.clock, self.client = server, clock, client

    async def call(self, number: int = 1) -> list[int]:
        body = {"model": "main", "messages": [{"role": "user", "content": "hello"}]}
        return [(await self.client.post("/v1/chat/completions", json=body)).status_code for _ in range(number)]

    async def minute(self) -> None:
        await self.server.opened.traces_written()
        self.clock.move(60)
        await self.server.opened.watching.engine.tick()

    async def get(self, path: str):
        return (await self.client.get(path)).json()


@asynccontextmanager
async def deployed(folder: Path, clock: FakeClock):
    server = Server(ServerSettings(store=f"sqlite:{folder}/data"), [folder / "app.toml"], clock=clock)
    await server.open()
    try:
        register = server.opened.register
        await register.people.ensure_tenant(SYSTEM, "default")
        made = await register.create(SYSTEM, Wanted(name="t", scopes=("call", "admin")))
        headers = {"authorization": f"Bearer {made.secret.reveal()}"}
        transport = httpx2.ASGITransport(app=server, client=("127.0.0.1", 5))
        async with httpx2.AsyncClient(transport=transport, base_url="http://rowen", headers=headers) as client:
            yield Deployment(server, clock, client)
    finally:
        await server.close()


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
