"""A candidate goes up by itself when it is no worse, and goes back by itself when it is."""

import pytest

from rowen.jobs import Later, Task
from rowen.release.rounds import KIND
from rowen.store.base import TraceFilter
from rowen.testing.clock import FakeClock
from rowen.values import Score

from .test_releasing import WHY, Place, canary, clock, placed, two, write

__all__ = ["clock"]

PLAN = '[metrics]\nprimary = "helpful"\nmargins = { helpful = 0.15 }\n'


async def lived(place: Place, clock: FakeClock, users: range, good: dict[str, float]) -> None:
    """Let users ask, one call each; so many of each version's answers help."""
    for number in users:
        await place.said(f"user{number}")
    store = place.server.opened.store
    await place.server.opened.traces_written()
    rows = await store.traces.find(TraceFilter(limit=len(users)))
    counts = dict.fromkeys(good, 0)
    scores = []
    for row in rows:
        counts[row.said] += 1
        scores.append(
            Score(
                id=f"s{row.id}",
                tenant=row.tenant,
                app="shop",
                trace=row.id,
                name="helpful",
                type="boolean",
                value=(helped := counts[row.said] % 10 < good[row.said] * 10),
                number=float(helped),
                source="user",
                judged_ns=row.started_ns,
                created_ns=clock.now_ns(),
            )
        )
    await store.scores.put(scores)
    clock.move(1)
    for rollout in (await place.live()).rollouts:
        await place.server.opened.rolling.rounds.look(rollout)
    await place.served.refresh()


async def test_a_worse_candidate_is_rolled_back_within_some_hundred_calls(tmp_path, clock):
    write(tmp_path, "one", more=PLAN)
    one, other = await two(tmp_path, clock, more=PLAN)
    async with placed(tmp_path / "app.toml", clock) as place:
        begun = await place.releases.begin(canary(other, one, 0.5, steps=(0.5, 1.0)), WHY)
        await place.served.refresh()

        await lived(place, clock, range(260), {"two": 0.9, "one": 0.4})

        ended = await place.releases.rollout(begun.id)
        line = (await place.releases.log("shop"))[0]
        assert (ended.state, line.act, line.by) == ("rolled back", "rollback", "rowen")
        assert "helpful (primary, 0.15 may be lost) is worse" in ended.why
        assert line.evidence["units"]["candidate"] >= 100
        assert [await place.said(f"user{number}") for number in range(20)] == ["two"] * 20


async def test_a_candidate_that_is_no_worse_climbs_and_is_promoted(tmp_path, clock):
    one, other = await two(tmp_path, clock, more=PLAN)
    async with placed(tmp_path / "app.toml", clock) as place:
        begun = await place.releases.begin(canary(other, one, 0.4, steps=(0.4, 0.6, 1.0)), WHY)
        await place.served.refresh()

        await lived(place, clock, range(400), {"two": 0.9, "one": 0.9})
        share = (await place.live()).rollouts[0].arms[1].share
        await lived(place, clock, range(400, 800), {"two": 0.9, "one": 0.9})

        assert share == 0.6
        assert (await place.releases.rollout(begun.id)).state == "promoted"
        assert await place.said("anybody") == "one"
        assert [line.act for line in await place.releases.log("shop")][:3] == ["promote", "step", "begin"]


async def test_every_rollout_has_a_job_that_looks_at_it_and_forgets_its_figures_long_after_it_ended(tmp_path, clock):
    one, other = await two(tmp_path, clock)
    async with placed(tmp_path / "app.toml", clock) as place:
        begun = await place.releases.begin(canary(other, one, 0.5), WHY)
        await place.served.refresh()
        await place.server.opened.rolling.queue()
        await place.said()
        await place.server.opened.traces_written()
        await place.server.opened.rolling.exposures.flush()
        await place.releases.stop(begun.id, WHY)

        rolling = place.server.opened.rolling
        kept = await rolling.exposures.since(begun.id, 0)
        task = Task(id="t", tenant="default", app="shop", input={"rollout": begun.id}, known={}, remember=forgotten)
        with pytest.raises(Later) as later:
            await rolling.rounds.work(task)
        clock.move(31 * 86_400)

        assert [job["kind"] for job in await place.jobs()].count(KIND) == 1
        assert later.value.until_ns == (await place.releases.rollout(begun.id)).ended_ns + 30 * 86_400 * 10**9
        assert len(kept) == 1
        assert await rolling.rounds.work(task) == {"state": "stopped"}
        assert await rolling.exposures.since(begun.id, 0) == []


async def test_a_process_that_does_not_serve_what_rolls_out_leaves_it_to_others(tmp_path, clock):
    one, other = await two(tmp_path, clock)
    async with placed(tmp_path / "app.toml", clock) as place:
        await place.releases.release("shop", other, WHY, environment="staging")
        begun = await place.releases.begin(canary(other, one, 0.5, environment="staging"), WHY)
        task = Task(id="t", tenant="default", app="shop", input={"rollout": begun.id}, known={}, remember=forgotten)

        with pytest.raises(Later, match="a process that serves the app"):
            await place.server.opened.rolling.rounds.work(task)

        assert await place.releases.courses.get(begun.id) is None


async def forgotten(key: str, result: bytes) -> None:
    raise AssertionError(key)


async def test_a_candidate_that_fails_is_rolled_back_by_the_calls_themselves(tmp_path, clock):
    async with placed(write(tmp_path, "one"), clock) as place:
        old = place.known()
    broken = write(tmp_path, "two")
    broken.write_text(broken.read_text().replace('say = "two"', 'fail = "upstream_error"'))
    async with placed(broken, clock) as place:
        new = place.known()
        await place.releases.rollback("shop", WHY)
        begun = await place.releases.begin(canary(old, new, 0.5, unit="call"), WHY)
        await place.served.refresh()

        failed = 0
        for _ in range(120):
            failed += (await place.ask()).status_code != 200
            await place.server.opened.rolling.settled()

        ended = await place.releases.rollout(begun.id)
        assert ended.state == "rolled back"
        assert failed <= 25
        assert "upstream_error" in ended.why
    async with placed(broken, clock) as place:  # and the file, which is still there, is not let out again
        assert (await place.ask()).status_code == 200
