"""What a search and a change cost at a size: `python -m bench.retrieval.speed --chunks 5000,100000`.

Texts are made of words as common as words are (Zipf), in documents of five chunks of 800 characters; vectors are random
directions of as many numbers as the embedder's have, so that only the questions are embedded, and some chunks to time it. All times but one are CPU of this process: the machine may be shared.
"""

import argparse
import asyncio
import os
import random
import resource
import time
from itertools import accumulate
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from rowen.provider.embed import Embedding
from rowen.provider.weights import Folder, default_place
from rowen.retrieve.base import RetrieveSettings
from rowen.retrieve.search import Means, Searching
from rowen.store.catalog import open_store
from rowen.store.knowledge import Collection, Cut
from rowen.values import Chunk, Condition, Document, Manifest, Reader, SystemClock

EMBEDDED = 128
READER = Reader(tenant="bench", groups=("staff",))


class Corpus:
    def __init__(self, seed: int, wide: int) -> None:
        self.wide = wide
        self.chance = random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self.words = ["".join(self.chance.choices(letters, k=self.chance.randint(3, 10))) for _ in range(40_000)]
        self.weights = list(accumulate(1 / rank for rank in range(1, len(self.words) + 1)))

    def text(self, characters: int) -> str:
        return " ".join(self.chance.choices(self.words, cum_weights=self.weights, k=characters // 7))[:characters]

    def document(self, nth: int, version: str = "1") -> Document:
        return Document(
            id=f"d{nth}", source="bench", uri=f"d{nth}", version=version, text=self.text(2_400), language="en",
            metadata={"nth": nth % 100}, access=("staff",) if nth % 2 else (),
        )  # fmt: skip

    def cut(self, build: str, document: Document) -> Cut:
        chunks = tuple(Chunk(start=at, end=min(at + 800, len(document.text))) for at in range(0, 2_000, 400))
        rows = self.numbers.standard_normal((len(chunks), self.wide), np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return Cut(build, chunks, rows.tobytes())


async def measure(size: int, name: str) -> None:
    embed = Embedding(name, Folder(default_place()), threads=1)
    corpus = Corpus(size, (await embed(["warm"])).dimensions)
    collection = Collection(tenant="bench", app="bench", name="docs")
    with TemporaryDirectory() as folder:
        store = await open_store(f"sqlite:{folder}", clock=SystemClock())
        manifest = Manifest(chunker="bench", context="none", embedder=embed.fingerprint, dimensions=corpus.wide)
        build = await store.knowledge.begin(collection, manifest, now_ns=1)
        writing = 0.0
        for nth in range(size // 5):
            document = corpus.document(nth)
            cut = corpus.cut(build.id, document)
            started = time.process_time()
            await store.knowledge.write(collection, document, [cut])
            writing += time.process_time() - started
        await store.knowledge.ready(build.id)
        before = _memory()
        started = time.process_time()
        await store.knowledge.switch(build.id, now_ns=2)
        image = time.process_time() - started
        means = Means(knowledge=store.knowledge, clock=SystemClock(), embeds=(embed,))
        search = Searching(collection, RetrieveSettings(weight=0.3), means)
        rows = {}
        for label, where in (
            ("whole path", ()),
            ("1 in 100", (Condition(field="nth", value=7),)),
        ):
            rows[label] = await _times(search, corpus, where)
        started = time.process_time()
        for _ in range(20):
            await embed([corpus.text(60)], role="query")
        embedding = (time.process_time() - started) / 20 * 1e3
        texts = [corpus.text(800) for _ in range(EMBEDDED)]
        started = time.process_time()
        for at in range(0, EMBEDDED, 64):
            await embed(texts[at : at + 64])
        embedded = EMBEDDED / (time.process_time() - started)
        changed = corpus.document(3, version="2")
        started, wall = time.process_time(), time.perf_counter()
        await store.knowledge.write(collection, changed, [corpus.cut(build.id, changed)])
        await search(corpus.text(60), reader=READER, top=6)
        change, change_wall = time.process_time() - started, time.perf_counter() - wall
        memory = _memory() - before
        disk = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 2**20
        await store.close()
    print(
        f"\n{size} chunks, questions embedded by {name} ({embedding:.1f} ms of CPU each); load {os.getloadavg()[0]:.0f}"
    )
    for label, (typical, slow) in rows.items():
        print(f"| {label} | {typical:.1f} ms of CPU (median), {slow:.1f} (p90) |")
    print(f"| a changed document searchable | {change * 1e3:.0f} ms of CPU, {change_wall * 1e3:.0f} ms by the clock |")
    print(f"| embedding chunks of 800 characters | {embedded:.0f} a CPU second |")
    print(f"| writing | {size / writing:.0f} chunks a CPU second, without embedding |")
    print(
        f"| image made | {image:.2f} s of CPU, {memory:.0f} MB more in memory (mapped file included), {disk:.0f} MB of disk |",
        flush=True,
    )


async def _times(search: Searching, corpus: Corpus, where: tuple[Condition, ...]) -> tuple[float, float]:
    spent = []
    for nth in range(33):
        question = corpus.text(60)
        started = time.process_time()
        await search(question, reader=READER, top=6, where=where)
        if nth > 2:
            spent.append((time.process_time() - started) * 1e3)
    return median(spent), sorted(spent)[int(len(spent) * 0.9)]


def _memory() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--chunks", default="5000,100000")
parser.add_argument("--embed", default="minilm")
arguments = parser.parse_args()
for count in arguments.chunks.split(","):
    asyncio.run(measure(int(count), arguments.embed))
