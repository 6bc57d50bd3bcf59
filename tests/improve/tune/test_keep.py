"""What a run has paid for is not paid for again, and money ends it as time does."""

from decimal import Decimal

import pytest

from rowen.improve.tune import Bench, Budget, Space, tuned
from rowen.improve.tune.keep import Keep, Purse, whole
from rowen.improve.tune.space import point_of
from rowen.provider.prices import Prices, Snapshot
from rowen.retrieve.base import ChunkTable, RetrieveSettings
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import (
    Answer,
    Broken,
    Choice,
    Deployment,
    Embeddings,
    Mistaken,
    Profile,
    Request,
    Said,
    SystemClock,
    Usage,
    Used,
    says,
)

NOTHING = Space(kind=(), size=(), overlap=(), context=(), embed=(), search=(), weight=(), top=(), diversity=())


class Counting:
    """Notes the texts of documents that it makes vectors of."""

    def __init__(self, embed, stop_after=10**9):
        self.embed, self.fingerprint, self.stop_after = embed, embed.fingerprint, stop_after
        self.documents, self.questions = [], []

    async def __call__(self, texts, *, role="document"):
        told = self.questions if role == "query" else self.documents
        if len(told) >= self.stop_after:
            raise Broken("bug", "killed")
        told += [text for text in texts if text != "dimensions"]
        return await self.embed(texts, role=role)


def counted(bench, embed, **more):
    return Bench(
        bench.knowledge,
        bench.collection,
        bench.settings.but(embed="words"),
        lambda _: embed,
        SystemClock(),
        characters=400,
        **more,
    )


@pytest.fixture
def words(make_bench):
    async def make(world, embed, **more):
        bench = await make_bench(world, chunk=ChunkTable(size=100, overlap=0, context="none"))
        return counted(bench, embed, **more), bench

    return make


async def test_what_does_not_change_the_index_embeds_no_document(words, world, make_bench):
    embed = Counting((await make_bench(world)).embed("words"))
    bench, _ = await words(world, embed)
    await bench.index(point_of(bench.settings))
    before = len(embed.documents)

    await tuned(bench, NOTHING.but(top=(3, 4), weight=(0.2,), diversity=(0.3,)), world.parts(), clock=SystemClock())

    assert before > 30
    assert len(embed.documents) == before
    assert len(embed.questions) == len(set(embed.questions))


async def test_another_way_to_cut_embeds_only_the_texts_that_are_new(words, world, make_bench):
    embed = Counting((await make_bench(world)).embed("words"))
    bench, _ = await words(world, embed)

    await tuned(
        bench, NOTHING.but(overlap=(0.3,), size=(60,)), world.parts(), clock=SystemClock(), budget=Budget(600, 4)
    )

    assert len(embed.documents) == len(set(embed.documents))


async def test_a_run_that_was_killed_pays_for_the_rest_alone(words, worlds, make_bench):
    world = worlds(documents=40, each=1)
    plain = (await make_bench(world)).embed("words")
    dying, living = Counting(plain, stop_after=40), Counting(plain)
    first, home = await words(world, dying)
    with pytest.raises(Broken):
        await tuned(first, NOTHING.but(size=(60,)), world.parts(), clock=SystemClock())

    again = counted(home, living)
    await tuned(again, NOTHING.but(size=(60,)), world.parts(), clock=SystemClock())

    assert dying.documents
    assert not set(dying.documents[:-1]) & set(living.documents)
    assert len(living.documents) == len(set(living.documents))


class Best:
    """Puts the passage with most of the question's words first."""

    def __init__(self):
        self.asked = []

    async def __call__(self, question, texts):
        self.asked.append((question, tuple(texts)))
        return [float(len(set(question.split()) & set(text.split()))) for text in texts]


async def test_a_reranker_that_helps_is_found_and_each_order_is_asked_for_once(make_bench, world):
    bench, best = await make_bench(world), Best()
    records = (await open_store("memory:", clock=FakeClock())).records

    def reranking():
        return Bench(
            bench.knowledge,
            bench.collection,
            bench.settings,
            bench.embed,
            SystemClock(),
            characters=400,
            reranks=lambda _: best,
            keep=Keep(records),
        )

    found = await tuned(reranking(), NOTHING.but(rerank=("onnx:cross",)), world.parts(), clock=SystemClock())
    asked = len(best.asked)
    again = await tuned(reranking(), NOTHING.but(rerank=("onnx:cross",)), world.parts(), clock=SystemClock())

    assert found.winner.rerank == "onnx:cross"
    assert found.proven
    assert asked == len(set(best.asked)) == len(best.asked)
    assert again.gain == found.gain


async def test_what_the_app_has_not_is_left_out_with_the_reason(make_bench, world):
    bench = await make_bench(world)

    found = await tuned(
        bench,
        NOTHING.but(rerank=("model:judge",), rewrite=("model",), context=("model:writer",)),
        world.parts(),
        clock=SystemClock(),
    )

    assert len(found.left_out) >= 3
    assert {"judge" in why or "no model" in why for why in found.left_out.values()} == {True}


async def test_a_model_is_asked_each_thing_once_over_all_runs():
    records, asked = (await open_store("memory:", clock=FakeClock())).records, []

    async def ask(request):
        asked.append(request.messages[-1].text)
        return Answer(choices=(Choice(message=says("assistant", "other words"), reason="stop"),))

    one, other = Keep(records).asking(ask), Keep(records).asking(ask)
    request = Request(model="m", messages=(says("user", "a question"),))

    answers = [(await each(request)).text for each in (one, one, other)]

    assert answers == ["other words"] * 3
    assert asked == ["a question"]


async def test_vectors_of_questions_stay_too():
    records, embed = (await open_store("memory:", clock=FakeClock())).records, Counting(Small())

    made = [await Keep(records).embedding(embed)(["a"], role="query") for _ in range(2)]

    assert made[0] == made[1] == Embeddings(b"\0\0\x80?", 1, 3)
    assert embed.questions == ["a"]


class Small:
    fingerprint = "small"

    async def __call__(self, texts, *, role="document"):
        return Embeddings(b"\0\0\x80?" * len(texts), 1, 3)


PAID = Deployment(name="gpt/0", model="gpt", provider="openai", upstream="gpt-4.1-mini", profile=Profile())
UNKNOWN = Deployment(name="own/0", model="own", provider="vllm", upstream="nobody-knows", profile=Profile())


async def answering(request, deployment):
    yield (Said(text="yes"),)
    yield (Used(usage=Usage(input_tokens=1_000_000, output_tokens=0)),)


async def test_what_models_cost_is_counted_and_an_unknown_price_is_an_error_where_money_is_limited():
    purse, free = Purse(Decimal(1)), Purse()
    prices = Prices(Snapshot.load())
    request = Request(model="", messages=(says("user", "?"),))

    ask = whole(purse.metered(answering, [PAID, UNKNOWN], prices, SystemClock()), [PAID, UNKNOWN], "gpt")
    answer = await ask(request)

    assert answer.text == "yes"
    assert purse.spent == Decimal("0.4")
    assert not purse.over()
    assert purse.over(0.3)
    with pytest.raises(Mistaken, match="not known"):
        await ask(request.but(model="own"))
    unlimited = whole(free.metered(answering, [UNKNOWN], prices, SystemClock()), [UNKNOWN], "own")
    assert (await unlimited(request)).text == "yes"
    assert not free.over()


async def test_when_the_money_is_spent_no_new_candidate_is_begun(make_bench, world):
    plain = await make_bench(world)
    purse = Purse(Decimal(1))

    class Dear:
        fingerprint = "words"

        async def __call__(self, texts, *, role="document"):
            purse.spent += Decimal("0.02")
            return await plain.embed("words")(texts, role=role)

    bench = counted(plain, Dear(), purse=purse)

    found = await tuned(bench, NOTHING.but(size=(40, 60, 80)), world.parts(), clock=SystemClock())

    assert "no money was left" in found.left_out.values()
    assert found.spent == purse.spent
    assert RetrieveSettings().budget  # the app's own table is left as it is


async def test_under_another_number_the_same_is_asked_once_more_and_then_known():
    asked = []

    async def ask(request):
        asked.append(request)
        return Answer(choices=(Choice(message=says("assistant", f"{len(asked)}"), reason="stop"),))

    keep, request = Keep(), Request(model="m", messages=(says("user", "Hello"),))

    said = [(await keep.asking(ask, number)(request)).text for number in (0, 1, 0, 1, 2)]

    assert said == ["1", "2", "1", "2", "3"]
