"""What answers: the file, what was let out, what rolls out; swapped in every process that serves the store."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from rowen.access import SYSTEM, Wanted
from rowen.config import Loaded
from rowen.config.places import Places
from rowen.config.read import hash_of
from rowen.release import Reason
from rowen.serve.server import Server
from rowen.serve.settings import ServerSettings
from rowen.serve.standing import fate
from rowen.store.base import TraceFilter
from rowen.testing.clock import FakeClock
from rowen.values import Arm, Definition, Live, Request, Rollout, says
from rowen.values.errand import TRY, reserved
from rowen.watch import WatchTable
from rowen.watch.measure import meant

WHY = Reason(by="ann", note="it is better")


def write(folder: Path, say: str, *, prompt: str = "Be brief.", more: str = "") -> Path:
    (folder / "system.md").write_text(prompt)
    path = folder / "app.toml"
    path.write_text(
        f'[app]\nname = "shop"\n[models.main]\nprovider = "echo"\noptions = {{ say = "{say}" }}\n'
        f'price = {{ input = "1000", output = "1000" }}\n[prompt]\nsystem = "system.md"\n{more}'
    )
    return path


def canary(one: str, other: str, share: float, **more) -> Rollout:
    arms = (Arm(name="baseline", definition=one, share=1 - share), Arm(name="candidate", definition=other, share=share))
    return Rollout(id=more.pop("id", ""), app="shop", strategy=more.pop("strategy", "canary"), arms=arms, **more)


class Place:
    """A server with a client."""

    def __init__(self, server: Server, client: httpx2.AsyncClient) -> None:
        self.server, self.client = server, client
        self.releases = server.opened.office.desk
        self.served = server.opened.served

    async def ask(self, user: str = "u") -> httpx2.Response:
        body = {"model": "main", "messages": [{"role": "user", "content": "hello"}], "user": user}
        return await self.client.post("/v1/chat/completions", json=body)

    async def said(self, user: str = "u") -> str:
        answer = await self.ask(user)
        assert answer.status_code == 200, answer.text
        return answer.json()["choices"][0]["message"]["content"]

    async def live(self):
        return await self.releases.live("shop")

    async def rows(self, query: str = "", *, limit: int = 50) -> list[dict]:
        await self.server.opened.traces_written()
        asked = {"limit": str(limit)} | ({"q": query} if query else {})
        answer = await self.client.get("/api/traces", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def jobs(self) -> list[dict]:
        return (await self.client.get("/api/jobs")).json()["data"]

    def known(self) -> str:
        return self.served.loaded()[0].definition.hash


@asynccontextmanager
async def placed(path: Path, clock: FakeClock, **settings):
    server = Server(ServerSettings(store=f"sqlite:{path.parent}/data", **settings), [path], clock=clock)
    await server.open()
    try:
        register = server.opened.register
        await register.people.ensure_tenant(SYSTEM, "default")
        made = await register.create(SYSTEM, Wanted(name="t", scopes=("call", "admin")))
        headers = {"authorization": f"Bearer {made.secret.reveal()}"}
        transport = httpx2.ASGITransport(app=server, client=("127.0.0.1", 5))
        async with httpx2.AsyncClient(transport=transport, base_url="http://rowen", headers=headers) as client:
            yield Place(server, client)
    finally:
        await server.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def two(folder: Path, clock: FakeClock, **more: str) -> tuple[str, str]:
    """Let out `one`, then `two`; return the hashes."""
    async with placed(write(folder, "one", **more), clock) as place:
        one = place.known()
    async with placed(write(folder, "two", prompt="Be long.", **more), clock) as place:
        return one, place.known()


async def test_the_first_version_answers_and_a_changed_file_is_a_line_of_the_log(tmp_path, clock):
    one, other = await two(tmp_path, clock)

    async with placed(tmp_path / "app.toml", clock) as place:
        lines = await place.releases.log("shop")
        live = await place.live()

        assert await place.said() == "two"
        assert [(line.act, line.definition) for line in lines] == [("release", other), ("release", one)]
        assert (live.definition, live.before) == (other, one)


@pytest.mark.parametrize(
    ("live", "source", "dev", "wanted"),
    [
        (None, {"release": {}}, False, "release"),
        (Live(app="shop", definition="", frozen="budget"), {}, False, "release"),
        (Live(app="shop", definition="new", pinned=True), {"release": {}}, False, "live"),
        (Live(app="shop", definition="old"), {}, False, "release"),
        (Live(app="shop", definition="old"), {"release": {}}, False, "candidate"),
        (Live(app="shop", definition="old"), {"release": {}}, True, "release"),
        (Live(app="shop", definition="old", pinned=True), {}, False, "kept"),
        (Live(app="shop", definition="old", pinned=True), {}, True, "release"),
        (Live(app="shop", definition="old", rollouts=(canary("old", "other", 0.1),)), {}, False, "kept"),
    ],
)
def test_what_becomes_of_a_file(live, source, dev, wanted):
    definition = Definition(app="shop", hash="new", source=source)
    file = Loaded(definition=definition, tables={}, path=Path("app.toml"), watched=(), places=Places(""))

    assert fate(live, file, dev=dev) == wanted


async def test_with_a_release_table_the_file_is_a_candidate_and_what_was_let_out_answers(tmp_path, clock):
    async with placed(write(tmp_path, "one", more="[release]\n"), clock):
        pass

    async with placed(write(tmp_path, "two", more="[release]\n"), clock) as place:
        before = await place.said()
        candidate = next(
            each.hash for each in await place.server.opened.store.definitions.all("shop") if each.hash != place.known()
        )
        await place.releases.release("shop", candidate, WHY)
        await place.served.refresh()

        assert (before, await place.said()) == ("one", "two")


async def test_in_dev_a_changed_file_answers_at_once_whatever_was_decided(tmp_path, clock):
    await two(tmp_path, clock)
    async with placed(tmp_path / "app.toml", clock) as place:
        await place.releases.rollback("shop", Reason(by="ann", note="worse"))

    async with placed(write(tmp_path, "three"), clock, watch=True) as place:
        assert await place.said() == "three"


async def test_what_is_saved_while_an_app_is_being_read_again_is_not_lost(tmp_path, clock):
    path, said = write(tmp_path, "one"), asyncio.Event()
    saves = iter(("three",))

    async def after() -> None:
        for word in saves:  # once: somebody saves again before the first change is done with
            write(tmp_path, word)
            return
        said.set()

    async with placed(path, clock) as place:
        place.served.watch([path], after, every=0.01)
        await asyncio.sleep(0)  # the watch notes how the files are
        write(tmp_path, "two")

        async with asyncio.timeout(10):
            await said.wait()

        assert await place.said() == "three"


async def test_a_rollback_swaps_everything_together_in_every_process_and_stays(tmp_path, clock):
    one, _ = await two(tmp_path, clock)

    async with placed(tmp_path / "app.toml", clock) as place, placed(tmp_path / "app.toml", clock) as other:
        before = [await place.said(), await other.said()]
        await place.releases.rollback("shop", Reason(by="ann", note="it is worse"))
        await place.served.refresh()
        await other.served.refresh()

        assert (before, [await place.said(), await other.said()]) == (["two", "two"], ["one", "one"])
        assert other.served.loaded()[0].tables["prompt"].system.text == "Be brief."
        assert (await other.live()).pinned
    async with placed(tmp_path / "app.toml", clock) as again:  # the file is still that of `two`
        assert (await again.said(), again.known()) == ("one", one)


async def test_a_version_that_cannot_run_here_leaves_what_answers_alone(tmp_path, clock, caplog):
    async with placed(write(tmp_path, "one"), clock) as place:
        definition = place.served.loaded()[0].definition
        source = {**definition.source, "models": {"main": {"provider": "nobody"}}}
        broken = definition.but(source=source, hash=hash_of(source, definition.files))
        await place.server.opened.store.definitions.put(broken)
        await place.releases.release("shop", broken.hash, WHY)

        assert not await place.served.refresh()
        assert await place.said() == "one"
        assert "cannot be switched" in caplog.text


async def test_a_canary_answers_its_users_and_its_calls_are_found(tmp_path, clock):
    one, other = await two(tmp_path, clock)
    async with placed(tmp_path / "app.toml", clock) as place:
        begun = await place.releases.begin(canary(other, one, 0.5), WHY)
        await place.served.refresh()

        said = {user: await place.said(user) for user in map(str, range(24))}
        again = {user: await place.said(user) for user in said}
        rows = await place.rows(f"arm:{begun.id}/candidate")
        trace = (await place.client.get(f"/api/traces/{rows[0]['id']}")).json()["data"]

        assert said == again
        assert set(said.values()) == {"one", "two"}
        assert len(rows) == 2 * list(said.values()).count("one")
        assert len(await place.rows(f"rollout:{begun.id}")) == 48
        assert {row["definition"] for row in rows} == {one}
        attributes = trace["spans"][0]["attributes"]
        assert (attributes["rowen.arm"], attributes["rowen.arm.probability"]) == (["candidate"], [0.5])


async def test_an_answer_under_way_keeps_its_version(tmp_path, clock):
    await two(tmp_path, clock)
    async with placed(tmp_path / "app.toml", clock) as place:
        app = place.served.named("shop")
        await place.releases.rollback("shop", Reason(by="ann", note="it is worse"))
        await place.served.refresh()

        request = Request(model="main", messages=(says("user", "hello"),))
        old = await app.ask(request, errand=TRY, tenant="default")

        assert old.answer is not None
        assert (old.answer.text, await place.said()) == ("two", "one")


async def test_a_shadow_is_asked_the_same_and_seen_by_nobody(tmp_path, clock):
    one, other = await two(tmp_path, clock)
    async with placed(tmp_path / "app.toml", clock) as place:
        begun = await place.releases.begin(canary(other, one, 1.0, strategy="shadow", budget=1.0), WHY)
        await place.served.refresh()

        said = [await place.said() for _ in range(3)]
        await place.server.opened.shadows.done()
        copies = await place.rows(f"rollout:{begun.id} tag:shadow")
        originals = await place.rows(f"arm:{begun.id}/baseline")

        assert said == ["two"] * 3
        assert [row["said"] for row in copies] == ["one"] * 3
        assert {row["within"] for row in copies} == {row["id"] for row in originals}
        assert {row["asked"] for row in copies} == {"hello"}
        assert {row.get("key", "") for row in copies} == {""}
        assert await place.server.opened.shadows.spent(begun.id) > 0


async def test_copies_are_counted_apart_from_what_users_asked_of_a_feature(tmp_path, clock):
    one, other = await two(tmp_path, clock)
    async with placed(tmp_path / "app.toml", clock) as place:
        await place.releases.begin(canary(other, one, 1.0, strategy="shadow"), WHY)
        await place.served.refresh()
        for feature in ("checkout", "checkout", ""):
            body = {"model": "main", "messages": [{"role": "user", "content": "hello"}]}
            headers = {"x-rowen-feature": feature} if feature else {}
            assert (await place.client.post("/v1/chat/completions", json=body, headers=headers)).status_code == 200
        await place.server.opened.shadows.done()
        await place.server.opened.traces_written()
        since = clock.now_ns() - 3_600_000_000_000

        found = await place.server.opened.store.traces.buckets(
            tenant=None, since_ns=since, until_ns=since * 2, every_ns=2 * since, by="feature"
        )

        counts = {each.group: each.calls for each in found}
        assert counts == {"checkout": 2, "": 1, "shadow:checkout": 2, "shadow": 1}
        assert {feature for feature in counts if not reserved(feature)} == {"checkout", ""}


async def test_what_nobody_sees_counts_for_no_objective_and_a_tag_alone_hides_nothing(tmp_path, clock):
    table = WatchTable(sli="answered", target=0.9)
    one, other = await two(tmp_path, clock)
    async with placed(tmp_path / "app.toml", clock) as place:
        await place.releases.begin(canary(other, one, 1.0, strategy="shadow"), WHY)
        await place.served.refresh()
        await place.said()
        await place.server.opened.shadows.done()
        await place.server.opened.traces_written()
        rows = await place.server.opened.store.traces.find(TraceFilter())
        tagged = next(row for row in rows if not row.shadow)
        tagged = tagged.but(tags=(*tagged.tags, "shadow"))

        assert sorted((row.said, meant(table, row)) for row in rows) == [("one", False), ("two", True)]
        assert meant(table, tagged)
        assert {row.purpose for row in rows} == {"inference", "experiment"}


async def test_a_shadow_stops_at_its_budget(tmp_path, clock):
    one, other = await two(tmp_path, clock)
    async with placed(tmp_path / "app.toml", clock) as place:
        await place.said()
        cost = float((await place.rows())[0]["cost"])
        begun = await place.releases.begin(canary(other, one, 1.0, strategy="shadow", budget=cost * 2.5), WHY)
        await place.served.refresh()

        for _ in range(6):
            await place.said()
            await place.server.opened.shadows.done()

        assert len(await place.rows("tag:shadow")) == 2
        assert float(await place.server.opened.shadows.spent(begun.id)) <= cost * 2.5
        assert place.server.opened.shadows.skipped[begun.id] == 4


async def test_a_candidate_of_a_prompt_is_released_and_its_label_follows_there_and_back(tmp_path, clock):
    async with placed(write(tmp_path, "one"), clock) as here:
        prompts, first = here.server.opened.prompts, here.known()
        made = await prompts.add("shop/system", "Be long.", note="Longer.", by="ann")

        await here.releases.release("shop", made.definition, WHY)
        await here.served.refresh()
        after = [(each.version, each.labels) for each in await prompts.versions("shop/system", "default")]
        await here.said()
        (row,) = await here.rows()
        await here.releases.release("shop", first, WHY)
        await here.served.refresh()
        back = [(each.version, each.labels) for each in await prompts.versions("shop/system", "default")]

    assert after == [(2, ("production",)), (1, ())]
    assert back == [(2, ()), (1, ("production",))]
    assert row["definition"] == made.definition
