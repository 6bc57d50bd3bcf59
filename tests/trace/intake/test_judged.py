"""Judgements that come with spans become scores, each once."""

import pytest

from rowen.trace.intake.judged import judgements, once
from rowen.values import Happening, SpanRow


def event(at_ns: int = 0, **attributes) -> Happening:
    names = {name.replace("__", "."): value for name, value in attributes.items()}
    return Happening(name="gen_ai.evaluation.result", at_ns=at_ns, attributes=names)


def evaluation(name="relevance", **more):
    return event(gen_ai__evaluation__name=name, **more)


def test_an_evaluation_event_judges_its_span(made):
    seen = made.seen(
        {"session.id": "s-1", "deployment.environment": "production"},
        events=(
            evaluation(
                gen_ai__evaluation__score__value=0.8,
                gen_ai__evaluation__explanation="To the point.",
                gen_ai__response__id="r-1",
            ),
        ),
        app="shop",
    )

    (score,) = judgements(seen, made.now)

    assert (score.target, score.trace, score.span, score.session) == ("span", made.trace, made.span, "s-1")
    assert (score.name, score.type, score.value, score.number) == ("relevance", "number", 0.8, 0.8)
    assert (score.reason, score.tenant, score.app, score.environment) == ("To the point.", "acme", "shop", "production")
    assert (score.judged_ns, score.source) == (seen.row.started_ns, "rule")
    assert score.metadata == {"gen_ai.response.id": "r-1"}


@pytest.mark.parametrize(
    ("given", "type_", "value", "number"),
    [
        ({"score__value": 1}, "number", 1.0, 1.0),
        ({"score__value": True}, "boolean", True, 1.0),
        ({"score__label": "good"}, "category", "good", None),
        ({"score__label": "good", "score__value": 0.9}, "category", "good", 0.9),
    ],
)
def test_a_value_a_label_or_both_make_a_score_of_its_type(made, given, type_, value, number):
    it = evaluation(**{f"gen_ai__evaluation__{name}": each for name, each in given.items()})

    (score,) = judgements(made.seen({}, events=(it,)), made.now)

    assert (score.type, score.value, score.number) == (type_, value, number)


@pytest.mark.parametrize(
    "broken",
    [
        evaluation(),
        evaluation(gen_ai__evaluation__score__value=float("nan")),
        evaluation(gen_ai__evaluation__score__value="high"),
        evaluation("  ", gen_ai__evaluation__score__value=1),
        event(gen_ai__evaluation__score__value=1),
        evaluation(gen_ai__evaluation__score__value=1, error__type="timeout"),
    ],
)
def test_an_evaluation_that_failed_or_says_nothing_is_no_score(made, broken):
    assert list(judgements(made.seen({}, events=(broken,)), made.now)) == []


def test_openinferences_annotations_judge_span_trace_and_session(made):
    seen = made.seen(
        {
            "session.id": "s-1",
            "annotations.0.annotation.name": "tone",
            "annotations.0.annotation.label": "kind",
            "annotations.0.annotation.score": 0.9,
            "annotations.0.annotation.annotator_kind": "HUMAN",
            "annotations.0.annotation.identifier": "ann",
            "annotations.0.annotation.explanation": "Warm.",
            "annotations.0.annotation.metadata": '{"round": 2}',
            "evaluations.0.evaluation.name": "facts",
            "evaluations.0.evaluation.score": 1,
            "evaluations.0.evaluation.annotator_kind": "LLM",
            "trace.annotations.0.annotation.name": "solved",
            "trace.annotations.0.annotation.score": 1,
            "trace.annotations.0.annotation.annotator_kind": "CODE",
            "session.annotations.0.annotation.name": "happy",
            "session.annotations.0.annotation.score": 0,
        }
    )

    found = {score.name: score for score in judgements(seen, made.now)}

    assert {name: (score.target, score.source) for name, score in found.items()} == {
        "tone": ("span", "person"),
        "facts": ("span", "model"),
        "solved": ("trace", "rule"),
        "happy": ("session", "rule"),
    }
    tone = found["tone"]
    assert (tone.value, tone.number, tone.by, tone.reason, tone.metadata) == ("kind", 0.9, "ann", "Warm.", {"round": 2})
    assert (found["solved"].span, found["happy"].trace, found["happy"].session) == ("", "", "s-1")


def test_a_judgement_of_the_trace_on_each_of_its_spans_is_one_and_those_of_spans_are_many(made):
    attributes = {
        "annotations.0.annotation.name": "tone",
        "annotations.0.annotation.score": 1,
        "trace.annotations.0.annotation.name": "solved",
        "trace.annotations.0.annotation.score": 1,
    }
    spans = [made.seen(attributes, id=f"{number:016x}", started_ns=made.now - number) for number in range(1, 6)]

    # sent twice, in another order
    scores = once(score for span in [*spans, *reversed(spans)] for score in judgements(span, made.now))

    assert sorted(score.name for score in scores) == ["solved"] + ["tone"] * 5


def test_ids_of_judgements_differ_by_tenant_judge_and_name(made):
    def ids(name="tone", mark="", tenant="acme"):
        seen = made.seen(
            {
                "annotations.0.annotation.name": name,
                "annotations.0.annotation.score": 1,
                "annotations.0.annotation.identifier": mark,
            }
        )
        row: SpanRow = seen.row.but(tenant=tenant)
        return [score.id for score in judgements(seen.but(row=row), made.now)]

    assert len({*ids(), *ids("other"), *ids(mark="bob"), *ids(tenant="globex")}) == 4
    assert ids() == ids()


def test_a_session_that_is_not_named_cannot_be_judged(made):
    attributes = {"session.annotations.0.annotation.name": "happy", "session.annotations.0.annotation.score": 1}

    assert list(judgements(made.seen(attributes), made.now)) == []
