"""What each configuration finds in one judged set, and what it costs, through the product's own store and search."""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.retrieval.sets import Asked, Judged

from rowen.retrieve.base import CHARACTERS, RetrieveSettings
from rowen.retrieve.graph import extracting
from rowen.retrieve.metrics import Extent, context, ndcg, recall
from rowen.retrieve.search import Means, ranking, searched
from rowen.retrieve.weigh import evidence
from rowen.store.catalog import open_store
from rowen.store.knowledge import Build, Collection, Cut
from rowen.values import Embed, Embeddings, Manifest, Reader, SystemClock
from rowen.values.interval import Interval, mean

HOUSE = Reader(tenant="bench", everything=True)
BUDGET = 4_000
CONFIGURATIONS = ("lexical", "dense", "hybrid")
GRAPH = "hybrid with a graph"


class Figures(NamedTuple):
    configuration: str
    measure: str
    quality: Interval
    second: Interval
    """Recall@100, or the precision of the context."""
    each: tuple[float, ...]
    """The quality of each question."""
    build_s: float
    query_ms: float
    """CPU of one question, without embedding when its vector was known."""


class Kept:
    """An embedder that reads each text once in its life, and says what it took."""

    def __init__(self, embed: Embed, folder: Path) -> None:
        self.fingerprint = embed.fingerprint
        self._embed, self._folder = embed, folder / hashlib.sha256(embed.fingerprint.encode()).hexdigest()[:12]
        self._folder.mkdir(parents=True, exist_ok=True)
        self.spent_s = 0.0
        self.made = 0

    async def __call__(self, texts: Sequence[str], *, role: str = "document") -> Embeddings:  # noqa: ARG002 - of the protocol
        places = [self._folder / hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts]
        fresh = [at for at, place in enumerate(places) if not place.exists()]
        if fresh:
            started = time.process_time()
            made = await self._embed([texts[at] for at in fresh])
            self.spent_s += time.process_time() - started
            self.made += len(fresh)
            wide = 4 * made.dimensions
            for nth, at in enumerate(fresh):
                places[at].write_bytes(made.data[nth * wide : (nth + 1) * wide])
        rows = [place.read_bytes() for place in places]
        return Embeddings(b"".join(rows), len(rows[0]) // 4 if rows else 0, 0)


async def measured(judged: Judged, embed: Embed, *, graph: str = "none", note: Callable[[str], None]) -> list[Figures]:
    """Index a set once and ask its questions in each configuration, with a graph too where one is wanted."""
    with TemporaryDirectory() as folder:
        store = await open_store(f"sqlite:{folder}", clock=SystemClock())
        try:
            started = time.process_time()
            build = await indexed(store.knowledge, judged, embed, note, graph=graph)
            build_s = time.process_time() - started
            means = Means(knowledge=store.knowledge, clock=SystemClock(), embeds=(embed,))
            wanted = CONFIGURATIONS if graph == "none" else (*CONFIGURATIONS, GRAPH)
            return [await _figures(judged, build, means, configuration, graph, build_s) for configuration in wanted]
        finally:
            await store.close()


async def indexed(
    knowledge, judged: Judged, embed: Embed, note: Callable[[str], None], *, graph: str = "none"
) -> Build:
    """Return the live build of a set."""
    collection = Collection(tenant="bench", app="bench", name=judged.name)
    dimensions = (await embed(["dimensions"])).dimensions
    finding = extracting(graph)
    manifest = Manifest(
        chunker="bench",
        context="free",
        embedder=embed.fingerprint,
        dimensions=dimensions,
        graph=finding.written if finding else "",
    )
    spent, edges = 0.0, 0
    build = await knowledge.begin(collection, manifest, now_ns=1)
    chunks = 0
    for nth, item in enumerate(judged.items):
        said = [chunk.said(item.document.text) for chunk in item.chunks]
        vectors = b"".join([(await embed(said[at : at + 64])).data for at in range(0, len(said), 64)])
        started = time.process_time()
        relations = await finding.relations(item.document) if finding else ()
        spent, edges = spent + time.process_time() - started, edges + len(relations)
        await knowledge.write(collection, item.document, [Cut(build.id, item.chunks, vectors, relations)])
        chunks += len(said)
        if nth % 500 == 499:
            note(f"{judged.name}: {nth + 1} of {len(judged.items)} documents, {chunks} chunks")
    if finding:
        note(f"{judged.name}: {edges} relations in {spent:.1f} CPU s")
    await knowledge.ready(build.id)
    found = await evidence(knowledge, build, embed)
    note(f"{judged.name}: {chunks} chunks; {found}")
    await knowledge.learn(build.id, found.learnt)
    return await knowledge.switch(build.id, now_ns=2)


async def _figures(
    judged: Judged, build: Build, means: Means, configuration: str, graph: str, build_s: float
) -> Figures:
    with_graph = configuration == GRAPH
    settings = RetrieveSettings(
        search="hybrid" if with_graph else configuration,
        graph=graph if with_graph else "none",
        budget=BUDGET // CHARACTERS,
    )
    for question in judged.questions[:3]:
        await ranking(build, settings, means, question.text, reader=HOUSE)
    started = time.process_time()
    ask = _spans if judged.questions[0].spans else _ranked
    each = [await ask(judged, build, settings, means, question) for question in judged.questions]
    spent = (time.process_time() - started) / len(each)
    measure = "recall in 4,000 characters" if judged.questions[0].spans else "nDCG@10"
    first, second = tuple(one for one, _ in each), [two for _, two in each]
    return Figures(configuration, measure, mean(first), mean(second), first, build_s, spent * 1e3)


async def _ranked(judged: Judged, build: Build, settings, means: Means, question: Asked) -> tuple[float, float]:
    scores = await ranking(build, settings, means, question.text, reader=HOUSE)
    passages = await means.knowledge.passages(build.id, scores, reader=HOUSE)
    names = names_of(judged)
    best: dict[str, float] = {}
    for chunk, passage in passages.items():
        id = names[passage.document, passage.start]
        best[id] = max(best.get(id, -1.0), scores[chunk])
    ranked = sorted(best, key=lambda name: (-best[name], name))
    return ndcg(ranked, question.relevant, 10), recall(ranked, question.relevant, 100)


async def _spans(_judged: Judged, build: Build, settings, means: Means, question: Asked) -> tuple[float, float]:
    found = await searched(build, settings, means, question.text, reader=HOUSE, top=settings.top)
    given, left = [], BUDGET
    for passage in found.passages:
        taken = min(left, passage.end - passage.start)
        given.append(Extent(passage.document, passage.start, passage.start + taken))
        left -= taken
        if left <= 0:
            break
    share = context(given, question.spans)
    return share.recall, share.precision


_KNOWN: dict[int, dict[tuple[str, int], str]] = {}


def names_of(judged: Judged) -> dict[tuple[str, int], str]:
    if id(judged) not in _KNOWN:
        _KNOWN[id(judged)] = {
            (item.document.id, chunk.start): name
            for item in judged.items
            for chunk, name in zip(item.chunks, item.ids, strict=True)
        }
    return _KNOWN[id(judged)]
