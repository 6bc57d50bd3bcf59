"""How changes reach everybody, as the log tells it."""

from rowen.release.practice import practice
from rowen.values import Arm, ReleaseLine, Rollout


def line(number: int, act: str, definition: str, *, at: int = 0, rollout: str = "", **more) -> ReleaseLine:
    return ReleaseLine(
        app="shop", number=number, act=act, definition=definition, at_ns=at or number, rollout=rollout, **more
    )


def rollout(id: str, strategy: str, state: str = "promoted", ended: int = 9) -> Rollout:
    arms = (Arm(name="baseline", definition="a", share=0.5), Arm(name="candidate", definition="b", share=0.5))
    return Rollout(id=id, app="shop", strategy=strategy, arms=arms, state=state, ended_ns=ended)


ROLLOUTS = [rollout("c", "canary"), rollout("s", "shadow", "stopped"), rollout("x", "experiment", "running", 0)]


def test_the_share_of_versions_that_were_compared_first_is_told_with_its_interval():
    lines = [
        line(1, "release", "first"),
        line(2, "begin", "b", rollout="s"),
        line(3, "begin", "b", rollout="c"),
        line(4, "promote", "b", rollout="c", before="first"),
        line(5, "release", "untried", before="b"),
        line(6, "rollback", "b", before="untried"),
    ]

    found = practice(reversed(lines), ROLLOUTS, 0)

    assert (found.let_out, found.tried) == (2, {"canary": 1, "shadow": 1})
    assert (found.compared.value, found.compared.n) == (0.5, 2)
    assert found.ended == {"promoted": 1, "stopped": 1}


def test_what_was_tried_out_before_the_stretch_still_counts_as_tried():
    lines = [
        line(1, "release", "first"),
        line(2, "begin", "b", rollout="c"),
        line(3, "promote", "b", at=100, before="first"),
    ]

    assert practice(lines, ROLLOUTS, 50).compared.value == 1.0
    assert practice(lines, ROLLOUTS, 101).let_out == 0


def test_environments_each_have_a_first_version_and_a_release_of_what_is_live_is_no_change():
    lines = [
        line(1, "release", "first"),
        line(2, "release", "first", environment="staging"),
        line(3, "release", "first", before="first"),
    ]

    found = practice(lines, [], 0)

    assert (found.let_out, found.compared.value) == (0, None)
