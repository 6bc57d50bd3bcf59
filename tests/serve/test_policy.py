"""A spent error budget freezes the releases of a served app and closes its gate; a budget that allows it opens both."""

from pathlib import Path

import httpx2
import pytest

from rowen.access import SYSTEM, Wanted
from rowen.config.read import hash_of
from rowen.serve.server import Opened, Server
from rowen.serve.settings import ServerSettings
from rowen.store.base import Cell
from rowen.testing.clock import FakeClock
from rowen.values import Definition

MINUTE = 60_000_000_000
APP = """
[app]
name = "shop"
environment = "staging"
[models.main]
provider = "echo"
[watch.answers]
sli = "reported"
measure = "answered"
target = ">= 90%"
window = "7d"
[release]
strategy = "canary"
gate = ["watch.answers"]
"""


class Shop:
    """A served app with an objective, at a time that stands still."""

    def __init__(self, opened: Opened, server: Server, clock: FakeClock) -> None:
        self.opened, self.server, self.clock = opened, server, clock
        self.desk = opened.office.desk

    async def counted(self, good: int, total: int) -> None:
        """Let so many good ones of all be counted in the last minute."""
        start = self.clock.ns // MINUTE * MINUTE - MINUTE
        cell = Cell(app="shop", objective="slo/answers", tenant="default", start_ns=start, good=good, total=total)
        await self.opened.store.measures.add(cell)

    async def settled(self) -> str:
        """Let a minute go by, and the policy look; return why the app is frozen."""
        self.clock.move(60)
        assert self.opened.watching.after is not None
        await self.opened.watching.after()
        live = await self.desk.live("shop", "staging")
        assert live is not None
        return live.frozen


@pytest.fixture
async def shop(tmp_path: Path):
    (tmp_path / "app.toml").write_text(APP)
    clock = FakeClock()
    server = Server(ServerSettings(store=f"sqlite:{tmp_path}/data"), [tmp_path / "app.toml"], clock=clock)
    opened = await server.open()
    yield Shop(opened, server, clock)
    await server.close()


async def test_a_spent_budget_freezes_and_a_recovered_one_thaws(shop: Shop):
    quiet = await shop.settled()
    await shop.counted(70, 100)
    frozen = await shop.settled()
    await shop.counted(900, 900)
    thawed = await shop.settled()

    assert (quiet, thawed) == ("", "")
    assert "answers: the error budget is used up (30 bad of 100" in frozen
    lines = await shop.desk.log("shop", environment="staging")
    assert [(line.act, line.by) for line in lines[:2]] == [("thaw", "rowen"), ("freeze", "rowen")]


async def test_the_gate_tells_what_is_left_of_the_budget(shop: Shop):
    hash = shop.opened.served.loaded()[0].definition.hash

    async def said() -> tuple[bool, str]:
        found = (await shop.opened.office.ruling("shop", hash, environment="staging")).findings
        (one,) = [each for each in found if each.gate == "watch.answers"]
        return one.passed, one.why

    unknown = await said()
    await shop.counted(95, 100)
    left = await said()
    await shop.counted(0, 20)
    gone = await said()

    assert unknown == (True, "there is too little to weigh yet (0 events)")
    assert left == (True, "50% of the error budget is left (5 bad of 100, target >= 90%)")
    assert gone[0] is False
    assert gone[1].startswith("the error budget is used up (25 bad of 120")


async def test_nothing_is_let_out_over_the_api_while_it_is_frozen_and_only_an_admin_forces_it(shop: Shop):
    register, old = shop.opened.register, shop.opened.served.loaded()[0].definition
    await register.people.ensure_tenant(SYSTEM, "default")
    made = await register.create(SYSTEM, Wanted(name="ci", scopes=("release",)))
    source = {**old.source, "app": {**old.source["app"], "about": "A shop."}}
    new = Definition(app="shop", hash=hash_of(source, {}), source=source)
    await shop.opened.store.definitions.put(new)
    await shop.counted(70, 100)
    await shop.settled()
    headers = {"authorization": f"Bearer {made.secret.reveal()}"}
    transport = httpx2.ASGITransport(app=shop.server, client=("127.0.0.1", 5))

    async with httpx2.AsyncClient(
        transport=transport, base_url="http://rowen/api/releases/shop", headers=headers
    ) as api:
        version = await api.post("/versions", json={"definition": new.hash, "note": "says what it is"})
        body = {"note": "now", "environment": "staging"}
        out = await api.post("/versions/2/release", json=body)
        forced = await api.post("/versions/2/release", json={**body, "force": True})

    assert (version.status_code, version.json()["data"]["number"]) == (201, 2)
    assert (out.status_code, out.json()["error"]["code"]) == (409, "release_refused")
    assert (
        "freeze: the app is frozen in staging: answers: the error budget is used up" in out.json()["error"]["message"]
    )
    assert (forced.status_code, forced.json()["error"]["code"]) == (403, "key_scope")
    live = await shop.desk.live("shop", "staging")
    assert live is not None
    assert live.definition == old.hash


async def test_an_app_that_does_not_say_how_it_is_let_out_is_not_held_up(tmp_path: Path):
    (tmp_path / "app.toml").write_text(APP.partition("[release]")[0])
    clock = FakeClock()
    server = Server(ServerSettings(store=f"sqlite:{tmp_path}/data"), [tmp_path / "app.toml"], clock=clock)
    shop = Shop(await server.open(), server, clock)
    try:
        await shop.counted(70, 100)

        assert await shop.settled() == ""
    finally:
        await server.close()
