"""Feedback from those who like to answer must not pass for feedback from all."""

import random

import pytest

from rowen.score.segments import cut_by, segmented, worth_of
from rowen.score.survey import Window
from rowen.store.memory.scores import MemoryScores
from rowen.store.memory.traces import MemoryTraces
from rowen.values import Score, Trace, TraceRow


def thumb(id: str, up: bool) -> Score:
    return Score(id=id, trace=id, name="thumbs", type="boolean", value=up, number=float(up), source="user")


def simulated(answers: dict[str, float], happy: dict[str, float], each: int = 2_000, seed: int = 1):
    """Calls in segments of one size; how likely a call is answered, and a thumb is up, differs by segment."""
    dice = random.Random(seed)
    asked, given = {}, {}
    for segment, share in answers.items():
        for number in range(each):
            id = f"{segment}{number}"
            asked[id] = segment
            if dice.random() < share:
                given[id] = thumb(id, dice.random() < happy[segment])
    return asked, given


def test_a_biased_response_warns_and_the_weighted_figure_is_true_as_often_as_it_says():
    truth, runs = 0.65, 100
    warned = plain = weighted = 0
    for seed in range(runs):
        asked, given = simulated({"fast": 0.4, "careful": 0.05}, {"fast": 0.9, "careful": 0.4}, 1_000, seed)
        found = cut_by(asked, given, "thumbs", "model")
        warned += "'fast' answered more often" in " ".join(found.warnings)
        plain += found.plain.low < truth < found.plain.high
        weighted += found.weighted.low < truth < found.weighted.high

    assert (warned, plain) == (runs, 0)
    assert weighted >= 90


def test_an_even_response_gives_no_warning_and_both_figures_agree():
    asked, given = simulated({"fast": 0.2, "careful": 0.2}, {"fast": 0.9, "careful": 0.4})

    found = cut_by(asked, given, "thumbs", "model")

    assert found.warnings == ()
    assert found.plain.value == pytest.approx(found.weighted.value, abs=0.03)


def test_even_responses_are_seldom_said_to_differ():
    warned = sum(
        bool(
            cut_by(
                *simulated(dict.fromkeys("abcd", 0.2), dict.fromkeys("abcd", 0.5), 300, seed), "thumbs", "model"
            ).warnings
        )
        for seed in range(200)
    )

    assert warned <= 10  # 5 % of 200; intervals that must not overlap are stricter than that


def test_the_weighted_figure_and_its_interval_are_those_worked_by_hand():
    # a: 8 asked, 4 answered, 3 up. b: 2 asked, 2 answered, 1 up. Weighted: 0.8·3/4 + 0.2·1/2 = 0.7.
    asked = {f"a{n}": "a" for n in range(8)} | {f"b{n}": "b" for n in range(2)}
    given = {
        id: thumb(id, up)
        for id, up in (("a0", True), ("a1", True), ("a2", True), ("a3", False), ("b0", True), ("b1", False))
    }

    found = cut_by(asked, given, "thumbs", "model")

    # Variances within: a 0.25, b 0.5; 0.64·0.25/4 + 0.04·0.5/2 = 0.05.
    half = 1.959963984540054 * 0.05**0.5
    assert found.weighted.value == pytest.approx(0.7)
    assert (found.weighted.low, found.weighted.high) == (pytest.approx(0.7 - half), pytest.approx(0.7 + half))
    assert found.plain.value == pytest.approx(4 / 6)


def test_a_segment_that_nobody_answered_in_is_named():
    asked = {"a0": "a", "a1": "a", "b0": "b"}

    found = cut_by(asked, {"a0": thumb("a0", True)}, "thumbs", "model")

    assert "nobody answered in 'b'" in found.warnings[-1]
    assert (found.weighted.value, found.weighted.low) == (1.0, None)


@pytest.mark.parametrize(
    ("name", "number", "worth"),
    [("csat", 4, 1), ("csat", 3, 0), ("nps", 9, 1), ("nps", 8, 0), ("nps", 6, -1), ("stars", 3, 3), ("thumbs", 1, 1)],
)
def test_what_an_answer_adds(name, number, worth):
    score = Score(id="s", name=name, value=float(number), number=float(number), source="user")

    assert worth_of(score) == worth


async def test_calls_are_cut_by_what_their_traces_say_within_the_tenant():
    scores, traces = MemoryScores(), MemoryTraces()
    for number in range(6):
        row = TraceRow(
            id=str(number),
            started_ns=1_000 + number,
            duration_ns=1,
            app="shop",
            definition="d",
            tenant="umbrella" if number == 5 else "acme",
            model="fast" if number % 2 else "careful",
        )
        await traces.write([Trace(row=row)])
    await scores.put([thumb(str(n), True).but(tenant="acme", app="shop", judged_ns=1_000 + n) for n in (0, 1)])

    found = await segmented(scores, traces, "thumbs", "model", Window(tenant="acme", since_ns=0, until_ns=10**9))

    assert [(part.name, part.asked, part.answered) for part in found.segments] == [("careful", 3, 1), ("fast", 2, 1)]
