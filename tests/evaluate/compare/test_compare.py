"""Two runs side by side: every metric, slice and case over the same cases, and what the plan says of it."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.evaluate.compare import Comparing, Comparison, compare_all, pieces_of
from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.run.base import Loaded, shelf
from rowen.evaluate.statistics import linear, linear_test
from rowen.store.base import Figures
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import Mistaken, Outcome, Run, Target
from rowen.values.interval import clopper_pearson

PLAN = MetricsTable(primary="right")


def tried(case, right=1.0, **more) -> Outcome:
    return Outcome(**{"case": case, "numbers": {"right": float(right)}, "answer": f"answer of {case}", **more})


def run(rights, **more) -> list[Outcome]:
    return [tried(f"c{place:03}", right, **more) for place, right in enumerate(rights)]


def loaded(outcomes, id="base", **more) -> Loaded:
    """A run as the store gives it."""
    by_place = sorted({(each.case, each.trial): each for each in outcomes}.items())
    of = {name: tuple(getattr(each, name) for _, each in by_place) for name in Outcome.__struct_fields__}
    figures = Figures(
        cases=of["case"], trials=of["trial"], states=of["state"], numbers=of["numbers"], labels=of["labels"],
        groups=of["group"], slices=of["slices"], costs=of["cost"], durations=of["duration_ms"], firsts=of["first_ms"],
        input_tokens=of["input_tokens"], output_tokens=of["output_tokens"], traces=of["trace"], cached=of["cached"],
    )  # fmt: skip
    run = Run(**{"id": id, "target": Target(kind="callable"), "metrics": ("right",), "state": "done", **more})
    return Loaded(run, figures)


def compare(before, after, plan, **more) -> Comparison:
    return compare_all([loaded(before, "old"), loaded(after, "new")], plan, **more)[0]


def test_a_candidate_that_is_better_on_the_same_cases_is_shipped():
    before, after = [1] * 60 + [0] * 40, [1] * 90 + [0] * 10

    found = compare(run(before), run(after), PLAN)

    right = found.of("right")
    assert right.difference.value == pytest.approx(0.3)
    assert (right.difference.method, right.test.method, right.standing) == ("tango", "mcnemar, exact", "better")
    assert (right.baseline.value, right.candidate.value) == (0.6, 0.9)
    assert found.decision.verdict == "ship"
    assert (found.better, found.worse, found.same, found.pairs) == (30, 0, 70, 100)


def test_a_candidate_that_is_worse_is_stopped_and_its_worst_cases_lead():
    before = [tried("a", 0.9), tried("b", 0.9), tried("c", 0.2), *run([0.8] * 60)]
    after = [tried("a", 0.1), tried("b", 0.6), tried("c", 0.4), *run([0.5] * 60)]

    found = compare(before, after, PLAN)

    assert found.decision.verdict == "stop"
    assert [each.case for each in found.changes[:1]] == ["a"]
    assert found.changes[-1].case == "c"
    assert found.changes[0].gain == pytest.approx(-0.8)


def test_where_nothing_differs_nothing_is_decided():
    found = compare(run([1, 0] * 50), run([1, 0] * 50), PLAN)

    assert found.decision.verdict == "hold"
    assert found.changes == ()


def test_less_is_better_of_what_the_plan_says():
    plan = MetricsTable(primary="right", lower=("right",))

    found = compare(run([0.9] * 40), run([0.1 + place / 1000 for place in range(40)]), plan)

    assert found.decision.verdict == "ship"
    assert (found.better, found.worse) == (40, 0)


def test_cases_are_paired_by_id_and_trial_and_what_is_in_one_run_alone_is_told():
    before = [tried("a", trial=0), tried("a", 0, trial=1), tried("b"), tried("gone")]
    after = [tried("b"), tried("a", 0, trial=1), tried("a", trial=0), tried("new"), tried("newer")]

    found = compare(before, after, PLAN)

    assert (found.pairs, found.groups, found.only_baseline, found.only_candidate) == (3, 2, 1, 2)
    assert found.of("right").difference.value == 0
    assert "3 tries of cases are in one of the runs alone" in " ".join(found.warnings)


def test_runs_without_a_common_case_are_refused():
    with pytest.raises(Mistaken, match="no case in common") as refused:
        compare([tried("a")], [tried("b")], PLAN)

    assert refused.value.code == "conflict"


def test_the_same_case_tried_ten_times_is_no_more_evidence_than_once():
    ones = run([1] * 12 + [0] * 8)
    others = run([0] * 4 + [1] * 16)
    tenfold = [[each.but(trial=trial) for each in side for trial in range(10)] for side in (ones, others)]

    once, often = compare(ones, others, PLAN).of("right"), compare(*tenfold, PLAN).of("right")

    assert often.n == 200
    assert often.difference.n == once.difference.n == 20
    assert often.difference.high - often.difference.low > 0.9 * (once.difference.high - once.difference.low)
    assert often.test.method.startswith("permutation")


def test_cases_of_one_user_are_one_group():
    before = [tried(f"{user}-{place}", 0, group=f"u{user}") for user in range(12) for place in range(5)]
    after = [tried(f"{user}-{place}", user < 6, group=f"u{user}") for user in range(12) for place in range(5)]

    found = compare(before, after, PLAN)

    assert found.groups == found.of("right").difference.n == 12


def test_a_planted_slice_stands_first_and_the_others_are_left_undecided():
    rng = np.random.default_rng(4)
    slices = [{"language": "de" if place % 4 == 0 else "en", "length": str(place % 3)} for place in range(400)]
    before = [tried(f"c{place}", rng.random() < 0.8, slices=each) for place, each in enumerate(slices)]
    after = [
        one.but(numbers={"right": 0.0 if each["language"] == "de" and rng.random() < 0.5 else one.numbers["right"]})
        for one, each in zip(before, slices, strict=True)
    ]

    found = compare(before, after, PLAN)

    assert (found.slices[0].by, found.slices[0].value, found.slices[0].standing) == ("language", "de", "worse")
    assert found.slices[0].n == 100
    assert found.slices_tested == 5
    untouched = next(each for each in found.slices if each.value == "en")
    assert (untouched.standing, untouched.q) == ("undecided", 1.0)


def test_ids_are_no_slices_and_small_ones_are_counted_but_not_tested():
    sides = [
        [tried(f"c{place}", place % 2, slices={"id": str(place), "kind": "rare" if place < 3 else "usual"}) for place in range(90)]
        for _ in range(2)
    ]  # fmt: skip

    found = compare(*sides, PLAN)

    assert [(each.by, each.value) for each in found.slices] == [("kind", "usual")]
    assert found.slices_small == 1


def test_slices_that_do_not_differ_are_called_worse_no_more_often_than_is_stated():
    rng, alarms, times = np.random.default_rng(7), 0, 120
    for _ in range(times):
        sides = [
            [tried(f"c{place}", rng.random() < 0.7, slices={"topic": str(place % 12)}) for place in range(240)]
            for _ in range(2)
        ]
        alarms += any(each.standing != "undecided" for each in compare(*sides, PLAN).slices)

    assert clopper_pearson(alarms, times, 0.99).low <= 0.05


def test_what_fails_counts_as_the_worst_so_that_nothing_is_won_by_failing_at_what_is_hard():
    before = run([0.6] * 80)
    after = [
        each.but(numbers={}, state="failed") if place < 30 else each.but(numbers={"right": 0.9})
        for place, each in enumerate(before)
    ]

    found = compare(before, after, PLAN)

    assert found.of("right").candidate.value == pytest.approx(50 / 80 * 0.9)
    assert found.of("error_rate").standing == "worse"
    assert found.decision.verdict != "ship"
    assert found.worse == 30


async def test_runs_of_a_store_are_compared_with_the_answers_of_the_cases_that_differ():
    store = await open_store("memory:", clock=FakeClock())
    before = [each.but(trace="t-old") for each in run([1] * 40)]
    after = [
        each.but(numbers={"right": 0.0}, answer="No.", reasons={"right": "it denies it"})
        if place == 7
        else each.but(state="failed", numbers={}, reasons={"error": "upstream_cut: it broke off"})
        if place == 9
        else each
        for place, each in enumerate(run([1] * 40))
    ]
    for id, outcomes in (("old", before), ("new", after)):
        await shelf(store.records).put(Run(id=id, tenant="acme", target=Target(kind="callable"), state="done"))
        await store.runs.put(id, outcomes, tenant="acme")
    desk = Comparing(store.records, store.runs, lambda _: PLAN)

    (found,) = await desk.compare(await desk.found(["old", "new"], "acme"))

    denied, failed = found.changes
    assert (denied.case, denied.answers, denied.traces) == ("c007", ("answer of c007", "No."), ("t-old", ""))
    assert denied.reasons == ("", "it denies it")
    assert failed.failed == ("", "upstream_cut: it broke off")
    for ids, why in ((["old", "gone"], "no run 'gone'"), (["old"], "two to 10"), (["old", "old"], "different")):
        with pytest.raises(Mistaken, match=why):
            await desk.found(ids, "acme")
    with pytest.raises(Mistaken, match="no run"):
        await desk.found(["old", "new"], "others")


def test_what_makes_runs_unlike_is_said():
    base = loaded(run([1] * 40), version="one", scorers={"right": "1"})
    other = loaded(
        run([1] * 40), "new", version="two", scorers={"right": "2"}, state="stopped", why="the budget is spent"
    )

    said = " ".join(compare_all([base, other], PLAN)[0].warnings)

    assert "not over the same version" in said
    assert "right was not judged by the same version of its scorer" in said
    assert "new is not done: it is stopped, the budget is spent" in said


def test_several_candidates_share_the_error():
    base, better = run([1, 0] * 50), run([1] * 100)

    alone = compare_all([loaded(base), loaded(better, "one")], PLAN)
    three = compare_all([loaded(base), *(loaded(better, each) for each in ("one", "two", "three"))], PLAN)

    assert [each.candidate for each in three] == ["one", "two", "three"]
    assert alone[0].of("right").difference.level == 0.95
    assert three[0].of("right").difference.level == pytest.approx(1 - 0.05 / 3)
    with pytest.raises(Mistaken, match="two runs or more"):
        compare_all([loaded(base)], PLAN)


def test_without_a_plan_all_is_shown_and_nothing_decided():
    found = compare(run([1, 0] * 20, duration_ms=10.0), run([1, 1] * 20, duration_ms=20.0), MetricsTable())

    assert found.decision is None
    assert found.metric == "right"
    assert found.of("latency").difference.value == 10.0
    assert "no metric plan" in " ".join(found.warnings).lower()


def test_a_metric_that_the_runs_do_not_have_is_named_with_those_they_have():
    with pytest.raises(Mistaken, match="they have right, error_rate"):
        compare(run([1] * 40), run([1] * 40), PLAN, metric="wrong")


def test_labels_that_changed_are_counted_by_what_became_what():
    before = [each.but(labels={"tone": "kind"}) for each in run([1] * 40)]
    after = [each.but(labels={"tone": "rude" if place < 10 else "kind"}) for place, each in enumerate(before)]

    (tone,) = compare(before, after, PLAN).labels

    assert (tone.n, tone.changed.value, tone.moves) == (40, 0.25, (("kind", "rude", 10),))


def test_costs_that_are_all_alike_still_have_an_interval():
    found = compare(run([1] * 40, duration_ms=200.0), run([1] * 40, duration_ms=200.0), PLAN)

    latency = found.of("latency").difference
    assert latency.value == 0
    assert -20 < latency.low < 0 < latency.high < 20


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=25))
def test_the_other_way_round_everything_is_the_other_way_round(pairs):
    ones, others = run([one for one, _ in pairs]), run([other for _, other in pairs])

    there, back = compare(ones, others, PLAN), compare(others, ones, PLAN)

    assert there.of("right").difference.value == pytest.approx(-back.of("right").difference.value)
    assert (there.better, there.worse) == (back.worse, back.better)
    assert there.of("right").test.p == pytest.approx(back.of("right").test.p)


def test_the_linearised_interval_is_that_of_statsmodels():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(40), rng.integers(1, 6, 40))
    values = rng.normal(0.2, 1, len(groups)) + rng.normal(0, 1, 40)[groups]
    fitted = sm.OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": True}, use_t=True
    )

    ours, test = linear(values, clusters=groups), linear_test(values, clusters=groups.tolist())

    assert (ours.low, ours.high) == pytest.approx(tuple(fitted.conf_int()[0]))
    assert test.p == pytest.approx(fitted.pvalues[0])


def test_two_answers_are_shown_as_the_words_that_they_share_and_those_of_one():
    pieces = pieces_of("The hay is dry today.", "The hay is wet today.")

    assert [(each.kind, each.text) for each in pieces] == [
        ("same", "The hay is "),
        ("left", "dry"),
        ("right", "wet"),
        ("same", " today."),
    ]
