"""Breakers, known limits, latencies and orders: what decides who is asked."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.route import Breaking, FleetState
from rowen.route.breaker import Breaker
from rowen.route.bucket import Bucket
from rowen.route.order import ordered

RULE = Breaking(window=30, least=4, rate=0.5, rest=5, longest_rest=15)


def opened(at=0.0) -> Breaker:
    breaker = Breaker(RULE)
    for _ in range(4):
        breaker.bad(at)
    return breaker


def test_a_breaker_concludes_nothing_from_few_attempts():
    breaker = Breaker(RULE)
    for _ in range(3):
        breaker.bad(0)

    assert breaker.allows(0)


def test_a_breaker_opens_at_its_rate_and_not_below():
    breaker = Breaker(RULE)
    for _ in range(5):
        breaker.good(0)
    for _ in range(4):
        breaker.bad(0)

    assert breaker.state == "closed"
    breaker.bad(0)
    assert breaker.state == "open"


def test_failures_older_than_the_window_are_forgotten():
    breaker = Breaker(RULE)
    for _ in range(3):
        breaker.bad(0)

    breaker.bad(31)

    assert breaker.state == "closed"


def test_after_its_rest_a_single_probe_is_let_through():
    breaker = opened()

    assert not breaker.enter(4.9)
    assert breaker.enter(5)
    assert breaker.state == "half_open"
    assert not breaker.enter(5)
    assert not breaker.allows(100)


def test_a_good_probe_closes_and_the_old_failures_are_forgotten():
    breaker = opened()
    breaker.enter(5)

    breaker.good(6)
    breaker.bad(6)

    assert breaker.state == "closed"


def test_each_failed_probe_doubles_the_rest_up_to_a_bound():
    breaker = opened()
    rests = []
    now = 0.0
    for _ in range(4):
        rests.append(breaker.opens_in(now))
        now += rests[-1]
        assert breaker.enter(now)
        breaker.bad(now)

    assert rests == [5, 10, 15, 15]


def test_a_probe_that_says_nothing_leaves_the_place_to_the_next():
    breaker = opened()
    breaker.enter(5)

    breaker.nothing()

    assert breaker.enter(5)


@given(st.lists(st.tuples(st.sampled_from(["good", "bad", "nothing", "enter"]), st.floats(0, 20)), max_size=60))
def test_a_breaker_never_lets_two_probes_through_at_once(steps):
    breaker = Breaker(RULE)
    now = 0.0
    probing = False
    for what, later in steps:
        now += later
        if what == "enter":
            was = breaker.state
            if breaker.enter(now):
                assert not (was != "closed" and probing)
                probing = was != "closed"
        elif what == "nothing":
            breaker.nothing()
            probing = False
        else:
            getattr(breaker, what)(now)
            probing = False


def test_a_bucket_fills_evenly_up_to_one_minute():
    bucket = Bucket(60)
    assert bucket.fits(60, 1000)
    bucket.take(60)

    assert not bucket.fits(1, 1000)
    assert bucket.fits_in(10, 1000) == 10
    assert bucket.fits(10, 1010)
    assert bucket.left(5000) == 60


def test_more_than_a_bucket_holds_fits_when_it_is_full():
    bucket = Bucket(100)

    assert bucket.fits(500, 1000)
    bucket.take(500)
    assert not bucket.fits(500, 1060)
    assert bucket.fits(500, 1000 + 300)


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0, 30)), max_size=50))
def test_a_bucket_never_gives_more_than_its_rate_and_one_minute_ahead(steps):
    bucket = Bucket(60)
    start = now = 1000.0
    taken = 0
    for amount, later in steps:
        now += later
        if bucket.fits(amount, now):
            bucket.take(amount)
            taken += amount

    assert taken <= 60 + (now - start) + 1e-6


def standings(kit, clock, *deployments):
    state = FleetState(clock, RULE)
    return [state.of(deployment) for deployment in deployments]


def test_weights_are_shares_of_the_first_place(kit, clock):
    many = standings(kit, clock, kit.deployment("a", weight=3), kit.deployment("b", weight=1))
    rand = random.Random(5).random

    first = Counter(ordered("weight", many, rand)[0].deployment.name for _ in range(4000))

    assert abs(first["a"] - 3000) < 150  # five standard deviations


def test_a_weight_of_zero_is_only_asked_after_the_others(kit, clock):
    many = standings(kit, clock, kit.deployment("spare", weight=0), kit.deployment("a"))

    orders = {tuple(s.deployment.name for s in ordered("weight", many, random.Random(n).random)) for n in range(20)}

    assert orders == {("a", "spare")}


def test_least_busy_counts_calls_under_way_for_their_weight(kit, clock):
    big, small = standings(kit, clock, kit.deployment("big", weight=4), kit.deployment("small", weight=1))
    for _ in range(3):
        big.enter(0)
    small.enter(0)

    assert ordered("least_busy", [small, big], random.random) == [big, small]


def test_latency_prefers_the_quick_and_tries_the_unmeasured_first(kit, clock):
    slow, quick, fresh = standings(kit, clock, *(kit.deployment(name) for name in ("slow", "quick", "fresh")))
    slow.began_after(2.0)
    quick.began_after(0.1)

    assert ordered("latency", [slow, quick, fresh], random.random) == [fresh, quick, slow]


def test_an_old_latency_fades_so_that_the_slow_are_tried_again(kit, clock):
    slow, quick = standings(kit, clock, kit.deployment("slow"), kit.deployment("quick"))
    slow.began_after(2.0)
    clock.seconds += 600
    quick.began_after(0.1)

    assert ordered("latency", [quick, slow], random.random) == [slow, quick]


@pytest.mark.parametrize("strategy", ["weight", "least_busy", "latency", "order"])
def test_deployments_of_another_region_come_last_whatever_the_strategy(kit, clock, strategy):
    far, near, anywhere = standings(
        kit, clock,
        kit.deployment("far", region="us", weight=9), kit.deployment("near", region="eu"), kit.deployment("anywhere"),
    )  # fmt: skip
    near.began_after(2.0)
    near.enter(0)

    orders = [
        [s.deployment.name for s in ordered(strategy, [far, near, anywhere], random.Random(n).random, "eu")]
        for n in range(50)
    ]

    assert all(each[-1] == "far" for each in orders)
    assert any(
        ordered(strategy, [far, near, anywhere], random.Random(n).random)[0].deployment.name == "far" for n in range(50)
    )


async def test_health_says_how_every_deployment_stands(kit, clock):
    script = kit.Script(a=[kit.broken("upstream_limited", retry_after=9)], b=[kit.whole("b")])
    stage = kit.stage(script, kit.route("a", "b", deployments={"requests_per_minute": 10}))
    await stage.answer()

    a, b = stage.state.health()

    assert (a.deployment, a.state, a.limited, a.last_code, a.retry_in) == ("a", "closed", 1, "upstream_limited", 9)
    assert (b.ok, b.failed, b.in_flight, b.requests_left, b.first_ms) == (1, 0, 0, 9, 0.0)
    clock.seconds += 301
    assert stage.state.health()[1].ok == 0


async def test_another_definition_shares_what_is_known_of_what_is_the_same_in_both(kit, clock):
    state = FleetState(clock, RULE)
    same, old, new = kit.deployment("same"), kit.deployment("m", weight=1), kit.deployment("m", weight=2)
    known = [state.of(deployment) for deployment in (same, old, kit.deployment("gone"))]

    heir = state.heir([same])

    assert heir.of(same) is state.of(same) is known[0]
    assert heir.of(new) is not known[1]
    assert state.of(old) is known[1]
    assert [health.deployment for health in heir.health()] == ["same", "m"]
