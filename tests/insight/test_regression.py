"""Causes are planted among marks that have nothing to do with them; the first suspect must be the planted one."""

import random
from itertools import accumulate

import pytest

from rowen.insight.marks import marks_of
from rowen.insight.regression import Judged, suspects
from rowen.values import Span, Trace, TraceRow

NAMES = {
    "model": ["large", "small", "tiny"],
    "prompt": ["answer:1", "answer:2", "answer:3", "answer:4"],
    "document": [f"doc-{number}" for number in range(25)],
    "tool": ["search", "orders", "calendar", "none"],
    "topic": [f"topic {number}" for number in range(12)],
    "release": ["1.4", "1.5"],
    "provider": ["openai", "mistral"],
    "environment": ["production", "staging"],
    "segment": ["new", "returning", "partner"],
    "feature": ["chat", "mail", "search"],
    "language": ["en", "de", "fr", "nl", "pl"],
    "user": [f"user {number}" for number in range(60)],
}
OFTEN = {name: [*accumulate(range(len(values), 0, -1))] for name, values in NAMES.items()}
"""Weights, summed up: the first of each is the most frequent."""


def lives(rand: random.Random, count: int, rate) -> list[Judged]:
    # A column at a time: dice that are thrown together take a fraction of the time.
    drawn = [
        [(name, value) for value in rand.choices(values, cum_weights=OFTEN[name], k=count)]
        for name, values in NAMES.items()
    ]
    more = [("document", value) for value in rand.choices(NAMES["document"], k=3 * count)]
    found = []
    for number, each in enumerate(zip(*drawn, strict=True)):
        marks = frozenset((*each, *more[3 * number : 3 * number + 3]))
        found.append(Judged(trace=f"t{number}", bad=rand.random() < rate(marks), marks=marks))
    return found


def planted(rand: random.Random) -> tuple[str, str]:
    name = rand.choice([name for name in NAMES if name != "user"])
    return name, rand.choice(NAMES[name])


@pytest.mark.parametrize("has_baseline", [False, True])
def test_a_planted_cause_is_the_first_suspect_in_at_least_eight_of_ten(has_baseline: bool):
    right = 0

    for seed in range(20):
        rand = random.Random(seed)
        cause = planted(rand)
        baseline = lives(rand, 800, lambda marks: 0.1) if has_baseline else ()
        judged = lives(rand, 800, lambda marks, cause=cause: 0.5 if cause in marks else 0.1)
        found = suspects(judged, baseline).suspects
        right += bool(found) and found[0].marks == (cause,)

    assert right >= 18


def test_a_planted_pair_is_the_first_suspect_in_at_least_eight_of_ten():
    right = 0

    for seed in range(20):
        rand = random.Random(100 + seed)
        one, other = ("model", rand.choice(["large", "small"])), ("tool", rand.choice(["search", "orders"]))
        judged = lives(rand, 1_000, lambda marks, pair={one, other}: 0.6 if pair <= marks else 0.1)
        found = suspects(judged).suspects
        right += bool(found) and set(found[0].marks) == {one, other}

    assert right >= 18


@pytest.mark.parametrize("has_baseline", [False, True])
def test_nothing_is_suspected_where_nothing_is_wrong(has_baseline: bool):
    # Nominal: 1 in 20 at most. Of 50 set-ups more than 7 would have a chance of 1 in 300.
    rand = random.Random(7)
    named = 0

    for _ in range(50):
        judged = lives(rand, 400, lambda marks: 0.2)
        baseline = lives(rand, 400, lambda marks: 0.2) if has_baseline else ()
        named += bool(suspects(judged, baseline).suspects)

    assert named <= 7


def test_what_was_as_bad_before_is_no_reason_for_a_drop():
    rand = random.Random(8)
    hard = ("topic", "topic 0")
    cause = ("prompt", "answer:1")
    baseline = lives(rand, 1_500, lambda marks: 0.5 if hard in marks else 0.05)
    judged = lives(rand, 1_500, lambda marks: 0.5 if hard in marks else (0.3 if cause in marks else 0.05))

    told = suspects(judged, baseline)

    assert told.suspects[0].marks == (cause,)
    assert all(hard not in one.marks for one in told.suspects[:1])
    assert told.worse_p is not None
    assert told.worse_p < 1e-6
    assert told.before is not None
    assert told.before.high < told.now.low


def test_more_of_what_was_always_bad_is_a_reason():
    rand = random.Random(9)
    hard = ("topic", "hard")

    def some(share: float) -> list[Judged]:
        return [
            one.but(
                marks=(one.marks | {hard}) if (is_hard := rand.random() < share) else one.marks,
                bad=rand.random() < (0.6 if is_hard else 0.05),
            )
            for one in lives(rand, 800, lambda marks: 0.0)
        ]

    assert suspects(some(0.4), some(0.05)).suspects[0].marks == (hard,)


def test_marks_of_the_same_traces_are_told_together():
    rand = random.Random(10)
    judged = [
        one.but(marks=one.marks | {("definition", "f00d")}) if ("release", "1.5") in one.marks else one
        for one in lives(rand, 800, lambda marks: 0.4 if ("release", "1.5") in marks else 0.1)
    ]

    first = suspects(judged).suspects[0]

    assert {*first.marks, *first.same} == {("release", "1.5"), ("definition", "f00d")}
    assert first.effect.low > 0.15
    assert first.bad / first.n - first.others_bad / first.others == pytest.approx(first.effect.value)
    assert 0.3 < first.explains < 0.8
    bad = {one.trace for one in judged if one.bad}
    assert first.examples
    assert {*first.examples} <= bad


def test_a_second_cause_is_found_behind_the_first():
    rand = random.Random(11)
    rates = {("model", "tiny"): 0.6, ("tool", "calendar"): 0.5}
    judged = lives(rand, 1_500, lambda marks: max([0.05, *(rate for mark, rate in rates.items() if mark in marks)]))

    assert {one.marks for one in suspects(judged).suspects[:2]} == {(("model", "tiny"),), (("tool", "calendar"),)}


def test_too_few_bad_answers_say_so():
    rand = random.Random(12)

    told = suspects(lives(rand, 50, lambda marks: 0.0))

    assert told.suspects == ()
    assert "Too few" in told.note
    assert suspects([]).now.n == 0


def test_marks_come_from_the_row_and_the_spans_and_no_text_is_one():
    row = TraceRow(
        id="t", started_ns=0, duration_ns=1, app="shop", definition="d1", model="fast", release="1.5",
        tags=("segment:new", "beta"), input_tokens=3_000, attempts=2,
    )  # fmt: skip
    span = Span(
        trace="t", id="s", name="n", started_ns=0, ended_ns=1,
        attributes={
            "gen_ai.tool.name": "search",
            "gen_ai.prompt.name": "answer",
            "gen_ai.prompt.version": "3",
            "gen_ai.retrieval.documents": [{"id": "doc-1", "score": 0.3}, {"id": "doc-2"}],
            "retrieval.documents.0.document.id": "doc-3",
            "gen_ai.input.messages": "secret question",
            "input.value": "secret question",
            "language": "de",
            "is_partner": True,
            "essay": "x" * 500,
            "metadata.plan": "gold",
        },
    )  # fmt: skip

    marks = marks_of(Trace(row=row, spans=(span,)), topics=["parcels"])

    assert marks >= {
        ("app", "shop"), ("model", "fast"), ("release", "1.5"), ("definition", "d1"), ("segment", "new"),
        ("tag", "beta"), ("prompt tokens", "to 8000"), ("attempts", "several"), ("tool", "search"),
        ("prompt", "answer:3"), ("document", "doc-1"), ("document", "doc-2"), ("document", "doc-3"),
        ("language", "de"), ("is_partner", "true"), ("metadata.plan", "gold"), ("topic", "parcels"),
    }  # fmt: skip
    assert not any("secret" in value or "xxx" in value for _, value in marks)
