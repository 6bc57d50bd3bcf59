"""Outcomes under the names of Ragas: its columns of a sample, and its names of metrics.

A name says what is measured, not how: Ragas asks a model for each statement what stands in the passages, where `grounded` counts
words or meanings. Figures of the two are not to be compared with each other. See
https://docs.ragas.io/en/stable/concepts/metrics/available_metrics/.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rowen.evaluate.dataset import asked
from rowen.values import Case, Outcome

NAMES: Mapping[str, str] = {
    "grounded": "faithfulness",
    "relevant": "answer_relevancy",
    "correct": "answer_correctness",
    "similarity": "semantic_similarity",
    "context_precision": "context_precision",
    "context_recall": "context_recall",
    "exact": "exact_match",
    "bleu": "bleu_score",
    "rouge": "rouge_score",
    "edit": "non_llm_string_similarity",
}
"""Their name of each of ours; any other metric keeps its own."""


def ragas(
    outcomes: Iterable[Outcome], cases: Mapping[str, Case], names: Mapping[str, str] = NAMES
) -> Iterator[dict[str, Any]]:
    """Yield outcomes as rows of Ragas: `user_input`, `response`, `retrieved_contexts`, `reference`, and the metrics.

    Args:
        outcomes: of a run.
        cases: of its data set, by id.
        names: their names by ours; of a metric with parts, the part stays: `rouge.l` is `rouge_score.l`.

    """
    for each in outcomes:
        case = cases.get(each.case)
        expected = case.expected if case is not None else None
        yield {
            "user_input": asked(case.input) if case is not None else None,
            "response": each.answer,
            "retrieved_contexts": list(each.contexts),
            "reference": expected if expected is None or isinstance(expected, str) else str(expected),
            **{renamed(metric, names): value for metric, value in each.numbers.items()},
        }


def renamed(metric: str, names: Mapping[str, str]) -> str:
    """Return their name of a metric."""
    base, dot, part = metric.partition(".")
    return f"{names.get(base, base)}{dot}{part}"
