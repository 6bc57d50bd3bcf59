"""Two bundled embedders as classifiers of intents, compared on real utterances as two runs are.

    python bench/compare CLINC150/utterances.jsonl.gz > docs/explanation/compared.md

Each learns a head on the utterances to train on, and answers those to test on. The data: Larson et al., EMNLP 2019,
https://github.com/clinc/oos-eval, CC BY 3.0; it is not part of this repository.
"""

import asyncio
import gzip
import json
import sys
import time
from pathlib import Path

from rowen.evaluate.compare import compare_all
from rowen.evaluate.compare.write import markdown
from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.run.base import Loaded
from rowen.evaluate.smaller import learn, of_model, of_words
from rowen.flow.knowledge import Bundled
from rowen.store.base import Figures
from rowen.values import Run, Target

DOMAINS = ("banking", "travel")
TRAIN, TEST = 15, 10  # of each intent
PLAN = MetricsTable(primary="right", guard=("latency",), margins={"latency": 50.0})


def taken(path: Path, split: str, most: int) -> list[dict]:
    found: dict[str, list[dict]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["split"] == split and row["domain"] in DOMAINS:
                found.setdefault(row["intent"], []).append(row)
    return [row for rows in found.values() for row in rows[:most]]


async def rows_of(name: str, texts: list[str]):
    return of_words(texts) if name == "words" else await of_model(texts, Bundled()(name))


async def tried(name: str, train: list[dict], test: list[dict]) -> Loaded:
    texts = [row["text"] for row in (*train, *test)]
    rows = await rows_of(name, texts)
    head = learn(rows[: len(train)], [row["intent"] for row in train])
    said = [head.labels[at] for at in head.chances(rows[len(train) :]).argmax(axis=1).tolist()]
    took = []
    for row in test:
        began = time.perf_counter()
        await rows_of(name, [row["text"]])
        took.append((time.perf_counter() - began) * 1e3)
    n = len(test)
    figures = Figures(
        cases=tuple(str(row["id"]) for row in test),
        trials=(0,) * n,
        states=("answered",) * n,
        numbers=tuple({"right": float(one == row["intent"])} for one, row in zip(said, test, strict=True)),
        labels=({},) * n,
        groups=("",) * n,
        slices=tuple({"domain": row["domain"], "intent": row["intent"]} for row in test),
        costs=(None,) * n,
        durations=tuple(took),
        firsts=(None,) * n,
        input_tokens=(0,) * n,
        output_tokens=(0,) * n,
        traces=("",) * n,
        cached=(False,) * n,
    )
    target = Target(kind="callable", name=f"head on {name}")
    return Loaded(Run(id=name, target=target, dataset="clinc150", metrics=("right",), state="done"), figures)


async def main(path: Path) -> None:
    train, test = taken(path, "train", TRAIN), taken(path, "test", TEST)
    runs = [await tried(name, train, test) for name in ("words", "wordllama", "minilm")]
    found = compare_all(runs, PLAN, changes=0)
    print(markdown(found, [each.run for each in runs], cases=0))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
