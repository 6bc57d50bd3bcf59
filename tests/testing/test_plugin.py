"""The pytest plug-in, in a pytest of its own."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

CASES = '{"id": "a", "input": "hay", "expected": "hay"}\n{"id": "b", "input": "straw", "expected": "no"}\n'
APP = '[models.fast]\nprovider = "echo"\n[evaluate.smoke]\ncases = "cases.jsonl"\nmust = { exact = ">= 0.4" }\n'
TESTS = """
import pytest

async def answer(question):
    return question

def test_good(rowen_eval):
    result = rowen_eval(answer, cases="cases.jsonl", must={"exact": ">= 0.5"})
    assert result.run.answered == 2

def test_bad(rowen_eval):
    rowen_eval(answer, cases="cases.jsonl", must={"exact": ">= 0.9"})

def test_app(rowen_eval):
    result = rowen_eval("app.toml", suite="smoke", trials=2)
    assert result.run.target.kind == "definition"
    assert result.run.answered == 4

@pytest.mark.rowen_cases("cases.jsonl")
def test_one(case):
    assert case.expected == case.input
"""


def test_functions_and_apps_are_held_against_thresholds_and_cases_are_tests(pytester: pytest.Pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makefile(".jsonl", cases=CASES)
    pytester.makefile(".toml", app=APP)
    pytester.makepyfile(TESTS)

    result = pytester.runpytest_subprocess("-v", "-p", "rowen.testing.plugin", "-W", "error")

    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(["*::test_bad FAILED*", "*::test_app PASSED*", "*::test_one?b? FAILED*"])
    result.stdout.fnmatch_lines(["*exact >= 0.9: undecided, 0.5 *"])


def test_it_brings_nothing_along_until_it_is_asked_for():
    code = "import sys, rowen.testing.plugin\nprint([each for each in sys.modules if each.startswith('rowen.') and 'testing' not in each])"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said.strip() == "[]"
