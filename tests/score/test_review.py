"""Queues: who gets which answer, what becomes of judgements, and who decides."""

import asyncio

import pytest

from rowen.score.configs import Configs
from rowen.score.intake import Intake
from rowen.score.queue import Item, Opinion, Picked, Queue
from rowen.score.review import Review
from rowen.store.base import ScoreFilter
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.spans import a_span
from rowen.values import Mistaken, Score, Trace, TraceRow


class Room:
    """A review over a store with ten answers of acme and one of another tenant."""

    def __init__(self, store, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        configs = Configs(store.records, clock)
        self.intake = Intake(store.scores, configs, self._known, clock)
        self.review = Review(
            store.records, scores=store.scores, traces=store.traces, configs=configs, intake=self.intake, clock=clock
        )

    async def _known(self, id: str, tenant: str) -> TraceRow | None:
        found = await self.store.traces.get(id, tenant)
        return found.row if found else None

    async def queue(self, traces: int = 3, **fields) -> Queue:
        queue = await self.review.put(Queue(**{"id": "", "tenant": "acme", "name": "q", **fields}))
        await self.review.fill(queue, limit=traces)
        return queue

    async def say(self, queue: Queue, item: Item, rater: str, up: bool = True, **fields) -> Item:
        return await self.review.submit(queue, item.id, Opinion(rater=rater, values={"thumbs": up}, **fields))

    async def scores(self) -> list[tuple[str, str, object]]:
        found = await self.store.scores.find(ScoreFilter(tenant="acme"))
        return sorted((score.by, score.name, score.value) for score in found)


@pytest.fixture(params=["memory:", "sqlite:{}/data"], ids=["memory", "sqlite"])
async def room(request, tmp_path):
    clock = FakeClock()
    store = await open_store(request.param.format(tmp_path), clock=clock)
    for number in range(11):
        row = TraceRow(
            id=f"t{number:02}",
            started_ns=1_000 + number,
            duration_ns=1,
            app="shop" if number % 2 else "handbook",
            definition="d",
            tenant="acme" if number < 10 else "umbrella",
            model="fast" if number < 5 else "careful",
        )
        await store.traces.write([Trace(row=row)])
    yield Room(store, clock)
    await store.close()


async def test_a_rater_gets_one_item_after_the_other_until_there_is_none(room: Room):
    queue, seen = await room.queue(3), []

    while (item := await room.review.next(queue, "ann")) is not None:
        seen.append(item.trace)
        await room.say(queue, item, "ann")

    assert sorted(seen) == ["t07", "t08", "t09"]
    progress = await room.review.progress(queue)
    assert (progress.open, progress.done, progress.opinions) == (0, 3, {"ann": 3})


async def test_the_item_that_a_rater_holds_comes_back_until_they_judge_or_skip_it(room: Room):
    queue = await room.queue(2)
    first = await room.review.next(queue, "ann")

    again = await room.review.next(queue, "ann")
    await room.review.skip(queue, first.id, "ann")
    other = await room.review.next(queue, "ann")

    assert again.id == first.id
    assert other.id != first.id
    assert (await room.review.next(queue, "bob")).id == first.id


@pytest.mark.parametrize("wanted", [1, 2])
async def test_of_raters_who_ask_at_once_no_more_than_wanted_get_one_item(room: Room, wanted):
    queue = await room.queue(4, raters=wanted)

    items = await asyncio.gather(*(room.review.next(queue, f"rater{number}") for number in range(6)))

    given = [item.id for item in items if item is not None]
    assert len(given) == min(6, 4 * wanted)
    assert max(given.count(id) for id in given) <= wanted


async def test_an_item_goes_to_another_when_its_lease_ends(room: Room):
    queue = await room.queue(1, lease_s=60)
    held = await room.review.next(queue, "ann")
    before = await room.review.next(queue, "bob")
    room.clock.move(60)

    after = await room.review.next(queue, "bob")
    await room.say(queue, after, "bob")

    assert (before, after.id) == (None, held.id)
    with pytest.raises(Mistaken, match="decided"):
        await room.say(queue, held, "ann")


async def test_a_late_judgement_counts_while_there_is_room(room: Room):
    queue = await room.queue(1, lease_s=60)
    held = await room.review.next(queue, "ann")
    room.clock.move(600)

    assert (await room.say(queue, held, "ann")).state == "done"


async def test_raters_who_agree_settle_an_item(room: Room):
    queue = await room.queue(1, raters=2)
    item = await room.review.next(queue, "ann")

    one = await room.say(queue, item, "ann", True, reason="Right.")
    both = await room.say(queue, item, "bob", True)

    assert (one.state, both.state, both.settled) == ("open", "done", {"thumbs": True})
    assert await room.scores() == [("ann", "thumbs", True), ("bob", "thumbs", True)]


async def test_raters_who_disagree_leave_the_decision_to_somebody(room: Room):
    queue = await room.queue(1, raters=2)
    item = await room.review.next(queue, "ann")
    await room.say(queue, item, "ann", True)
    disputed = await room.say(queue, item, "bob", False)

    decided = await room.review.decide(queue, item.id, "eve", {"thumbs": False}, "It names a page that is gone.")

    assert (disputed.state, decided.state, decided.settled, decided.decided_by) == (
        "disputed",
        "done",
        {"thumbs": False},
        "eve",
    )
    assert ("eve", "thumbs", False) in await room.scores()
    with pytest.raises(Mistaken, match="decided"):
        await room.say(queue, item, "ann", False)


async def test_what_is_not_disputed_is_not_decided(room: Room):
    queue = await room.queue(1)
    item = await room.review.next(queue, "ann")

    with pytest.raises(Mistaken, match="do not disagree"):
        await room.review.decide(queue, item.id, "eve", {"thumbs": False})


async def test_a_rater_may_think_again_and_their_score_is_replaced(room: Room):
    queue = await room.queue(1, raters=2)
    item = await room.review.next(queue, "ann")
    await room.say(queue, item, "ann", True)
    await room.say(queue, item, "bob", False)

    settled = await room.say(queue, item, "ann", False)

    assert settled.state == "done"
    assert await room.scores() == [("ann", "thumbs", False), ("bob", "thumbs", False)]


async def test_a_correction_is_kept_beside_the_judgement(room: Room):
    queue = await room.queue(1)
    item = await room.review.next(queue, "ann")

    await room.say(queue, item, "ann", False, correction="In July.")

    assert await room.scores() == [("ann", "correction", "In July."), ("ann", "thumbs", False)]


@pytest.mark.parametrize("values", [{}, {"thumbs": 5}, {"stars": 5}, {"thumbs": True, "stars": 5}])
async def test_what_the_queue_does_not_ask_for_is_refused_and_changes_nothing(room: Room, values):
    queue = await room.queue(1)
    item = await room.review.next(queue, "ann")

    with pytest.raises(Mistaken) as caught:
        await room.review.submit(queue, item.id, Opinion(rater="ann", values=values))

    assert caught.value.code == "field_invalid"
    assert (await room.review.item(queue, item.id)).opinions == ()
    assert await room.scores() == []


@pytest.mark.parametrize(
    ("picks", "app", "traces"),
    [
        (Picked(), "", 10),
        (Picked(), "shop", 5),
        (Picked(model="fast"), "", 5),
        (Picked(score="grounded", below=0.5), "", 2),
        (Picked(score="grounded", above=0.5), "", 1),
        (Picked(sample=0.0), "", 0),
    ],
)
async def test_a_queue_takes_what_it_picks_of_its_own_tenant_and_filling_again_adds_nothing(
    room: Room, picks, app, traces
):
    for trace, number in (("t01", 0.1), ("t02", 0.2), ("t03", 0.9)):
        score = Score(id=trace, tenant="acme", trace=trace, name="grounded", value=number, source="model")
        await room.intake.take([score])
    queue = await room.review.put(Queue(id="", tenant="acme", name="q", picks=picks, app=app))

    added = [await room.review.fill(queue), await room.review.fill(queue)]

    assert added == [traces, 0]
    assert all(item.tenant == "acme" for item in await room.review.items(queue))


@pytest.mark.parametrize(
    ("picks", "why"),
    [
        (Picked(), "among the newest answers"),
        (Picked(score="grounded", below=0.5), "grounded is 0.1, below 0.5"),
        (Picked(score="kind", model="fast"), "kind is false; model fast"),
        (Picked(user="ann", sample=0.999), "of one user; a sample of 0.999 of them"),
    ],
)
async def test_an_item_says_what_it_was_picked_by_but_not_whose_it_is(room: Room, picks: Picked, why: str):
    row = (await room.store.traces.row("t01", "acme")).but(user="ann")
    await room.store.traces.write([Trace(row=row)])
    for name, value, at in (("grounded", 0.9, 1), ("grounded", 0.1, 2), ("kind", False, 3)):
        score = Score(id=f"s{at}", tenant="acme", trace="t01", name=name, value=value, source="model", created_ns=at)
        await room.intake.take([score])
    queue = await room.review.put(Queue(id="", tenant="acme", name="q", picks=picks))

    await room.review.fill(queue)

    assert [item.why for item in await room.review.items(queue) if item.trace == "t01"] == [why]


async def test_items_are_listed_with_what_is_judged_of_a_span_with_what_went_in_and_out_of_it(room: Room):
    row = TraceRow(
        id="t20", started_ns=2_000, duration_ns=1, app="shop", definition="d", tenant="acme", asked="why?", said="so"
    )
    await room.store.traces.write([Trace(row=row)])
    step = a_span(7, "t21", tenant="acme", app="shop", input="find 1182", output="sent", model="careful")
    await room.store.traces.observe([step])
    queue = await room.review.put(Queue(id="", tenant="acme", name="q"))
    await room.review.add(queue, [row], why="put there by ann")
    sent = await room.store.traces.row("t21", "acme")
    await room.review.add(queue, [sent], span=step.row.id)
    await room.review.add(queue, [row.but(id="gone")])

    items = await room.review.items(queue)
    listed = await room.review.listed(items)

    assert {(each.trace, each.asked, each.said, each.model, each.started_ns, each.why) for each in listed} == {
        ("t20", "why?", "so", "", 2_000, "put there by ann"),
        ("t21", "find 1182", "sent", "careful", step.row.started_ns, ""),
        ("gone", "", "", "", 0, ""),
    }
    assert [each.id for each in listed] == [each.id for each in items]
    assert await room.review.listed([]) == []


async def test_a_sample_is_the_same_each_time_and_about_as_large_as_asked(room: Room):
    rows = [
        TraceRow(id=f"s{number}", started_ns=number, duration_ns=1, app="many", definition="d", tenant="acme")
        for number in range(1_000)
    ]
    await room.store.traces.write([Trace(row=row) for row in rows])
    queue = await room.review.put(Queue(id="", tenant="acme", name="q", app="many", picks=Picked(sample=0.1)))

    first, again = await room.review.fill(queue, limit=1_000), await room.review.fill(queue, limit=1_000)

    assert 60 <= first <= 140
    assert again == 0


async def test_a_queue_that_asks_for_what_nobody_described_is_refused(room: Room):
    for asked in ((), ("made.up",), ("thumbs", "thumbs")):
        with pytest.raises(Mistaken) as caught:
            await room.review.put(Queue(id="", tenant="acme", name="q", asked=asked))
        assert caught.value.place == "asked"


async def test_a_closed_queue_hands_nothing_out(room: Room):
    queue = await room.queue(2, closed=True)

    assert await room.review.next(queue, "ann") is None


async def test_another_tenant_neither_finds_a_queue_nor_puts_anything_into_it(room: Room):
    queue = await room.queue(1)
    strange = await room.store.traces.get("t10")

    with pytest.raises(Mistaken, match="no such queue"):
        await room.review.queue(queue.id, "umbrella")
    assert await room.review.queues("umbrella") == []
    assert await room.review.add(queue, [strange.row]) == 0


async def test_a_deleted_queue_takes_its_items_along_and_leaves_the_scores(room: Room):
    queue = await room.queue(2)
    await room.say(queue, await room.review.next(queue, "ann"), "ann")

    await room.review.delete(queue.id, "acme")

    assert await room.review.items(queue) == []
    assert await room.scores() == [("ann", "thumbs", True)]


async def test_agreement_of_raters_is_krippendorffs_alpha(room: Room):
    queue = await room.queue(4, raters=2)
    said = {"ann": [True, True, False, False], "bob": [True, True, False, True]}
    for number, item in enumerate(await room.review.items(queue)):
        for rater, ups in said.items():
            await room.say(queue, item, rater, ups[number])

    progress = await room.review.progress(queue)

    # Coincidences: 4 up-up, 2 down-down, 1 each way; 5 up and 3 down of 8: 1 - 7·2/(2·5·3) = 0.5333.
    assert progress.agreement["thumbs"].value == pytest.approx(1 - 7 * 2 / 30)
    assert progress.agreement["thumbs"].n == 4
    assert (progress.done, progress.disputed) == (3, 1)
