"""Which Definition answers a call, while several do."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.evaluate.statistics import split as ratio
from rowen.flow import App, Chain
from rowen.flow.split import split_of
from rowen.testing.clock import FakeClock
from rowen.values import Arm, Call, Definition, Door, Live, Request, Rollout, says

BASE, NEXT, THIRD = "b" * 64, "n" * 64, "t" * 64


async def nothing(call: Call) -> Call:
    return call


def answer(call, tell):
    raise AssertionError("nobody is asked here")


def app(hash: str) -> App:
    chain = Chain(before=(), answer=answer, after=(("trace.record", nothing),))
    definition = Definition(app="shop", hash=hash, source={})
    return App(name="shop", definition=definition, chain=chain, models={}, default_model="m", clock=FakeClock())


APPS = {hash: app(hash) for hash in (BASE, NEXT, THIRD)}


def canary(share: float, **more) -> Rollout:
    arms = (
        Arm(name="baseline", definition=BASE, share=1 - share),
        Arm(name="candidate", definition=NEXT, share=share),
    )
    return Rollout(id="c1", app="shop", strategy="canary", arms=arms, **more)


def experiment(*shares: float, strategy: str = "experiment", hashes: tuple[str, ...] = (BASE, THIRD)) -> Rollout:
    arms = tuple(
        Arm(name=name, definition=hash, share=share) for name, hash, share in zip("ab", hashes, shares, strict=True)
    )
    return Rollout(id="x1", app="shop", strategy=strategy, arms=arms)


def shadow(share: float) -> Rollout:
    arms = (Arm(name="baseline", definition=BASE, share=1 - share), Arm(name="candidate", definition=NEXT, share=share))
    return Rollout(id="s1", app="shop", strategy="shadow", arms=arms)


def call(id: str = "1", *, user: str = "", session: str = "", key: str = "", **more) -> Call:
    door = more.pop("door", Door(shape="openai.chat", key_digest=key))
    request = Request(model="m", messages=(says("user", "hello"),))
    return Call(
        id=id,
        app="shop",
        definition=BASE,
        request=request,
        door=door,
        started_ns=1,
        end_user=user,
        session=session,
        **more,
    )


def front(*rollouts: Rollout, seen=lambda call, asked=None: None) -> App:
    return split_of(Live(app="shop", definition=BASE, rollouts=rollouts), APPS, seen)


def taken(front: App, one: Call) -> Call:
    return front.walk(one).call


def test_without_a_rollout_there_is_nothing_to_ask():
    assert front() is APPS[BASE]
    assert front(canary(0.5).but(state="stopped")) is APPS[BASE]


def test_a_canary_takes_its_share_of_users_and_notes_how_likely_that_was():
    asked = front(canary(0.05))

    calls = [taken(asked, call(user=f"user{number}")) for number in range(20_000)]

    counted = Counter(each.assigned[0].arm for each in calls)
    assert ratio([counted["candidate"], counted["baseline"]], [0.05, 0.95]).p > 0.001
    assert {(each.assigned[0].arm, each.definition, each.assigned[0].probability) for each in calls} == {
        ("candidate", NEXT, 0.05),
        ("baseline", BASE, 0.95),
    }


@given(user=st.text(min_size=1), share=st.floats(0, 1), more=st.floats(0, 1))
def test_who_is_in_stays_in_when_the_share_grows(user: str, share: float, more: float):
    low, high = sorted((share, more))

    before = taken(front(canary(low)), call("1", user=user)).definition
    after = taken(front(canary(high)), call("2", user=user)).definition

    assert before == BASE or after == NEXT


@pytest.mark.parametrize(
    ("unit", "one", "other"),
    [
        ("user", {"user": "u", "session": "s1"}, {"user": "u", "session": "s2"}),
        ("user", {"session": "s", "key": "k1"}, {"session": "s", "key": "k2"}),
        ("user", {"key": "k"}, {"key": "k"}),
        ("session", {"session": "s", "user": "u1"}, {"session": "s", "user": "u2"}),
        ("session", {"user": "u"}, {"user": "u"}),
    ],
)
def test_a_unit_stays_with_its_arm_over_calls(unit, one, other):
    asked = front(canary(0.5, unit=unit))

    first, second = taken(asked, call("1", **one)), taken(asked, call("2", **other))

    assert first.assigned == second.assigned
    assert len(first.assigned[0].unit) == 16


def test_whom_nothing_tells_apart_is_each_call_by_itself():
    asked = front(canary(0.5, unit="user"))

    calls = [taken(asked, call(f"{number}")) for number in range(64)]

    assert {each.definition for each in calls} == {BASE, NEXT}
    assert len({each.assigned[0].unit for each in calls}) == 64


def test_each_call_is_on_its_own_where_that_is_the_unit():
    asked = front(canary(0.5, unit="call"))

    calls = [taken(asked, call(f"{number}", user="one")) for number in range(64)]

    assert {each.definition for each in calls} == {BASE, NEXT}
    assert {each.assigned[0].unit for each in calls} == {""}


@pytest.mark.parametrize("strategy", ["experiment", "bandit"])
def test_a_canary_and_an_experiment_at_once_keep_their_own_comparisons(strategy: str):
    asked = front(experiment(0.25, 0.75, strategy=strategy), canary(0.2))

    calls = [taken(asked, call(user=f"user{number}")) for number in range(10_000)]

    marks = Counter(
        tuple((each.rollout, each.arm, round(each.probability, 6)) for each in one.assigned) for one in calls
    )
    assert set(marks) == {
        (("c1", "candidate", 0.2),),
        (("x1", "a", 0.25), ("c1", "baseline", 0.2)),
        (("x1", "b", 0.75),),
    }
    # The places of the two are independent: each arm of the experiment has the same part of who is left.
    assert ratio([marks[key] for key in sorted(marks)], [0.2, 0.2, 0.6]).p > 0.001


def test_another_salt_is_another_assignment():
    one, other = front(canary(0.5, salt="a")), front(canary(0.5, salt="b"))

    users = [call(user=f"user{number}") for number in range(4_000)]
    both = Counter((taken(one, each).definition, taken(other, each).definition) for each in users)

    assert ratio([both[key] for key in sorted(both)], [1, 1, 1, 1]).p > 0.001


def test_the_house_itself_is_never_assigned():
    judged = call(door=Door(shape="internal", path="score/tone"))

    assert taken(front(canary(1.0)), judged).assigned == ()


async def test_a_shadow_hears_of_what_was_asked_and_answers_nobody():
    heard = []
    asked = front(shadow(1.0), seen=lambda call, asked=None: heard.append((call.definition, asked)))

    walk = asked.walk(call(user="u"))
    for _, step in walk._chain.after:
        await step(walk.call)

    assert walk.call.definition == BASE
    assert [each.arm for each in walk.call.assigned] == ["baseline"]
    assert heard == [(BASE, walk.call.request)]


def test_a_share_of_calls_is_copied_and_no_embeddings():
    asked = front(shadow(0.25))
    embeddings = call().but(request=Request(model="m", kind="embeddings", texts=("x",)))

    copied = sum(bool(taken(asked, call(f"{number}", user="one")).assigned) for number in range(8_000))

    assert ratio([copied, 8_000 - copied], [0.25, 0.75]).p > 0.001
    assert taken(asked, embeddings).assigned == ()
