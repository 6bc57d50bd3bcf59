"""OpenAI's evals: samples as JSON lines with `input` and `ideal` (https://github.com/openai/evals, docs/build-eval.md).

Lines of the hosted product stand under `item`. Several ideals are several answers that are right.
"""

from typing import Any

from rowen.evaluate.files.rows import Row
from rowen.values import Case


def flattened(row: Row) -> Row:
    """Return a line with what stands under `item` beside the rest, as it is read."""
    item = row.get("item")
    if not isinstance(item, dict):
        return row
    return {**{name: value for name, value in row.items() if name != "item"}, **item}


def openai_sample(case: Case) -> Row:
    """Return a case as a sample of theirs."""
    asked: Any = case.input
    if isinstance(asked, str):
        asked = [{"role": "user", "content": asked}]
    found: Row = {"input": asked}
    if case.expected is not None:
        found["ideal"] = case.expected
    return {**found, "metadata": {**case.metadata, "id": case.id}}
