"""What `rowen tune` finds on the judged sets, by the real command: `python -m bench.retrieval.tuned --data FOLDER --out FOLDER`.

Each set becomes an app in a folder of its own: its documents as files, its questions as lines. SciFact is tuned on its training
questions; what won, and the adapter that was learnt on them, is then asked its test questions, those whose documents a training
question asks for too (head) told apart from all others (tail). The other sets have no such parts: there the report's own
questions held out count.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from bench.retrieval.quality import HOUSE
from bench.retrieval.sets import rows

from rowen.evaluate.statistics import bootstrap
from rowen.flow.knowledge import TENANT, Bundled
from rowen.improve.tune import Bench, read
from rowen.improve.tune.space import point_of
from rowen.retrieve.adapter import Adapted, Adapter
from rowen.retrieve.base import RetrieveSettings
from rowen.store.catalog import open_store
from rowen.store.knowledge import Collection
from rowen.values import SystemClock

APP = """[app]
name = "bench"
[models.echo]
provider = "echo"
[retrieve.docs]
source = "docs/*"
gate = {{ junk = "off", duplicate = "off", near_duplicate = "off" }}
{more}
"""
SPACES = {
    "scifact": (
        'kind = ["whole"]\nsize = []\noverlap = []\ncontext = []\nsearch = ["hybrid"]\n'
        "weight = [0.1, 0.15, 0.25, 0.3, 0.4]\ntop = [20]\ndiversity = []\n"
    ),
    "codebases": (
        'kind = ["overlap", "recursive", "structure"]\nsize = [400, 800, 1200]\noverlap = [0.0, 0.25, 0.5]\n'
        "weight = [0.1, 0.15, 0.25, 0.3]\n"
    ),
    "chunkeval": (
        'kind = ["overlap", "recursive", "sentence"]\nsize = [300, 400, 600, 800]\noverlap = [0.0, 0.25, 0.5]\n'
        "weight = [0.1, 0.15, 0.25, 0.3, 0.4]\n"
    ),
}
CHARACTERS = {"scifact": 60_000, "codebases": 4_000, "chunkeval": 4_000}
"""For SciFact as many as twenty whole abstracts take: what is measured there is a ranking."""


def scifact(data: Path, home: Path) -> None:
    for row in rows(data / "corpus.jsonl.gz"):
        _write(home / "docs" / f"{row['_id']}.md", f"# {row['title']}\n\n{row['text']}")
    texts = {row["_id"]: row["text"] for row in rows(data / "queries.jsonl")}
    for split in ("train", "test"):
        judged: dict[str, list[str]] = {}
        for line in (data / "qrels" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()[1:]:
            question, document, worth = line.split("\t")
            if int(worth) > 0:
                judged.setdefault(question, []).append(f"docs/{document}.md")
        _lines(home / f"{split}.jsonl", ({"question": texts[id], "documents": found} for id, found in judged.items()))


def codebases(data: Path, home: Path) -> None:
    texts = {row["_id"]: row["text"] for row in rows(data / "documents.jsonl.gz")}
    for id, text in texts.items():
        _write(home / "docs" / f"{id}.rs", text)
    spans = {}
    for row in rows(data / "corpus.jsonl.gz"):
        document = row["metadata"]["doc"]
        start = texts[document].index(row["text"])
        spans[row["_id"]] = {"doc": f"docs/{document}.rs", "start": start, "end": start + len(row["text"])}
    wanted: dict[str, list[dict[str, object]]] = {}
    for line in (data / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        question, chunk, _ = line.split("\t")
        wanted.setdefault(question, []).append(spans[chunk])
    asked = [row for row in rows(data / "queries.jsonl") if row["_id"] in wanted]
    _lines(home / "train.jsonl", ({"question": row["text"], "spans": wanted[row["_id"]]} for row in asked))


def chunkeval(data: Path, home: Path) -> None:
    for row in rows(data / "corpus.jsonl.gz"):
        _write(home / "docs" / f"{row['_id']}.txt", row["text"])
    asked = [
        {
            "question": row["text"],
            "spans": [{**span, "doc": f"docs/{span['doc']}.txt"} for span in row["metadata"]["spans"]],
        }
        for row in rows(data / "queries.jsonl")
    ]
    _lines(home / "train.jsonl", asked)


def tune(home: Path, name: str, arguments: argparse.Namespace) -> None:
    """Run the command, and print what it says."""
    _write(home / "app.toml", APP.format(more=""))
    _write(home / "space.toml", SPACES[name])
    common = ["--questions", "train.jsonl", "--characters", str(CHARACTERS[name])]
    budget = ["--minutes", str(arguments.minutes), "--candidates", str(arguments.candidates)]
    _rowen(home, "tune", *common, *budget, "--space", "space.toml", "--report", "report.md", "--table", "found.toml")
    if name == "scifact":
        _write(home / "whole.toml", APP.format(more='chunk = { kind = "whole" }'))
        _rowen(home, "tune", "whole.toml", *common, "--adapter", "adapter.json", ends=(0, 3))


async def tried(home: Path) -> None:
    """Ask the test questions of what the app has by default, of what won, and of the adapter."""
    found = tomllib.loads((home / "found.toml").read_text(encoding="utf-8"))["retrieve"]["docs"]
    bare, winner, whole = (
        msgspec.convert(table, RetrieveSettings) for table in ({}, found, {"chunk": {"kind": "whole"}})
    )
    ways = {"default": (bare, ""), "what won": (winner, ""), "a chunk a document": (whole, "")}
    if (home / "adapter.json").exists():
        ways["a chunk a document, with the adapter"] = (whole, (home / "adapter.json").read_text(encoding="utf-8"))
    store = await open_store(f"sqlite:{home / '.rowen' / 'tune'}", clock=SystemClock())
    collection, bundled = Collection(tenant=TENANT, app="bench", name="docs"), Bundled()
    known = [
        await store.knowledge.document(collection, one.id, HOUSE.but(tenant=TENANT))
        for one in await store.knowledge.known(collection)
    ]
    documents = [each for each in known if each is not None]
    train, test = (
        read((home / name).read_text(encoding="utf-8"), documents, place=name) for name in ("train.jsonl", "test.jsonl")
    )
    asked_for = {document for each in train for document in each.documents}
    head = [not asked_for.isdisjoint(each.documents) for each in test]
    first: list[float] = []
    print("| test questions | all | head | tail | difference, by pairs |\n|---|---|---|---|---|")
    for label, (settings, adapter) in ways.items():
        embed = Adapted(bundled("minilm"), Adapter.read(adapter)) if adapter else bundled("minilm")
        bench = Bench(
            store.knowledge,
            collection,
            settings.but(top=20),
            lambda _, embed=embed: embed,
            SystemClock(),
            characters=60_000,
        )
        each = [(await bench.ask(point_of(bench.settings), question, "ndcg")).quality for question in test]
        first = first or each
        parts = [each, _only(each, head), _only(each, [not one for one in head])]
        gain = bootstrap([one - other for one, other in zip(each, first, strict=True)], bounds=(-1.0, 1.0))
        print(
            "| " + " | ".join([label, *(str(bootstrap(part, bounds=(0.0, 1.0))) for part in parts), str(gain)]) + " |"
        )
    await store.close()


def _only(values: Sequence[float], wanted: Sequence[bool]) -> list[float]:
    return [value for value, want in zip(values, wanted, strict=True) if want]


def _rowen(home: Path, *words: str, ends: tuple[int, ...] = (0,)) -> None:
    print(f"\n$ rowen {' '.join(words)}", flush=True)
    ran = subprocess.run([sys.executable, "-m", "rowen", *words], cwd=home, check=False)
    if ran.returncode not in ends:
        raise SystemExit(ran.returncode)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="")


def _lines(file: Path, found: Iterable[dict[str, object]]) -> None:
    _write(file, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in found))


def main(arguments: argparse.Namespace) -> None:
    for name in arguments.sets.split(","):
        home = (arguments.out / name).resolve()
        {"scifact": scifact, "codebases": codebases, "chunkeval": chunkeval}[name](arguments.data / name, home)
        tune(home, name, arguments)
        if name == "scifact":
            asyncio.run(tried(home))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SPACES))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--candidates", type=int, default=40)
    main(parser.parse_args())
