import base64

import pytest

from rowen.improve.tune import Bench, read
from rowen.improve.tune.learn import adapter_of, beside
from rowen.improve.tune.space import point_of
from rowen.values import Mistaken, SystemClock

from .conftest import HOME, Chance


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


async def test_beside_a_candidate_an_adapter_is_tried_on_what_was_held_out_and_learnt_from_all(make_bench, worlds):
    world = worlds(documents=40, each=4)
    bench, parts = await make_bench(world, embed="turned"), world.parts()

    found = await beside(bench, point_of(bench.settings), parts)

    assert found.adapter is not None
    assert not found.reason
    assert found.outcome.questions == len(parts.chosen_by)
    assert found.held.n == len({each.group for each in parts.held_out})
    assert found.held.high > 0
    asked = len(parts.chosen_by) + len(parts.held_out)
    assert len(base64.b64decode(found.adapter.anchors)) == asked * found.adapter.dimensions


async def test_an_adapter_that_harms_what_was_held_out_is_refused(make_bench, worlds):
    class Anything(Chance):
        fingerprint = "turned"

    class Spoilt(Bench):
        def adapted(self, adapter):
            return Bench(self.knowledge, HOME, self.settings, lambda _: Anything(), SystemClock(), characters=400)

    world = worlds(documents=40, each=4)
    bench = await make_bench(world, Spoilt, embed="turned")

    found = await beside(bench, point_of(bench.settings), world.parts())

    assert found.held.high < 0
    assert found.adapter is None
    assert "harm" in found.reason


async def test_a_candidate_for_which_none_can_be_learnt_says_why(make_bench, world):
    lexical = await make_bench(world, embed="", search="lexical")

    found = await beside(lexical, point_of(lexical.settings), world.parts())

    assert found.adapter is None
    assert "embedder" in found.reason


async def test_without_vectors_or_with_few_questions_nothing_is_learnt(make_bench, world):
    lexical, small = await make_bench(world, embed="", search="lexical"), await make_bench(world)
    asked = read("\n".join(world.lines), world.documents, place="q")

    with pytest.raises(Mistaken, match="embedder"):
        await adapter_of(lexical, point_of(lexical.settings), asked)
    with pytest.raises(Mistaken, match="30 or more"):
        await adapter_of(small, point_of(small.settings), asked[:10])
