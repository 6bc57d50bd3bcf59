"""What is live, and how it came to be so."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.release import Reason, Releases
from rowen.store.base import Record, Store
from rowen.store.catalog import open_store
from rowen.store.memory.store import MemoryStore
from rowen.testing.clock import FakeClock
from rowen.values import Arm, Live, Mistaken, Problem, Refused

from .conftest import ANN, KEY, a_canary, a_definition, hash_of

A, B, C = hash_of("a"), hash_of("b"), hash_of("c")


async def test_what_is_released_answers_at_once_and_remembers_what_did_before(releases: Releases):
    first = await releases.release("shop", A, ANN)
    second = await releases.release("shop", B, ANN.but(evidence={"runs": ["r1"]}))

    assert (first.definition, first.before, first.number) == (A, "", 1)
    assert (second.definition, second.before, second.number) == (B, A, 2)
    assert await releases.live("shop") == second
    line = (await releases.log("shop"))[0]
    assert (line.act, line.definition, line.before, line.by, line.note) == ("release", B, A, "ann", "because")
    assert line.evidence == {"runs": ["r1"]}


async def test_every_act_makes_the_revision_grow_so_that_all_processes_hear_of_it(
    store: MemoryStore, releases: Releases
):
    before = await store.revisions.revision()

    await releases.release("shop", A, ANN)
    await releases.freeze("shop", ANN)

    assert await store.revisions.revision() == before + 2


@pytest.mark.parametrize("definition", [hash_of("f"), ""])
async def test_what_was_never_kept_cannot_be_released(releases: Releases, definition: str):
    with pytest.raises(Mistaken) as caught:
        await releases.release("shop", definition, ANN)

    assert caught.value.code == "not_found"
    assert await releases.live("shop") is None


async def test_another_apps_definition_cannot_be_released(store: MemoryStore, releases: Releases):
    await store.definitions.put(a_definition("f", app="other"))

    with pytest.raises(Mistaken, match="shop has no definition"):
        await releases.release("shop", hash_of("f"), ANN)


async def test_nothing_is_released_without_a_note(releases: Releases):
    with pytest.raises(Mistaken, match="say why"):
        await releases.release("shop", A, Reason(by="ann", note=" "))


async def test_an_act_on_what_somebody_else_has_changed_is_a_conflict(releases: Releases):
    seen = await releases.release("shop", A, ANN)
    await releases.release("shop", B, ANN)

    with pytest.raises(Mistaken) as caught:
        await releases.release("shop", C, ANN, expect=seen.number)

    assert caught.value.code == "conflict"
    assert "line 2" in caught.value.message
    live = await releases.live("shop")
    assert live is not None
    assert live.definition == B


async def test_a_canary_climbs_and_is_promoted(releases: Releases, clock: FakeClock):
    await releases.release("shop", A, ANN)

    begun = await releases.begin(a_canary(), ANN)
    clock.move(60)
    stepped = await releases.step(begun.id, Reason(by="rowen", note="not worse"))
    live = await releases.promote(begun.id, Reason(by="rowen", note="better"))

    assert begun.id
    assert begun.salt
    assert {arm.name: arm.share for arm in stepped.arms} == {"baseline": 0.75, "candidate": 0.25}
    assert stepped.step_ns - begun.step_ns == 60_000_000_000
    assert (live.definition, live.before, live.rollouts) == (B, A, ())
    ended = await releases.rollout(begun.id)
    assert (ended.state, ended.why, ended.ended_ns) == ("promoted", "better", clock.ns)
    assert [line.act for line in await releases.log("shop")] == ["promote", "step", "begin", "release"]


async def test_a_step_beyond_the_last_says_that_it_is_to_be_promoted(releases: Releases):
    await releases.release("shop", A, ANN)
    begun = await releases.begin(a_canary(steps=(0.05, 0.5)), ANN)
    await releases.step(begun.id, ANN)

    with pytest.raises(Mistaken, match="promote it"):
        await releases.step(begun.id, ANN)


async def test_shares_can_be_named_and_must_add_up(releases: Releases):
    await releases.release("shop", A, ANN)
    begun = await releases.begin(a_canary(strategy="bandit", floor=0.05), ANN)

    changed = await releases.step(begun.id, ANN, shares={"baseline": 0.4, "candidate": 0.6})
    for wrong in ({"candidate": 0.9}, {"baseline": 0.99, "candidate": 0.01}, {"third": 0.0}):
        with pytest.raises(Mistaken) as caught:
            await releases.step(begun.id, ANN, shares=wrong)
        assert caught.value.code == "field_invalid"

    assert [arm.share for arm in changed.arms] == [0.4, 0.6]
    assert await releases.rollout(begun.id) == changed


async def test_a_rollout_begins_only_from_what_is_live(releases: Releases):
    await releases.release("shop", B, ANN)

    with pytest.raises(Mistaken) as caught:
        await releases.begin(a_canary("a", "b"), ANN)

    assert caught.value.code == "conflict"
    assert await releases.rollouts("shop") == []


async def test_an_experiment_runs_beside_a_canary_and_a_second_canary_does_not(releases: Releases):
    await releases.release("shop", A, ANN)

    canary = await releases.begin(a_canary("a", "b"), ANN)
    experiment = await releases.begin(a_canary("a", "c", 0.5, strategy="experiment"), ANN)
    with pytest.raises(Mistaken, match="a canary runs already"):
        await releases.begin(a_canary("a", "c"), ANN)

    live = await releases.live("shop")
    assert live is not None
    assert {one.id for one in live.rollouts} == {canary.id, experiment.id}


@pytest.mark.parametrize(
    "arms",
    [
        (Arm(name="baseline", definition=A, share=1.0),),
        (Arm(name="same", definition=A, share=0.5), Arm(name="same", definition=B, share=0.5)),
        (Arm(name="baseline", definition=A, share=0.5), Arm(name="candidate", definition=B, share=0.6)),
        (Arm(name="baseline", definition=A, share=1.5), Arm(name="candidate", definition=B, share=-0.5)),
    ],
)
async def test_arms_that_cannot_be_are_refused(releases: Releases, arms: tuple[Arm, ...]):
    await releases.release("shop", A, ANN)

    with pytest.raises(Mistaken) as caught:
        await releases.begin(a_canary(arms=arms), ANN)

    assert caught.value.code == "field_invalid"


async def test_a_rollback_undoes_the_last_thing_first_and_then_goes_back_step_by_step(releases: Releases):
    for definition in (A, B, C):
        await releases.release("shop", definition, ANN)
    begun = await releases.begin(a_canary("c", "d"), ANN)

    seen = [await releases.rollback("shop", ANN.but(note="worse")) for _ in range(3)]

    assert [(one.definition, one.before, one.pinned) for one in seen] == [(C, B, True), (B, A, True), (A, "", True)]
    assert (await releases.rollout(begun.id)).state == "rolled back"
    with pytest.raises(Mistaken, match="nothing that shop could go back to"):
        await releases.rollback("shop", ANN)


async def test_a_rollback_to_a_version_ends_what_rolls_out_with_it(releases: Releases):
    for definition in (A, B, C):
        await releases.release("shop", definition, ANN)
    begun = await releases.begin(a_canary("c", "d"), ANN)

    live = await releases.rollback("shop", ANN, to=A)

    assert (live.definition, live.before, live.rollouts) == (A, "", ())
    assert (await releases.rollout(begun.id)).state == "rolled back"


async def test_a_shadow_alone_does_not_keep_a_rollback_from_going_back(releases: Releases):
    await releases.release("shop", A, ANN)
    await releases.release("shop", B, ANN)
    await releases.begin(a_canary("b", "c", strategy="shadow", steps=()), ANN)

    live = await releases.rollback("shop", ANN)

    assert (live.definition, live.rollouts) == (A, ())


async def test_one_rollout_is_stopped_and_the_others_go_on(releases: Releases):
    await releases.release("shop", A, ANN)
    canary = await releases.begin(a_canary("a", "b"), ANN)
    shadow = await releases.begin(a_canary("a", "c", strategy="shadow", steps=()), ANN)

    ended = await releases.stop(canary.id, ANN.but(note="worse by 3 points"), state="rolled back")

    live = await releases.live("shop")
    assert live is not None
    assert live.rollouts == (shadow,)
    assert (ended.state, ended.why) == ("rolled back", "worse by 3 points")
    assert (await releases.log("shop"))[0].act == "rollback"
    with pytest.raises(Mistaken, match="has ended"):
        await releases.promote(canary.id, ANN)


async def test_what_is_frozen_lets_nothing_out_and_everything_back(releases: Releases):
    await releases.release("shop", A, ANN)
    await releases.release("shop", B, ANN)
    begun = await releases.begin(a_canary("b", "c"), ANN)
    await releases.freeze("shop", Reason(by="rowen", note="the error budget of answers is spent"))

    for act in (
        releases.release("shop", C, ANN),
        releases.begin(a_canary("b", "d", strategy="experiment"), ANN),
        releases.step(begun.id, ANN),
        releases.promote(begun.id, ANN),
    ):
        with pytest.raises(Refused, match="error budget of answers") as caught:
            await act
        assert caught.value.code == "release_frozen"
    back = await releases.rollback("shop", ANN)
    again = await releases.rollback("shop", ANN)

    assert (back.definition, again.definition) == (B, A)
    assert again.frozen


async def test_whoever_forces_a_frozen_release_is_told_of_in_the_log(releases: Releases):
    await releases.freeze("shop", Reason(by="rowen", note="the budget is spent"))

    live = await releases.release("shop", A, ANN.but(force=True, note="the outage needs it"))
    thawed = await releases.thaw("shop", ANN)

    assert (live.definition, live.frozen, thawed.frozen) == (A, "the budget is spent", "")
    forced = (await releases.log("shop"))[1]
    assert forced.evidence == {"forced": "the budget is spent"}


async def test_environments_are_apart_and_share_the_log(releases: Releases):
    await releases.release("shop", A, ANN, environment="staging")
    await releases.release("shop", B, ANN)
    await releases.freeze("shop", ANN, environment="staging")

    lives = {one.environment: one for one in await releases.lives("shop")}
    assert (lives["staging"].definition, lives["production"].definition) == (A, B)
    assert [line.number for line in await releases.log("shop", environment="staging")] == [3, 1]
    await releases.release("shop", C, ANN)


async def test_the_log_is_read_page_by_page(releases: Releases):
    for definition in (A, B, C):
        await releases.release("shop", definition, ANN)

    first = await releases.log("shop", limit=2)
    second = await releases.log("shop", before=first[-1].number)

    assert [line.number for line in (*first, *second)] == [3, 2, 1]


async def test_the_past_of_an_app_is_told_by_one_reading_of_its_log(store: MemoryStore, clock: FakeClock):
    class Counting:
        kinds: tuple[str, ...] = ()

        async def find(self, kind: str, **asked: Any) -> list[Record]:
            self.kinds += (kind,)
            return await store.records.find(kind, **asked)

        def __getattr__(self, name: str) -> Any:
            return getattr(store.records, name)

    releases = Releases(counting := Counting(), store.definitions, clock, signing=KEY)
    for definition in (A, B):
        await releases.release("shop", definition, ANN)
    counting.kinds = ()

    past = await releases.past("shop")

    assert counting.kinds.count("release_line") == 1
    assert [line.number for line in past.lines] == [2, 1]
    assert [version.definition for version in past.versions] == [A, B]
    assert past.fault is None


async def test_the_order_of_the_log_does_not_hang_on_the_clocks(releases: Releases, clock: FakeClock):
    await releases.release("shop", A, ANN)
    clock.move(-3600)
    await releases.release("shop", B, ANN)

    assert [line.number for line in await releases.log("shop")] == [2, 1]
    assert await releases.verify("shop") is None


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def any_store(request: pytest.FixtureRequest, tmp_path):
    """Each kind of store in turn."""
    kind = request.param
    where = {"memory": "memory:", "sqlite": f"sqlite:{tmp_path}"}.get(kind) or request.getfixturevalue("emptied")
    store = await open_store(where, clock=FakeClock())
    yield store
    await store.close()


async def test_of_two_writers_one_wins_and_the_other_gets_a_conflict(any_store: Store, clock: FakeClock):
    for letter in "abc":
        await any_store.definitions.put(a_definition(letter))
    desks = [Releases(any_store.records, any_store.definitions, clock, signing=KEY) for _ in range(8)]
    seen = await desks[0].release("shop", A, ANN)

    done = await asyncio.gather(
        *(desk.release("shop", B if i % 2 else C, ANN, expect=seen.number) for i, desk in enumerate(desks)),
        *(desk.approve("shop", A, Reason(by=f"p{i}")) for i, desk in enumerate(desks)),
        return_exceptions=True,
    )

    won = [one for one in done if isinstance(one, Live)]
    lost = [one for one in done if isinstance(one, Problem)]
    assert len(won) == 1
    assert {one.code for one in lost} == {"conflict"}
    assert len(lost) == 7
    assert await desks[0].live("shop") == won[0]
    assert [line.number for line in await desks[0].log("shop")] == [*range(10, 0, -1)]
    assert await desks[0].verify("shop") is None


_ACTS = st.lists(
    st.sampled_from(
        ["release a", "release b", "release c", "begin", "step", "promote", "rollback", "stop", "freeze", "thaw"]
    ),
    max_size=12,
)


@given(acts=_ACTS)
@settings(max_examples=60)
async def test_whatever_is_done_the_log_holds_and_tells_what_is_live(acts: list[str]):
    store, clock = MemoryStore(), FakeClock()
    for letter in "abcd":
        await store.definitions.put(a_definition(letter))
    desk = Releases(store.records, store.definitions, clock, signing=KEY)

    for act in acts:
        clock.move(1)
        try:
            await _do(desk, act)
        except Problem as problem:
            assert problem.code in ("conflict", "release_frozen")

    live = await desk.live("shop")
    lines = await desk.log("shop")
    assert await desk.verify("shop") is None
    if live is not None:
        assert live.number == lines[0].number
        changed = next((line for line in lines if line.act in ("release", "promote", "rollback", "stop")), None)
        assert live.definition == (changed.definition if changed else "")
        running = await desk.rollouts("shop", state="running")
        assert {one.id for one in running} == {one.id for one in live.rollouts}
        assert all(one.arms[0].definition == live.definition for one in live.rollouts)


async def _do(desk: Releases, act: str) -> None:
    live = await desk.live("shop")
    running = live.rollouts[0].id if live and live.rollouts else ""
    match act.split():
        case ["release", letter]:
            await desk.release("shop", hash_of(letter), ANN)
        case ["begin"] if live:
            arms = a_canary().arms
            await desk.begin(a_canary(arms=(arms[0].but(definition=live.definition or A), arms[1])), ANN)
        case ["step"] if running:
            await desk.step(running, ANN)
        case ["promote"] if running:
            await desk.promote(running, ANN)
        case ["stop"] if running:
            await desk.stop(running, ANN)
        case ["rollback"]:
            await desk.rollback("shop", ANN)
        case ["freeze"]:
            await desk.freeze("shop", ANN)
        case ["thaw"]:
            await desk.thaw("shop", ANN)
