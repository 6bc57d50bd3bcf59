"""What choosing examples by likeness gains: `python -m bench.prompts.examples FILE [--answers N]`.

FILE is `utterances.jsonl.gz` of CLINC150 (S. Larson et al., "An Evaluation Dataset for Intent Classification and Out-of-Scope
Prediction", EMNLP-IJCNLP 2019): `text`, `intent`, `domain`, `split`. Examples come from the training split, questions from the
test split. The first table says how often the examples that are chosen are of the question's own intent, against examples drawn
at random. With `--answers N` a small model names the intent, of the 15 of one domain, without examples, with three drawn at random,
and with three that are chosen, on the same N questions, through the app's own chain.
"""

import argparse
import asyncio
import gzip
import json
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rowen.config import read
from rowen.evaluate.statistics import bootstrap, paired
from rowen.flow import App
from rowen.flow.play import Try, Turn, tried
from rowen.prompt.base import ExamplesTable
from rowen.prompt.examples import Shots, Vectors
from rowen.provider.embed.embedding import Embedding
from rowen.provider.weights import Folder, default_place
from rowen.serve.evaluating import bench
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.values import Caller, Case, Reader, SystemClock
from rowen.values.errand import TRY

DOMAIN = "banking"
TOP = 3
EVERYBODY = Reader(tenant="default")
WAYS = (("nearest", 0.0), ("default", 0.1), ("more", 0.3), ("most", 0.6))
APP = """
[app]
name = "intents"
[models.small]
provider = "local"
model = "smollm2"
[prompt]
system = "system.md"
"""
CHOSEN = '[prompt.examples]\nfiles = "cases.jsonl"\nembed = "minilm"\n'


class Said(NamedTuple):
    """Something that a user said, and what he wanted."""

    text: str
    intent: str


def said(path: Path, split: str, each: int, *, domain: str = "") -> list[Said]:
    """Return so many of each intent, in the order of the file."""
    found: dict[str, list[Said]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            fits = row["split"] == split and row["in_scope"] and domain in ("", row["domain"])
            if fits and len(found[row["intent"]]) < each:
                found[row["intent"]].append(Said(row["text"], row["intent"]))
    return [one for intent in sorted(found) for one in found[intent]]


async def alike(pool: Sequence[Said], asked: Sequence[Said], name: str) -> None:
    """Print how often chosen examples are of the question's intent."""
    embed = Embedding(name, Folder(default_place()))
    cases = [Case(id=f"{number}", input=each.text, expected=each.intent) for number, each in enumerate(pool)]
    vectors = Vectors()

    async def load() -> list[Case]:
        return cases

    began = time.process_time()
    await vectors.of(embed, [each.text for each in pool])
    made = time.process_time() - began
    for label, variety in WAYS:
        table = ExamplesTable(dataset="clinc150@train", top=TOP, variety=variety, budget=10_000)
        shots = Shots(table, load=load, embed=embed, count=len, vectors=vectors)
        shares, began = [], time.process_time()
        for one in asked:
            chosen = (await shots.chosen(one.text, EVERYBODY)).examples
            shares.append(sum(each.answer == one.intent for each in chosen) / TOP)
        each_ms = 1000 * (time.process_time() - began) / len(asked)
        print(f"{name:10} {label:8} variety {variety:.1f}  {bootstrap(shares, bounds=(0, 1))}  {each_ms:.1f} ms CPU")
    print(f"{name:10} {len(pool)} vectors in {made:.1f} s CPU")


async def answers(pool: Sequence[Said], asked: Sequence[Said]) -> None:
    """Print how often a small model names the right intent, by which examples it is shown."""
    rng = random.Random(1)
    right: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for arm in ("none", "random", "chosen"):
            apps = list(_written(Path(folder) / arm, pool, CHOSEN if arm == "chosen" else ""))
            async with bench(ServerSettings(store="memory:"), apps, SystemClock()) as stand:
                app = stand.apart.named("intents")
                right[arm] = [
                    await _right(app, one, rng.sample(list(pool), TOP) if arm == "random" else ()) for one in asked
                ]
            print(f"{arm:8} {bootstrap(right[arm], bounds=(0, 1))}")
    for arm in ("none", "random"):
        print(f"chosen - {arm}: {paired(right['chosen'], right[arm], bounds=(0, 1))}")


def _written(folder: Path, pool: Sequence[Said], more: str) -> Iterator[object]:
    folder.mkdir()
    names = ", ".join(sorted({each.intent for each in pool}))
    (folder / "system.md").write_text(
        f"Say what the user wants, in one of these words and nothing else: {names}.", encoding="utf-8"
    )
    lines = (json.dumps({"question": each.text, "expected": each.intent}) for each in pool)
    (folder / "cases.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "app.toml").write_text(APP + more, encoding="utf-8")
    yield read(folder / "app.toml", TABLES)


async def _right(app: App, one: Said, shown: Sequence[Said]) -> float:
    turns = [
        turn for each in shown for turn in (Turn(role="user", text=each.text), Turn(role="assistant", text=each.intent))
    ]
    asked = Try(question=one.text, earlier=tuple(turns), temperature=0.0, max_tokens=12)
    (found,) = await tried(app, asked, caller=Caller(key="", shown="bench", tenant="default"), errand=TRY)
    return float(found.answer.strip().strip(".").lower().replace(" ", "_") == one.intent)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--embed", nargs="*", default=["wordllama", "minilm"])
    parser.add_argument("--each", type=int, default=10, help="examples of each intent")
    parser.add_argument("--answers", type=int, default=0, metavar="N", help="questions that a model answers")
    given = parser.parse_args()
    pool, asked = said(given.file, "train", given.each), said(given.file, "test", 2)
    print(f"{len(asked)} questions, {len(pool)} examples of {len({each.intent for each in pool})} intents")
    print(f"random     {'':8} {'':11}  {1 / len({each.intent for each in pool}):.3f} is what chance gives")
    for name in given.embed:
        asyncio.run(alike(pool, asked, name))
    if given.answers:
        few = said(given.file, "train", given.each, domain=DOMAIN)
        some = random.Random(0).sample(said(given.file, "test", 30, domain=DOMAIN), given.answers)
        asyncio.run(answers(few, some))


if __name__ == "__main__":
    main()
