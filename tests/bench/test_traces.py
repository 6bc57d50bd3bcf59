"""The benchmark's load must be what its figures are said to be of."""

import importlib.util
import sys
from itertools import islice
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "traces"


@pytest.fixture(scope="module")
def load():
    spec = importlib.util.spec_from_file_location("bench_traces_load", BENCH / "load.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("letters", [False, True])
def test_a_span_has_the_size_that_the_goals_are_set_for(load, letters):
    requests = list(load.Load(letters=letters).requests(0, 100))

    assert [len(ids) for _, ids in requests] == [100] * 6
    assert sum(len(body) for body, _ in requests) / 600 == pytest.approx(1_460, rel=0.03)


def test_the_same_number_makes_the_same_trace(load):
    assert list(load.Load().requests(7, 3)) == list(load.Load().requests(7, 3))


def test_spans_reach_the_store_as_they_would_through_the_door(load):
    spans = load.Load().batch(7, 1)

    assert [span.row.type for span in spans] == ["guardrail", "llm", "tool", "retriever", "llm", "chain"]
    assert load.COMMON in spans[-1].input
    assert load.RARE in spans[-1].input
    assert all(span.row.app == "shop" and span.row.input and span.row.output for span in spans)
    assert {span.row.trace for span in spans} == {spans[0].row.trace}


def test_a_large_trace_has_one_root_that_comes_last(load):
    trace, requests = load.Load().large(250)
    sizes = [len(body) for body in islice(requests, 10)]

    assert len(trace) == 32
    assert len(sizes) == 3
