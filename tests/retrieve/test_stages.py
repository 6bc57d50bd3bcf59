"""A search whose parts have a budget of time: what takes too long is left out and told, and the answer comes."""

import asyncio

import pytest

from rowen.retrieve.base import RetrieveSettings, WithinTable
from rowen.retrieve.search import Means, Searching, searched, stages_of
from rowen.retrieve.stages import Pace, Sought
from rowen.retrieve.stages.choose import Telling
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.documents import WIDE, a_collection, a_cut, a_document, a_manifest, letters
from rowen.values import Answer, Choice, Embeddings, Mistaken, Reader, Unavailable, says

READER = Reader(tenant="acme")
HOME = a_collection()


def soon(stage):
    return WithinTable(**{stage: 0.001})


class Letters:
    fingerprint = "letters"

    async def __call__(self, texts, *, role="document"):
        return Embeddings(b"".join(letters(text) for text in texts), WIDE, len(texts))


async def never(*_, **__):
    await asyncio.Event().wait()


class Endless(Letters):
    async def __call__(self, texts, *, role="document"):
        return await never()


async def down(*_, **__):
    raise Unavailable("upstream_connect", "It cannot be reached.", who="judge")


async def backwards(question, texts):
    return [float(number) for number in range(len(texts))]


async def same_question(request):
    return Answer(choices=(Choice(message=says("assistant", "How long is parental leave?"), reason="stop"),))


class Slow:
    """A store of knowledge of which some verbs never end."""

    def __init__(self, knowledge, *verbs):
        self._knowledge, self._verbs = knowledge, verbs

    def __getattr__(self, name):
        return never if name in self._verbs else getattr(self._knowledge, name)


@pytest.fixture
async def knowledge():
    store = await open_store("memory:", clock=FakeClock())
    build = await store.knowledge.begin(HOME, a_manifest(), now_ns=1)
    for name, text in (("a", "Parental leave is twelve weeks."), ("b", "Parking is free, leave the yard by ten.")):
        await store.knowledge.write(HOME, a_document(name, text), [a_cut(build, a_document(name, text), 0)])
    await store.knowledge.ready(build.id)
    await store.knowledge.switch(build.id, now_ns=2)
    yield store.knowledge
    await store.close()


async def found(knowledge, *, within, embed=None, clock=None, rerank=None, ask=None, tables=None, **settings):
    means = Means(
        knowledge=knowledge,
        clock=clock or FakeClock(),
        embeds=(embed or Letters(),),
        rerank=rerank,
        ask=ask,
        tables=tables,
    )
    search = Searching(HOME, RetrieveSettings(within=within, **settings), means)
    found = await search("How long is parental leave?", reader=READER, top=2)
    left = {stage.name: stage.facts["left_out"] for stage in found.stages if "left_out" in stage.facts}
    return [each.uri for each in found.passages], left, found


@pytest.mark.parametrize(
    ("stage", "slow", "settings"),
    [
        ("embed", {"embed": Endless()}, {}),
        ("rerank", {"rerank": never}, {}),
        ("rewrite", {"ask": never}, {"rewrite": "model"}),
    ],
)
async def test_a_stage_that_takes_too_long_is_left_out_with_the_reason_and_the_rest_is_found(
    knowledge, stage, slow, settings
):
    uris, left, _ = await found(knowledge, within=soon(stage), **slow, **settings)

    assert left == {stage: "it took longer than 0.001 s"}
    assert uris[0] == "a.md"


@pytest.mark.parametrize(("slow", "other"), [("dense", "lexical"), ("lexical", "dense")])
async def test_a_way_of_searching_that_takes_too_long_leaves_it_to_the_other(knowledge, slow, other):
    uris, left, whole = await found(Slow(knowledge, slow), within=soon(slow))

    assert left == {slow: "it took longer than 0.001 s"}
    assert uris[0] == "a.md"
    assert set(whole.passages[0].legs) == {other}


async def test_the_only_way_of_searching_is_waited_for_however_long_it_takes(knowledge):
    class Slowly(Slow):
        async def lexical(self, *words, **more):
            for _ in range(100):  # many turns of the loop, past any bound
                await asyncio.sleep(0.0001)
            return await self._knowledge.lexical(*words, **more)

    uris, left, _ = await found(Slowly(knowledge), within=soon("lexical"), search="lexical", embed=None)

    assert uris[0] == "a.md"
    assert left == {}


async def test_what_differs_is_not_asked_for_when_there_is_no_time_to_tell(knowledge):
    uris, left, _ = await found(Slow(knowledge, "vectors"), within=soon("diversify"), diversity=0.5)

    assert left == {"diversify": "it took longer than 0.001 s"}
    assert uris[0] == "a.md"


async def test_tables_that_take_too_long_leave_figures_to_the_texts(knowledge):
    uris, left, _ = await found(knowledge, within=soon("tables"), tables=never)

    assert left == {"tables": "it took longer than 0.001 s"}
    assert uris[0] == "a.md"


async def test_when_the_whole_time_is_spent_nothing_is_begun_that_can_be_done_without(knowledge):
    class Running(FakeClock):
        """Two seconds pass whenever somebody looks."""

        def monotonic(self):
            self.move(2)
            return super().monotonic()

    uris, left, _ = await found(
        knowledge, within=WithinTable(whole=1), rerank=backwards, diversity=0.5, clock=Running()
    )

    assert left == dict.fromkeys(
        ("embed", "rerank", "diversify"), "no time was left for it"
    )  # words alone are looked for
    assert uris[0] == "a.md"


async def test_what_cannot_be_reached_is_left_out_where_a_search_can_do_without_it(knowledge):
    for slow, settings in (({"rerank": down}, {}), ({"ask": down}, {"rewrite": "model"})):
        uris, left, _ = await found(knowledge, within=WithinTable(), **slow, **settings)

        assert [*left.values()] == ["It cannot be reached."]
        assert uris[0] == "a.md"


async def test_what_is_measured_is_whole_or_fails(knowledge):
    (live,) = await knowledge.builds(HOME)
    means = Means(knowledge=knowledge, clock=FakeClock(), embeds=(Letters(),), rerank=down, whole=True)

    with pytest.raises(Unavailable, match="cannot be reached"):
        await searched(live, RetrieveSettings(within=soon("rerank")), means, "leave", reader=READER, top=1)


async def test_a_mistake_is_no_delay_and_is_raised():
    async def wrong():
        raise Mistaken("config_invalid", "There is no such model.", place="rerank")

    with pytest.raises(Mistaken):
        await Pace(FakeClock(), soon("rerank")).within("rerank", wrong, lambda _: {})


async def test_with_time_enough_nothing_is_left_out(knowledge):
    within = WithinTable(**dict.fromkeys(WithinTable.__struct_fields__, 60))
    uris, left, whole = await found(
        knowledge, within=within, rerank=backwards, diversity=0.1, ask=same_question, rewrite="model"
    )

    assert left == {}
    assert [stage.name for stage in whole.stages] == [
        "rewrite", "embed", "dense", "lexical", "fuse", "read", "rerank", "diversify",
    ]  # fmt: skip
    assert len(uris) == 2


def whole_search(knowledge):
    settings = RetrieveSettings(rewrite="model", graph="rules", diversity=0.5)
    means = Means(
        knowledge=knowledge, clock=FakeClock(), embeds=(Letters(),), rerank=backwards, ask=same_question, tables=never
    )
    return stages_of(settings, means), Telling(tables=means.tables)


async def test_a_stage_that_is_left_out_leaves_what_is_sought_as_it_was_and_one_that_is_needed_is_done_all_the_same(
    knowledge,
):
    (live,) = await knowledge.builds(HOME)
    live = live.but(manifest=live.manifest.but(graph="rules"))
    stages, telling = whole_search(knowledge)
    asked = "How long is parental leave?"
    sought = Sought(build=live, question=asked, questions=(asked,), reader=READER, top=2)

    for stage in (telling, *stages):
        clock = FakeClock()
        late = Pace(clock, WithinTable(whole=1))
        clock.move(2)
        done = sought if stage is telling else await stage(sought, Pace(clock, None))
        match stage.spare:
            case [name]:
                assert await stage(sought, late) == sought
                assert [(each.name, each.facts) for each in late.done] == [
                    (name, {"left_out": "no time was left for it"})
                ]
            case _:  # both ways of searching were begun together, so the quicker one is there
                assert await stage(sought, late) == done
        sought = done

    assert [each.uri for each in sought.chosen]


def test_what_may_be_left_out_of_a_search_is_what_its_times_are_set_for(knowledge):
    stages, telling = whole_search(knowledge)

    spared = [name for stage in (*stages, telling) for name in stage.spare]

    assert sorted([*spared, "whole"]) == sorted(WithinTable.__struct_fields__)
