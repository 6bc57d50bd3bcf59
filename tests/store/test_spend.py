"""Each call of a model counts once, and calls that are only alike count apart."""

from decimal import Decimal

import pytest

from rowen.store.spend import Spend, once


def spend(name: str, began: int, ended: int, used: tuple[int, int] = (11, 5), **fields) -> Spend:
    return Spend(**{
        "parent": "", "type": "llm", "name": name, "started_ns": began, "ended_ns": ended, "used": used,
        "cost": Decimal(1), **fields,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("spends", "counted"),
    [
        ({"a": spend("ChatOpenAI", 0, 9), "b": spend("ChatCompletion", 1, 8)}, "b"),
        ({"a": spend("x", 0, 9), "b": spend("y", 1, 8), "c": spend("z", 2, 7)}, "c"),
        ({"a": spend("chat", 0, 9), "b": spend("chat", 1, 8)}, "ab"),
        ({"a": spend("x", 0, 5), "b": spend("y", 4, 9)}, "ab"),
        ({"a": spend("x", 0, 9, (11, 5)), "b": spend("y", 1, 8, (11, 6))}, "ab"),
        ({"a": spend("x", 0, 9), "b": spend("y", 1, 8, type="embedding")}, "ab"),
        ({"a": spend("x", 0, 9, (30, 9)), "b": spend("y", 1, 8, parent="a")}, "b"),
        ({"a": spend("x", 0, 9, (30, 9)), "b": spend("y", 1, 8, parent="a", type="embedding")}, "ab"),
        (
            {"a": spend("x", 0, 20), "b": spend("x", 0, 20), "c": spend("y", 1, 18), "d": spend("y", 2, 19)},
            "cd",
        ),
    ],
    ids=[
        "in time", "three", "one instrumentation", "only overlapping", "other tokens", "other types", "a sum of steps",
        "a child of another type", "two at once",
    ],
)  # fmt: skip
def test_the_innermost_of_spans_that_tell_of_the_same_call_counts(spends, counted):
    assert "".join(sorted(once(spends))) == counted


def test_the_inner_span_takes_over_a_cost_that_only_the_outer_one_knows():
    found = once({"a": spend("x", 0, 9, cost=Decimal(3)), "b": spend("y", 1, 8, cost=None)})

    assert found["b"].cost == 3


def test_each_call_that_was_served_takes_one_span_away():
    spends = {id: spend("chat", at, at + 1) for at, id in enumerate("abc")}

    assert len(once(spends, [(11, 5)])) == 2
    assert len(once(spends, [(11, 5), (7, 7)])) == 2
    assert once(spends, [(11, 5)] * 4) == {}
