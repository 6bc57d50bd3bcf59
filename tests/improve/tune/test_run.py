import pytest

from rowen.improve.tune import Bench, Budget, Space, tuned
from rowen.improve.tune.report import markdown, table, verdict
from rowen.improve.tune.space import point_of
from rowen.values import Mistaken, SystemClock

NOTHING = Space(kind=(), size=(), overlap=(), context=(), embed=(), search=(), weight=(), top=(), diversity=())
SMALL = NOTHING.but(embed=("words",), top=(3,))


class Ticking(SystemClock):
    """Each look at it takes a second."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 1.0
        return self.now


class Watched(Bench):
    """Notes which candidate was asked what."""

    async def ask(self, point, question, measure):
        self.__dict__.setdefault("seen", []).append((point, question.id))
        return await super().ask(point, question, measure)


async def test_the_better_candidate_is_found_and_proven_on_what_was_held_out(make_bench, world):
    bench, parts = await make_bench(world), world.parts()

    found = await tuned(bench, SMALL, parts, clock=SystemClock(), budget=Budget(600, 8))

    assert found.winner.embed == "words"
    assert found.proven
    assert found.gain.low > 0.3
    assert found.held == len(parts.held_out)
    embed = next(each for each in found.effects if each.choice == "embed")
    assert embed.matters
    assert "better" in verdict(found)
    assert 'embed = "words"' in table(found, "docs")


async def test_a_difference_that_is_noise_is_called_noise(make_bench, world):
    bench = await make_bench(world, embed="chance", search="dense")

    found = await tuned(bench, NOTHING.but(diversity=(0.05, 0.1)), world.parts(), clock=SystemClock())

    assert not any(each.matters for each in found.effects)
    assert not found.proven
    assert verdict(found).startswith("Keep")
    assert "| noise |" in markdown(found, "docs")
    assert table(found, "docs").startswith("# Keep")


async def test_nothing_but_the_baseline_and_the_winner_is_asked_what_is_held_out(make_bench, world):
    bench, parts = await make_bench(world, Watched), world.parts()
    out = {each.id for each in parts.held_out}

    found = await tuned(bench, SMALL, parts, clock=SystemClock(), budget=Budget(600, 8))

    assert {point for point, id in bench.seen if id in out} == {found.baseline, found.winner}
    first = min(at for at, (_, id) in enumerate(bench.seen) if id in out)
    kept = {each.id for each in parts.chosen_by}
    chosen = {point for point, id in bench.seen[:first] if id in kept}
    assert {point for point, id in bench.seen[first:] if id in kept} <= chosen


async def test_what_answers_the_questions_held_out_changes_no_choice(make_bench, world):
    parts = world.parts()
    wrong = tuple(each._replace(documents=("d0",)) for each in parts.held_out)

    one = await tuned(await make_bench(world), SMALL, parts, clock=SystemClock(), budget=Budget(600, 8))
    other = await tuned(
        await make_bench(world), SMALL, parts._replace(held_out=wrong), clock=SystemClock(), budget=Budget(600, 8)
    )

    assert one.winner == other.winner
    assert one.effects == other.effects
    assert [row.quality for row in one.rows] == [row.quality for row in other.rows]
    assert one.after != other.after


async def test_when_the_time_is_spent_the_rest_is_left_out_by_name_and_the_baseline_is_reported(make_bench, world):
    bench = await make_bench(world, clock=Ticking())

    found = await tuned(bench, SMALL, world.parts(), clock=Ticking(), budget=Budget(20, 8))

    assert found.winner == found.baseline
    assert "no time was left" in found.left_out.values()
    assert "no time was left" in markdown(found, "docs")
    assert found.before.n > 0


async def test_a_candidate_that_cannot_be_made_is_left_out_with_the_reason(make_bench, world):
    bench = await make_bench(world)

    found = await tuned(bench, NOTHING.but(kind=("recursiv",), embed=("words",)), world.parts(), clock=SystemClock())

    assert any("recursive" in reason for reason in found.left_out.values())
    assert found.winner.embed == "words"


async def test_a_baseline_that_cannot_be_made_is_an_error(make_bench, world):
    bench = await make_bench(world, chunk=(await make_bench(world)).settings.chunk.but(kind="nothing"))

    with pytest.raises(Mistaken, match="chunker"):
        await tuned(bench, SMALL, world.parts(), clock=SystemClock())


async def test_an_index_that_is_there_is_not_made_again(make_bench, world):
    bench, parts = await make_bench(world), world.parts()
    await tuned(bench, SMALL, parts, clock=SystemClock(), budget=Budget(600, 8))
    before = {each.id for each in await bench.knowledge.builds(bench.collection)}

    class Never:
        fingerprint = "words"

        async def __call__(self, texts, *, role="document"):
            assert role == "query" or list(texts) == ["dimensions"]
            return await bench.embed("words")(texts, role=role)

    again = Bench(
        bench.knowledge,
        bench.collection,
        bench.settings.but(embed="words"),
        lambda _: Never(),
        SystemClock(),
        characters=400,
    )
    found = await tuned(again, NOTHING, parts, clock=SystemClock(), budget=Budget(600, 1))

    assert {each.id for each in await bench.knowledge.builds(bench.collection)} == before
    assert found.before.value > 0.5


async def test_a_threshold_is_chosen_by_questions_that_nothing_answers(make_bench, world):
    strange = [f'{{"question": "zzq{n} yyw{n} xxv{n} uut{n}"}}' for n in range(60)]
    bench = await make_bench(world, embed="words", search="hybrid")

    found = await tuned(bench, NOTHING, world.parts(*strange), clock=SystemClock())

    assert found.threshold.how == "given"
    assert found.threshold.share == pytest.approx(0.5, abs=0.1)
    assert found.threshold.refused.value > 0.5
    assert found.threshold.answered.value > 0.5
    assert "answer_above = " in table(found, "docs")


async def test_where_none_are_given_documents_are_taken_away_and_the_threshold_tells_them_apart(make_bench, world):
    bench = await make_bench(world, embed="words", search="hybrid")

    found = await tuned(bench, NOTHING, world.parts(), clock=SystemClock(), unanswerable=0.3)

    assert (found.threshold.how, found.threshold.share) == ("taken away", 0.3)
    assert found.threshold.refused.value > 0.5
    assert found.threshold.answered.value > 0.5
    assert found.threshold.wrong.value <= 0.2
    assert found.threshold.curve[0].coverage == 1.0
    assert found.threshold.curve[0].risk > found.threshold.curve[-1].risk
    assert "as if the documents that answer it were not there" in markdown(found, "docs")


async def test_what_is_asked_away_does_not_find_what_answers_it(make_bench, world):
    bench = await make_bench(world, embed="words", search="hybrid")
    point, question = point_of(bench.settings), world.parts().chosen_by[0]

    (there, _), (away, _) = await bench.found(point, question), await bench.found(point, question, away=True)

    assert set(question.documents) <= {each.document for each in there.passages}
    assert away.passages
    assert not set(question.documents) & {each.document for each in away.passages}
    assert away.confidence < there.confidence


async def test_the_front_has_the_best_and_the_smallest(make_bench, world):
    found = await tuned(await make_bench(world), SMALL, world.parts(), clock=SystemClock(), budget=Budget(600, 8))

    best = max(found.rows, key=lambda row: row.quality.value)
    assert any(row.front for row in found.rows if row.quality.value == best.quality.value)
