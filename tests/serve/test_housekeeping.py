from rowen.serve.housekeeping import Housekeeping
from rowen.serve.settings import ServerSettings
from rowen.store.base import Cell, ScoreFilter, TraceFilter, Turn
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import Answer, Score, Trace, TraceRow

DAY = 86_400


def trace(number: int, started_ns: int) -> Trace:
    row = TraceRow(id=f"{number:032x}", started_ns=started_ns, duration_ns=1, app="a", definition="d")
    return Trace(row=row)


async def test_what_is_past_its_time_is_deleted_and_the_rest_stays():
    clock = FakeClock()
    store = await open_store("memory:", clock=clock)
    settings = ServerSettings(trace_days=2, turn_days=1)
    await store.traces.write([trace(1, clock.now_ns())])
    await store.turns.put(
        Turn(id="r", tenant="t", app="a", created_ns=clock.now_ns(), messages=(), answer=Answer(), body="{}")
    )
    clock.move(1.5 * DAY)
    await store.traces.write([trace(2, clock.now_ns())])

    after_a_day_and_a_half = await Housekeeping(store, settings, clock).once()
    clock.move(1 * DAY)
    after_two_and_a_half = await Housekeeping(store, settings, clock).once()

    assert (after_a_day_and_a_half, after_two_and_a_half) == (1, 1)
    assert [row.id for row in await store.traces.find(TraceFilter())] == [f"{2:032x}"]


async def test_scores_are_kept_as_long_as_they_are_told_and_no_longer():
    clock = FakeClock()
    store = await open_store("memory:", clock=clock)
    score = Score(id="old", name="thumbs", type="boolean", value=True, number=1.0, source="user")
    await store.scores.put([score.but(judged_ns=clock.now_ns())])
    clock.move(2 * DAY)
    await store.scores.put([score.but(id="new", judged_ns=clock.now_ns())])
    clock.move(DAY)

    removed = await Housekeeping(store, ServerSettings(score_days=2), clock).once()

    assert removed == 1
    assert [kept.id for kept in await store.scores.find(ScoreFilter())] == ["new"]


async def test_minutes_of_objectives_are_kept_as_long_as_they_are_told_and_no_longer():
    clock = FakeClock()
    store = await open_store("memory:", clock=clock)
    for age in (1, 3):
        await store.measures.add(
            Cell(app="a", objective="slo/up", start_ns=clock.now_ns() - age * DAY * 10**9, total=age)
        )

    removed = await Housekeeping(store, ServerSettings(measure_days=2), clock).once()

    assert removed == 1
    assert [kept.total for kept in await store.measures.find("a", "slo/up")] == [1]


async def test_zero_days_keep_for_ever():
    clock = FakeClock()
    store = await open_store("memory:", clock=clock)
    await store.traces.write([trace(1, 0)])
    await store.scores.put([Score(id="s", name="n", value=1.0, source="rule", judged_ns=1)])

    removed = await Housekeeping(store, ServerSettings(trace_days=0, turn_days=0, score_days=0), clock).once()

    assert removed == 0
