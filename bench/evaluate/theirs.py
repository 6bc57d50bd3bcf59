"""The same cases in Inspect: run by the Python of its own environment, with the cases, the log folder and the concurrency."""

import json
import sys
from pathlib import Path
from typing import Any

from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelAPI, ModelOutput, get_model, modelapi
from inspect_ai.scorer import match
from inspect_ai.solver import generate


@modelapi(name="echo")
class Echo(ModelAPI):
    """Says what it is told. Words are its tokens, since the tables of Inspect's own counter are downloaded."""

    async def generate(self, input: list[Any], tools: Any, tool_choice: Any, config: Any) -> ModelOutput:  # noqa: ARG002 - the shape of all models
        return ModelOutput.from_content(self.model_name, input[-1].text)

    async def count_text_tokens(self, text: str) -> int:
        return len(text.split())


def main() -> None:
    cases, logs, concurrency = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    rows = [json.loads(line) for line in cases.read_text().splitlines()]
    samples = [Sample(id=row["id"], input=row["input"], target=row["expected"]) for row in rows]
    task = Task(dataset=samples, solver=generate(), scorer=match(location="exact", ignore_case=False))
    (log,) = evaluate(
        task,
        model=get_model("echo/echo"),
        log_dir=logs,
        display="none",
        max_connections=concurrency,
        max_samples=concurrency,
    )
    assert log.status == "success", log.error
    passed = {str(sample.id): sample.scores["match"].value == "C" for sample in log.samples or []}
    print(json.dumps(passed))


main()
