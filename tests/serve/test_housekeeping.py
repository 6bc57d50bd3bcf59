from rowen.serve.housekeeping import Housekeeping
from rowen.serve.settings import ServerSettings
from rowen.store.base import TraceFilter, Turn
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import Answer, Trace, TraceRow

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


async def test_zero_days_keep_for_ever():
    clock = FakeClock()
    store = await open_store("memory:", clock=clock)
    await store.traces.write([trace(1, 0)])

    removed = await Housekeeping(store, ServerSettings(trace_days=0, turn_days=0), clock).once()

    assert removed == 0
