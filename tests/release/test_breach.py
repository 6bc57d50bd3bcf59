"""A candidate that fails is seen within a handful of calls; one that fails like everybody else is not blamed."""

import random

import pytest

from rowen.release.breach import Breach, Sentry, failure
from rowen.values import Arm, Assigned, Call, Door, Fault, Request, Rollout

ROLLOUT = Rollout(
    id="r",
    app="shop",
    strategy="canary",
    arms=(Arm(name="baseline", definition="b", share=0.5), Arm(name="candidate", definition="c", share=0.5)),
)


def call(arm: str, code: str = "", kind: str = "unavailable", **more) -> Call:
    return Call(
        id="1",
        app="shop",
        definition="c",
        assigned=(Assigned(rollout="r", arm=arm, probability=0.5, **more),),
        request=Request(model="m"),
        door=Door(shape="openai.chat"),
        started_ns=1,
        problem=Fault(kind=kind, code=code, message="") if code else None,
    )


def until(
    sentry: Sentry, rate: float, *, base: float = 0.0, most: int = 400, seed: int = 1
) -> tuple[int, Breach | None]:
    chance = random.Random(seed)
    for number in range(1, most + 1):
        sentry.see(call("baseline", "upstream_error" if chance.random() < base else ""), {"r": ROLLOUT})
        breach = sentry.see(call("candidate", "upstream_error" if chance.random() < rate else ""), {"r": ROLLOUT})
        if breach is not None:
            return number, breach
    return most, None


def test_one_that_always_fails_is_seen_after_a_few_calls():
    number, breach = until(Sentry(), 1.0)

    assert number <= 10
    assert str(breach).startswith(f"candidate failed {number} of {number} calls here (upstream_error × {number})")


@pytest.mark.parametrize(("rate", "most"), [(0.5, 40), (0.3, 80)])
def test_one_that_often_fails_is_seen_soon(rate, most):
    assert max(until(Sentry(), rate, seed=seed)[0] for seed in range(20)) <= most


def test_a_provider_that_is_down_for_all_is_no_fault_of_the_candidate():
    assert until(Sentry(), 1.0, base=1.0)[1] is None


def test_one_that_fails_as_seldom_as_it_may_is_left_alone():
    assert sum(until(Sentry(), 0.03, base=0.03, seed=seed)[1] is not None for seed in range(50)) == 0


@pytest.mark.parametrize(
    ("problem", "counts"),
    [
        ({"code": "upstream_timeout"}, True),
        ({"code": "broken", "kind": "broken"}, True),
        ({"code": "model_unknown", "kind": "mistaken"}, True),
        ({"code": "limit_requests", "kind": "refused"}, False),
        ({"code": "field_invalid", "kind": "mistaken"}, False),
    ],
)
def test_what_is_a_callers_own_fault_is_none_of_the_version(problem, counts):
    assert bool(failure(call("candidate", **problem))) == counts


def test_who_leaves_and_what_nobody_sees_count_for_nothing():
    sentry = Sentry()

    left = [sentry.see(call("candidate", "cancelled", "refused"), {"r": ROLLOUT}) for _ in range(50)]
    copies = [sentry.see(call("candidate", "upstream_error", shadow=True), {"r": ROLLOUT}) for _ in range(50)]

    assert left + copies == [None] * 100


def test_a_call_of_a_rollout_that_is_over_by_now_counts_for_nothing():
    sentry = Sentry()

    assert [sentry.see(call("candidate", "upstream_error"), {}) for _ in range(50)] == [None] * 50
    assert until(sentry, 1.0)[0] >= 4


@pytest.mark.parametrize(("running", "begins_anew"), [({"r"}, False), ({"another"}, True), (set(), True)])
def test_a_rollout_that_ended_is_forgotten_and_one_that_runs_is_not(running, begins_anew):
    fresh, sentry = until(Sentry(), 1.0)[0], Sentry()
    before = until(sentry, 1.0, most=3)

    sentry.forget(running)
    later = until(sentry, 1.0)[0]

    assert before == (3, None)
    assert later == fresh if begins_anew else 0 < later < fresh
