import pytest

from rowen.improve.tune import read
from rowen.improve.tune.learn import adapter_of
from rowen.improve.tune.space import point_of
from rowen.values import Mistaken


async def test_questions_about_one_document_are_seen_together_and_the_table_tells_both(make_bench, worlds):
    world = worlds(documents=20, each=4)
    bench = await make_bench(world, embed="words")

    found = await adapter_of(bench, point_of(bench.settings), read("\n".join(world.lines), world.documents, place="q"))

    # Each is held out twice: with all others about its document, and by chance, where most have one left that is not.
    assert {each.unseen.n for each in found.outcome.trials} == {80}
    assert all(60 <= each.seen.n <= 80 for each in found.outcome.trials)
    assert (found.adapter is None) == (found.outcome.chosen is None)
    assert found.adapter is not None or found.outcome.reason


async def test_an_adapter_is_not_promoted_on_vectors_that_mean_nothing(make_bench, worlds):
    world = worlds(documents=40, each=1)
    bench = await make_bench(world, embed="chance")

    found = await adapter_of(bench, point_of(bench.settings), read("\n".join(world.lines), world.documents, place="q"))

    assert found.adapter is None
    assert found.outcome.reason


async def test_without_vectors_or_with_few_questions_nothing_is_learnt(make_bench, world):
    lexical, small = await make_bench(world, embed="", search="lexical"), await make_bench(world)
    asked = read("\n".join(world.lines), world.documents, place="q")

    with pytest.raises(Mistaken, match="embedder"):
        await adapter_of(lexical, point_of(lexical.settings), asked)
    with pytest.raises(Mistaken, match="30 or more"):
        await adapter_of(small, point_of(small.settings), asked[:10])
