"""The assertions of promptfoo's tests, each judged as promptfoo 0.123.1 judged it of the same echo."""

import pytest

from rowen.score.base import Subject
from rowen.score.catalog import make
from rowen.values import Mistaken

ANSWER = "The hay of 2026 is dry."
JUDGED = [
    ({"type": "equals", "value": "The hay of 2026 is dry."}, True),
    ({"type": "equals", "value": "the hay of 2026 is dry."}, False),
    ({"type": "equals", "value": "The {{what}} of 2026 is dry."}, True),
    ({"type": "not-equals", "value": "straw"}, True),
    ({"type": "contains", "value": "hay"}, True),
    ({"type": "contains", "value": "Hay"}, False),
    ({"type": "icontains", "value": "HAY"}, True),
    ({"type": "not-contains", "value": "hay"}, False),
    ({"type": "contains-all", "value": ["hay", "dry"]}, True),
    ({"type": "contains-all", "value": ["hay", "wet"]}, False),
    ({"type": "contains-any", "value": ["wet", "dry"]}, True),
    ({"type": "icontains-any", "value": ["WET", "DRY"]}, True),
    ({"type": "icontains-all", "value": ["HAY", "WET"]}, False),
    ({"type": "contains-any", "value": "wet, dry"}, True),
    ({"type": "starts-with", "value": "The hay"}, True),
    ({"type": "starts-with", "value": "hay"}, False),
    ({"type": "regex", "value": "of \\d{4}"}, True),
    ({"type": "not-regex", "value": "^hay"}, True),
    ({"type": "is-json"}, False),
    ({"type": "levenshtein", "value": "The hay of 2025 is wet.", "threshold": 4}, True),
    ({"type": "levenshtein", "value": "The hay of 2025 is wet.", "threshold": 3}, False),
    ({"type": "levenshtein", "value": "The hey of 2026 is dry"}, True),
]


async def judged(*assertions, answer=ANSWER, **subject):
    variables = {"metadata": {"assert": list(assertions), "vars": {"what": "hay"}}, "cost": subject.pop("cost", None)}
    return await make("assertions", {})(Subject(answer=answer, variables=variables, **subject))


@pytest.mark.parametrize(("assertion", "holds"), JUDGED)
async def test_an_assertion_is_judged_as_promptfoo_judges_it(assertion, holds):
    (verdict,) = await judged(assertion)

    assert verdict.value is holds


async def test_all_must_hold_and_the_reason_names_those_that_do_not():
    (verdict,) = await judged({"type": "contains", "value": "hay"}, {"type": "contains", "value": "wet"})

    assert verdict.value is False
    assert verdict.reason == 'contains "wet"'


async def test_json_is_held_against_its_schema():
    schema = {"type": "object", "required": ["dry"]}

    (good,), (bad,) = [
        await judged({"type": "is-json", "value": schema}, answer=text) for text in ('{"dry": 1}', '{"wet": 1}')
    ]

    assert (good.value, bad.value) == (True, False)


async def test_time_and_cost_are_held_against_their_thresholds():
    late, cheap = {"type": "latency", "threshold": 100}, {"type": "cost", "threshold": 0.01}

    (verdict,) = await judged(late, cheap, duration_ms=250.0, cost=0.001)

    assert verdict.reason == "latency"


async def test_a_case_without_assertions_is_not_judged():
    assert await make("assertions", {})(Subject(answer="hay")) == ()
    assert await judged() == ()


@pytest.mark.parametrize(
    "assertion",
    [{"type": "javascript", "value": "output.length"}, {"type": "regex", "value": "("}, {"type": "cost"}, "hay"],
)
async def test_what_cannot_be_run_is_an_error_and_never_a_pass(assertion):
    with pytest.raises(Mistaken):
        await judged(assertion)
