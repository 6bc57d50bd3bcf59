import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU

from rowen.score.bleu import bleu, tokens_13a
from rowen.score.rouge import by_order, by_runs, tokens

WORDS = st.lists(
    st.sampled_from(
        ["The", "cat", "sat,", "on", "the", "mat.", "3.5-fold", "R&D", "don't", "(yes)", "a\n", "A-B", "&amp;", "é"]
    ),
    max_size=18,
)
TEXTS = WORDS.map(" ".join)


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_bleu_is_as_sacrebleu_computes_it(answer, references):
    theirs = BLEU(effective_order=True).sentence_score(answer, references)

    assert bleu(answer, references) == pytest.approx(theirs.score, abs=1e-9)


@given(TEXTS)
def test_tokens_are_those_of_sacrebleu(text):
    assert tokens_13a(text) == BLEU().tokenizer(text.rstrip()).split()


@given(TEXTS, TEXTS)
def test_rouge_is_as_rouge_score_computes_it(answer, reference):
    theirs = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False).score(reference, answer)
    ours, wanted = tokens(answer), tokens(reference)

    assert by_runs(ours, wanted, 1) == pytest.approx(theirs["rouge1"].fmeasure)
    assert by_runs(ours, wanted, 2) == pytest.approx(theirs["rouge2"].fmeasure)
    assert by_order(ours, wanted) == pytest.approx(theirs["rougeL"].fmeasure)


@pytest.mark.parametrize("kind", ["bleu", "rouge"])
async def test_the_best_reference_counts_and_a_warning_goes_along(kind, judged):
    verdicts = await judged(kind, "the cat sat on the mat", references=["dogs bark", "the cat sat on the mat"])

    assert all(verdict.number == pytest.approx(100 if kind == "bleu" else 1) for verdict in verdicts.values())
    assert all("little of whether an answer is true" in verdict.metadata["warning"] for verdict in verdicts.values())


@pytest.mark.parametrize("kind", ["bleu", "rouge", "exact", "edit", "match", "similarity", "closeness"])
async def test_without_a_reference_nothing_is_said(kind, judged, letters):
    assert await judged(kind, "the cat", embed=letters) == {}
