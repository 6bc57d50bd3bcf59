"""The pytest plug-in: evaluate inside pytest, with a threshold. Nothing heavy is imported until a test asks for it.

def test_answers(rowen_eval):
    rowen_eval(answer, cases="cases.jsonl", must={"exact": ">= 0.9"})

@pytest.mark.rowen_cases("cases.jsonl")
def test_one(case):
    assert case.expected in answer(case.input)
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

_EVALUATING = "rowen.testing.evaluating"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "rowen_cases(file): run the test for each case of a file, given as `case`")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a marked test each case of its file."""
    marker = metafunc.definition.get_closest_marker("rowen_cases")
    if marker is None:
        return
    cases = import_module(_EVALUATING).cases_of(marker.args[0], folder=metafunc.definition.path.parent)
    metafunc.parametrize("case", cases, ids=[case.id for case in cases])


@pytest.fixture
def rowen_eval(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Callable[..., Any]:
    """Evaluates something on cases, and fails the test where it is not what it must be; gives the result.

    The figures go into pytest's own report as properties.
    """
    folder: Path = request.path.parent

    def evaluate(target: Any, **wanted: Any) -> Any:
        __tracebackhide__ = True
        evaluating = import_module(_EVALUATING)
        result = evaluating.evaluated(target, folder=folder, **wanted)
        for figure in result.figures:
            record_property(figure.metric, str(figure.interval))
        if not result.passed:
            pytest.fail(evaluating.told(result), pytrace=False)
        return result

    return evaluate
