"""Which traces of spans stay: failures, slow ones and those scored low always, of the others a share."""

import random

import pytest

from rowen.store.base import TraceFilter
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.trace.intake.sample import Sampler, SampleSettings, lucky, told
from rowen.values import Observed, Score, Span, SpanRow, Trace, TraceRow

SETTINGS = SampleSettings(ratio=0.2, slow=10, low=0.5, wait=600, patience=3600)


def span(trace: str, started_ns: int, *, seconds: float = 1, status="ok", parent="", tenant="acme") -> Observed:
    return Observed(
        row=SpanRow(
            trace=trace, id="1" * 16, parent=parent, name="work", started_ns=started_ns,
            duration_ns=int(seconds * 1e9), status=status, tenant=tenant, app="shop",
        ),
        span=Span(
            trace=trace, id="1" * 16, parent=parent, name="work", started_ns=started_ns,
            ended_ns=started_ns + int(seconds * 1e9), status=status,
        ),
    )  # fmt: skip


def ids(count: int, seed: int = 1) -> list[str]:
    rand = random.Random(seed)
    return [f"{rand.getrandbits(128):032x}" for _ in range(count)]


async def stays(store) -> set[str]:
    return {row.id for row in await store.traces.find(TraceFilter(limit=10_000))}


@pytest.fixture
async def world():
    clock = FakeClock()
    store = await open_store("memory:", clock=clock)
    return store, clock, Sampler(store.traces, store.scores, SETTINGS, clock)


async def test_after_the_wait_a_share_of_ordinary_traces_stays_and_all_that_are_worth_it(world):
    store, clock, sampler = world
    now = clock.now_ns()
    ordinary, failed, slow, low, fine = (ids(300, seed) for seed in range(5))
    await store.traces.observe([span(id, now) for id in [*ordinary, *low, *fine]])
    await store.traces.observe([span(id, now, status="error") for id in failed])
    await store.traces.observe([span(id, now, seconds=10) for id in slow])
    await store.scores.put(
        [
            Score(id=f"{id}-s", tenant="acme", trace=id, name="n", value=value, number=value, source="rule")
            for value, some in ((0.2, low), (0.9, fine))
            for id in some
        ]
    )

    clock.move(590)
    early = await sampler.sweep()
    clock.move(20)
    erased = await sampler.sweep()

    left = await stays(store)
    unlucky = {id for id in [*ordinary, *fine] if not lucky(id, 0.2)}
    assert early == 0
    assert erased == sampler.erased == len(unlucky)
    assert left == {*ordinary, *failed, *slow, *low, *fine} - unlucky


async def test_a_trace_without_its_root_is_given_more_time(world):
    store, clock, sampler = world
    unlucky = next(id for id in ids(100) if not lucky(id, 0.2))
    await store.traces.observe([span(unlucky, clock.now_ns(), parent="2" * 16)])

    clock.move(700)
    await sampler.sweep()
    after_the_wait = await stays(store)
    clock.move(3600)
    await sampler.sweep()

    assert after_the_wait == {unlucky}
    assert await stays(store) == set()


async def test_calls_through_rowen_always_stay(world):
    store, clock, sampler = world
    rows = [TraceRow(id=id, started_ns=clock.now_ns(), duration_ns=1, app="a", definition="d") for id in ids(20)]
    await store.traces.write([Trace(row=row) for row in rows])

    clock.move(700)
    await sampler.sweep()

    assert await stays(store) == {row.id for row in rows}


async def test_what_one_tenants_scores_say_does_not_concern_another(world):
    store, clock, sampler = world
    unlucky = next(id for id in ids(100) if not lucky(id, 0.2))
    await store.traces.observe([span(unlucky, clock.now_ns(), tenant="acme")])
    await store.scores.put(
        [Score(id="s", tenant="globex", trace=unlucky, name="n", value=0.0, number=0.0, source="rule")]
    )

    clock.move(700)

    assert await sampler.sweep() == 1


async def test_a_restart_looks_at_what_came_before_and_a_second_sweep_erases_nothing_more(world):
    store, clock, sampler = world
    some = ids(300)
    await store.traces.observe([span(id, clock.now_ns()) for id in some])
    clock.move(700)

    afresh = Sampler(store.traces, store.scores, SETTINGS, clock)
    first, again, other = await afresh.sweep(), await afresh.sweep(), await sampler.sweep()

    assert (first, again, other) == (sum(not lucky(id, 0.2) for id in some), 0, 0)


@pytest.mark.parametrize("ratio", [0.0, 0.05, 0.5, 1.0])
def test_the_share_is_as_large_as_it_is_told(ratio):
    some = ids(20_000)

    share = sum(lucky(id, ratio) for id in some) / len(some)

    # four standard deviations of a binomial share
    assert abs(share - ratio) <= 4 * (ratio * (1 - ratio) / len(some)) ** 0.5


def test_the_choice_follows_from_the_id_alone_and_a_larger_share_holds_the_smaller():
    for id in ids(1_000):
        assert lucky(id, 0.1) <= lucky(id, 0.5)
    # the threshold of OpenTelemetry's consistent sampling: the last 56 bits against (1 - ratio) * 2^56
    assert lucky("0" * 18 + "80000000000000", 0.5)
    assert not lucky("f" * 18 + "7fffffffffffff", 0.5)


def test_a_root_says_how_it_was_sampled():
    assert told("f" * 32, SETTINGS) == {"rowen.sample.ratio": 0.2, "rowen.sample.lucky": True}
    assert told("f" * 32, SampleSettings()) == {}
