import random

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from rowen.retrieve import metrics
from rowen.retrieve.metrics import Extent, Risk, Share

_ids = st.sampled_from([f"d{n}" for n in range(30)])
_rankings = st.lists(_ids, unique=True, min_size=1, max_size=25)
_judgements = st.dictionaries(_ids, st.integers(0, 3), min_size=1, max_size=20)


@given(ranked=_rankings, relevant=_judgements)
def test_rankings_are_measured_as_trec_eval_does(ranked, relevant):
    run = {"q": {id: float(len(ranked) - at) for at, id in enumerate(ranked)}}
    measures = {"recall.5,10", "ndcg_cut.5,10", "P.5", "recip_rank", "map"}

    theirs = pytrec_eval.RelevanceEvaluator({"q": relevant}, measures).evaluate(run)["q"]

    assert metrics.recall(ranked, relevant, 5) == pytest.approx(theirs["recall_5"])
    assert metrics.recall(ranked, relevant, 10) == pytest.approx(theirs["recall_10"])
    assert metrics.ndcg(ranked, relevant, 5) == pytest.approx(theirs["ndcg_cut_5"])
    assert metrics.ndcg(ranked, relevant, 10) == pytest.approx(theirs["ndcg_cut_10"])
    assert metrics.precision(ranked, relevant, 5) == pytest.approx(theirs["P_5"])
    assert metrics.reciprocal_rank(ranked, relevant) == pytest.approx(theirs["recip_rank"])
    assert metrics.average_precision(ranked, relevant) == pytest.approx(theirs["map"])


def test_a_rank_beyond_the_cut_is_none():
    assert metrics.reciprocal_rank(["a", "b", "c"], {"c": 1}, 2) == 0.0
    assert metrics.reciprocal_rank(["a", "b", "c"], {"c": 1}, 3) == pytest.approx(1 / 3)


_extents = st.lists(
    st.builds(lambda d, s, n: Extent(d, s, s + n), st.sampled_from("ab"), st.integers(0, 40), st.integers(0, 15)),
    max_size=6,
)


@given(given=_extents, wanted=_extents)
def test_a_context_is_measured_by_its_characters(given, wanted):
    gave = {(each.document, at) for each in given for at in range(each.start, each.end)}
    want = {(each.document, at) for each in wanted for at in range(each.start, each.end)}

    share = metrics.context(given, wanted)

    shared = len(gave & want)
    assert share.precision == pytest.approx(shared / len(gave) if gave else 0.0)
    assert share.recall == pytest.approx(shared / len(want) if want else 0.0)


def test_citations_count_each_and_each_claim():
    assert metrics.citations([[True, False], [False], [], [True]]) == Share(2 / 4, 2 / 4)
    assert metrics.citations([]) == Share(0.0, 0.0)


def test_risk_falls_when_only_what_is_sure_is_answered():
    judged = [(0.9, True), (0.8, True), (0.8, False), (0.2, False)]

    curve = metrics.risk_coverage(judged)

    assert curve == [Risk(0.9, 0.25, 0.0), Risk(0.8, 0.75, 1 / 3), Risk(0.2, 1.0, 0.5)]
    assert metrics.area_under(curve) == pytest.approx(0.0 + 0.5 * (0 + 1 / 3) / 2 + 0.25 * (1 / 3 + 0.5) / 2)


def test_confidence_that_says_nothing_has_the_overall_risk():
    chance = random.Random(5)
    judged = [(chance.random(), chance.random() < 0.7) for _ in range(4_000)]

    assert metrics.area_under(metrics.risk_coverage(judged)) == pytest.approx(0.3, abs=0.03)
