"""What a figure must be is met, missed or not decided, by its interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.evaluate.run.base import Loaded
from rowen.evaluate.run.must import held, must_of
from rowen.evaluate.run.suite import EvaluateTable
from rowen.store.base import Figures
from rowen.values import Run, Target

RUN = Run(id="r", target=Target(kind="callable"), metrics=("right",), trials=1)


def ran(*values, trials=1):
    n = len(values) // trials
    return Loaded(
        RUN.but(trials=trials),
        Figures(
            cases=tuple(f"c{k}" for k in range(n) for _ in range(trials)),
            trials=tuple(k for _ in range(n) for k in range(trials)),
            states=("answered",) * len(values),
            numbers=tuple({"right": value} for value in values),
            labels=({},) * len(values),
            groups=("",) * len(values),
            slices=({},) * len(values),
            costs=(None,) * len(values),
            durations=(12.0,) * len(values),
            firsts=(None,) * len(values),
            input_tokens=(1,) * len(values),
            output_tokens=(1,) * len(values),
            traces=("",) * len(values),
            cached=(False,) * len(values),
        ),
    )


@pytest.mark.parametrize(
    ("text", "word", "bound"),
    [(">= 0.9", ">=", 0.9), ("<5%", "<", 0.05), ("> -1.5", ">", -1.5), ("<= 1e-3", "<=", 0.001)],
)
def test_a_bound_is_read_as_it_is_written(text, word, bound):
    found = must_of("right", text)

    assert (found.word, found.bound) == (word, pytest.approx(bound))


@pytest.mark.parametrize("text", ["", "0.9", "= 0.9", ">= many", ">= 0.9 or so"])
def test_what_is_no_bound_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"written as \">= 0\.9\""):
        must_of("right", text)


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ([1.0] * 100, "met"),
        ([1.0] * 10, "undecided"),
        ([1.0] * 50 + [0.0] * 50, "missed"),
        ([1.0] * 92 + [0.0] * 8, "undecided"),
    ],
)
def test_the_interval_decides(values, state):
    found = held(must_of("right", ">= 0.9"), ran(*values))

    assert found.state == state


@pytest.mark.parametrize(("undecided", "passed"), [("value", True), ("fail", False), ("pass", True)])
def test_what_too_few_cases_leave_open_the_suite_decides(undecided, passed):
    found = held(must_of("right", ">= 0.9"), ran(*[1.0] * 10), undecided)

    assert (found.state, found.passed) == ("undecided", passed)
    assert found.needed == 35
    assert held(must_of("right", ">= 0.9"), ran(*[1.0] * 35)).state == "met"
    assert held(must_of("right", ">= 0.9"), ran(*[1.0] * 34)).state == "undecided"


def test_the_mean_decides_downwards_too():
    found = held(must_of("right", ">= 0.9"), ran(*[1.0] * 8, 0.0, 0.0))

    assert (found.state, found.passed) == ("undecided", False)


def test_a_metric_that_is_not_there_is_missed():
    found = held(must_of("grounded", ">= 0.1"), ran(1.0))

    assert (found.state, found.passed, found.found) == ("missed", False, None)
    assert "no such metric" in str(found)


def test_all_of_several_tries_is_harder_than_any():
    run = ran(*[1.0, 0.0] * 60, trials=2)

    any_of, all_of = (held(must_of(f"right{sign}2", ">= 0.5"), run) for sign in "@^")
    too_many = held(must_of("right@3", ">= 0.5"), run)

    assert (any_of.state, all_of.state) == ("met", "missed")
    assert too_many.found is None


def test_times_and_errors_can_be_bound_too():
    assert held(must_of("latency", "< 100"), ran(*[1.0] * 30)).passed
    assert held(must_of("error_rate", "< 0.2"), ran(*[1.0] * 30)).state == "met"


@given(st.integers(1, 400), st.floats(0, 1), st.sampled_from([">=", ">", "<=", "<"]), st.floats(0.05, 0.95))
def test_nothing_is_both_met_and_missed_and_the_opposite_bound_mirrors_it(n, share, word, bound):
    good = round(n * share)
    run = ran(*[1.0] * good, *[0.0] * (n - good))
    mirror = {">=": "<", "<": ">=", ">": "<=", "<=": ">"}[word]

    one, other = (held(must_of("right", f"{each} {bound}"), run) for each in (word, mirror))

    assert {one.state, other.state} in ({"met", "missed"}, {"undecided"})
    assert one.passed is not other.passed


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"must": {"right": "0.9"}}, "written as"), ({"budget": "a lot"}, "no amount"), ({"budget": "-1"}, "no amount")],
)
def test_a_suite_says_what_is_wrong_with_it(fields, said):
    with pytest.raises(ValueError, match=said):
        EvaluateTable(cases="cases.jsonl", **fields)
