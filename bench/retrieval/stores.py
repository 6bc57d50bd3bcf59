"""Vector stores under filters, ours and others, in one run: `python -m bench.retrieval.stores --chunks 20000,100000`.

The same vectors, the same questions, ten nearest of all, of one in ten and of one in a hundred, held against a comparison with all.
Vectors are made between pairs of real ones where `--vectors` names a file of them (`.npy`, float32), and else around random
directions; so they lie in heaps as those of texts do. Ours goes through the product's own store, file and image included; each
peer runs in a process of its own (`--peer-python`), with an index as its documentation says. CPU is that of the process with all
its threads, memory what it holds at the end beyond what it held with its library loaded and the vectors in hand.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rowen.store.catalog import open_store
from rowen.store.knowledge import Collection, Cut
from rowen.values import Chunk, Condition, Document, Manifest, Reader, SystemClock

READER = Reader(tenant="bench", everything=True)
TOP = 10
QUESTIONS = 100
FILTERS = {"all": 1, "1 in 10": 10, "1 in 100": 100}
_EACH = 100  # chunks of a document: its number modulo 100 is what filters ask for


def vectors_of(count: int, base: Path | None, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors and questions, of length 1."""
    chance = np.random.default_rng(seed)
    real = np.load(base) if base else chance.standard_normal((2_000, 384), np.float32)
    made = []
    for some in (count, QUESTIONS):
        one, other = (real[chance.integers(0, len(real), some)] for _ in range(2))
        share = chance.uniform(0.5, 1, (some, 1)).astype(np.float32)
        mixed = share * one + (1 - share) * other
        mixed += chance.standard_normal(mixed.shape, np.float32) * np.float32(0.3 / np.sqrt(mixed.shape[1]))
        made.append(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))
    return made[0].astype(np.float32), made[1].astype(np.float32)


def nearest_of(vectors: np.ndarray, questions: np.ndarray) -> dict[str, list[set[int]]]:
    """Return the true ten nearest under each filter."""
    truth = {}
    for label, one_in in FILTERS.items():
        rows = np.flatnonzero(np.arange(len(vectors)) // _EACH % one_in == 0)
        scores = questions @ vectors[rows].T
        truth[label] = [set(rows[np.argpartition(-each, TOP)[:TOP]].tolist()) for each in scores]
    return truth


async def ours(vectors: np.ndarray, questions: np.ndarray, storage: str) -> dict:
    """Return what our store takes and finds."""
    count, wide = vectors.shape
    collection = Collection(tenant="bench", app="bench", name="docs")
    with TemporaryDirectory() as folder:
        store = await open_store(f"sqlite:{folder}", clock=SystemClock())
        manifest = Manifest(chunker="bench", context="none", embedder="bench", dimensions=wide, storage=storage)
        build = await store.knowledge.begin(collection, manifest, now_ns=1)
        started = time.process_time()
        for nth in range(count // _EACH):
            document = Document(
                id=f"d{nth}", source="bench", uri=f"d{nth}", version="1", text="x" * _EACH,
                metadata={"tenth": nth % 10, "hundredth": nth % 100},
            )  # fmt: skip
            chunks = tuple(Chunk(start=at, end=at + 1) for at in range(_EACH))
            rows = vectors[nth * _EACH : (nth + 1) * _EACH].tobytes()
            await store.knowledge.write(collection, document, [Cut(build.id, chunks, rows)])
        await store.knowledge.ready(build.id)
        before = memory()
        await store.knowledge.switch(build.id, now_ns=2)
        built = time.process_time() - started
        found: dict = {}
        for label, where in {
            "all": (),
            "1 in 10": (Condition(field="tenth", value=0),),
            "1 in 100": (Condition(field="hundredth", value=0),),
        }.items():
            await store.knowledge.dense(build.id, questions[0].tobytes(), reader=READER, where=where, limit=TOP)
            started, rankings = time.process_time(), []
            for question in questions:
                hits = await store.knowledge.dense(build.id, question.tobytes(), reader=READER, where=where, limit=TOP)
                rankings.append(hits)
            spent = (time.process_time() - started) / len(questions) * 1e3
            places = []
            for hits in rankings:
                passages = await store.knowledge.passages(
                    build.id, {hit.chunk: hit.score for hit in hits}, reader=READER
                )
                places.append([int(each.document[1:]) * _EACH + each.start for each in passages.values()])
            found[label] = {"ms": spent, "places": places}
        held = memory() - before
        await store.close()
    return {"build_s": built, "memory_mb": held, "found": found}


def peer(name: str, python: str, vectors: Path, questions: Path) -> dict | str:
    """Return what a peer takes and finds, or why it is left out."""
    script = Path(__file__).with_name("engines.py")
    ran = subprocess.run(
        [python, str(script), name, str(vectors), str(questions)], capture_output=True, text=True, check=False
    )
    return json.loads(ran.stdout) if ran.returncode == 0 else ran.stderr.strip().splitlines()[-1][:120]


def row(label: str, said: dict | str, truth: dict[str, list[set[int]]]) -> str:
    if isinstance(said, str):
        return f"| {label} | LEFT OUT: {said} | | | | |"
    parts = []
    for name, right in truth.items():
        each = said["found"][name]
        recalls = [len(wanted & set(got)) / TOP for wanted, got in zip(right, each["places"], strict=True)]
        parts.append(f"{sum(recalls) / len(recalls):.3f}; {each['ms']:.2f} ms")
    return f"| {label} | {said['build_s']:.0f} s | {said['memory_mb']:.0f} MB | {' | '.join(parts)} |"


def memory() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


async def main(arguments: argparse.Namespace) -> None:
    for count in map(int, arguments.chunks.split(",")):
        vectors, questions = vectors_of(count, arguments.vectors)
        truth = nearest_of(vectors, questions)
        print(
            f"\n{count} vectors of {vectors.shape[1]}, {QUESTIONS} questions, recall@10; load {os.getloadavg()[0]:.0f}"
        )
        print(f"| | built, CPU | memory | {' | '.join(FILTERS)} |\n|---|---|---|---|---|---|", flush=True)
        for storage in arguments.storage.split(","):
            print(row(f"ours, {storage}", await ours(vectors, questions, storage), truth), flush=True)
        with TemporaryDirectory() as folder:
            places = Path(folder, "vectors.npy"), Path(folder, "questions.npy")
            for place, each in zip(places, (vectors, questions), strict=True):
                np.save(place, each)
            for name in filter(None, arguments.peers.split(",")):
                print(row(name, peer(name, arguments.peer_python, *places), truth), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", default="20000,100000")
    parser.add_argument("--storage", default="float32,int8,binary")
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--peers", default="", help="chroma,lancedb,usearch")
    parser.add_argument("--peer-python", default=sys.executable, help="of an environment that has them")
    asyncio.run(main(parser.parse_args()))
