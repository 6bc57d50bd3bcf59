"""One search, from the question to passages: rewrite, embed, look by meaning and by words, fuse, follow the graph, rerank, merge."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from rowen.retrieve.base import CHARACTERS, RetrieveSettings
from rowen.retrieve.bridge import Bridged
from rowen.retrieve.fuse import WEIGHT, aged, diverse, fused, merged, ordered, scaled, together
from rowen.retrieve.graph import grown, lifted
from rowen.retrieve.rerank import Rerank
from rowen.retrieve.rewrite import folded, rewritten
from rowen.retrieve.stages import Stages
from rowen.retrieve.tables import Tables, Told
from rowen.store.knowledge import Build, Collection, Hit, Knowledge
from rowen.values import (
    AskModel,
    Clock,
    Condition,
    Embed,
    Fact,
    Found,
    Manifest,
    Passage,
    Problem,
    Reader,
)

log = logging.getLogger(__name__)

LIMIT = 100
"""Chunks that each way of searching hands on."""
_SHOWN = 3  # chunks read for each passage that is wanted: neighbours become one
_WHOLE = 0.9  # of the documents of the live index, for another to answer instead
_JUDGED = 50  # at least, where what is read may be put into another order


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a search may need of others."""

    knowledge: Knowledge
    clock: Clock
    embeds: tuple[Embed, ...] = ()
    """The embedders at hand; the one that made an index is told by its fingerprint."""
    bridged: Callable[[str], Bridged | None] = lambda _: None
    """Gives what speaks as the embedder of a fingerprint, where that is not at hand."""
    ask: AskModel | None = None
    """Asks a model of the app, for `rewrite = "model"`."""
    rerank: Rerank | None = None
    tables: Tables | None = None
    """Answers questions about numbers; None where tables are but text."""
    whole: bool = False
    """Whether nothing may be left out, neither for time nor because it cannot be reached: for comparisons."""
    manifest: Callable[[], Awaitable[Manifest]] | None = None
    """Gives how this version of the app makes its index; None where the live one is always meant."""


class Searching:
    """Searches one collection by the index that its own version of the app makes, else by the live one.

    So several versions answer at once, each by its own index, and one that was rolled back to finds its own again.

    Args:
        collection: what is searched.
        settings: its `[retrieve]` table.
        means: what it may need.

    """

    def __init__(self, collection: Collection, settings: RetrieveSettings, means: Means) -> None:
        self._collection = collection
        self._settings = settings
        self._means = means
        self._manifest: Manifest | None = None

    async def __call__(
        self,
        question: str,
        *,
        reader: Reader,
        top: int,
        where: tuple[Condition, ...] = (),
        recent: tuple[str, ...] = (),
    ) -> Found:
        """Return at most `top` passages, best first; none where nothing is indexed yet, or the question is blank.

        Raises:
            Problem: what the store, the embedder, the model or the reranker raise.

        """
        builds = await self._means.knowledge.builds(self._collection)
        live = next((build for build in builds if build.state == "live"), None)
        if live is None or not question.strip() or top < 1:
            return Found(question=question, build=live.id if live else "")
        build = await self._own(builds, live)
        search = _Search(self._settings, self._means, build, reader, where)
        tables = self._means.tables
        if tables is None:
            return await search.run(question, top, recent)
        asked = partial(
            tables, self._collection, question, reader=reader, where=where, recent=recent, ask=self._means.ask
        )
        found, _ = await asyncio.gather(search.run(question, top, recent), search.tabled(asked))
        return search.with_table(found, top)

    async def _own(self, builds: Sequence[Build], live: Build) -> Build:
        """Return the build of this version where it has what the live one has, or nearly; else the live one."""
        if self._means.manifest is None or len(builds) == 1:
            return live
        if self._manifest is None:
            try:
                self._manifest = await self._means.manifest()
            except Problem as problem:
                log.warning("the index of this version is not known, the live one answers: %s", problem)
                return live
        if live.manifest == self._manifest:
            return live
        # What changed while it was not kept up is missing until the next run; far too much missing is no index.
        whole = _WHOLE * live.documents
        own = (each for each in builds if each.manifest == self._manifest and each.state != "building")
        return next((each for each in own if each.documents >= whole), live)


async def searched(
    build: Build,
    settings: RetrieveSettings,
    means: Means,
    question: str,
    *,
    reader: Reader,
    top: int,
    where: tuple[Condition, ...] = (),
) -> Found:
    """Return what a build that need not be live finds: for the past, and for comparisons."""
    return await _Search(settings, means, build, reader, where).run(question, top, ())


async def ranking(
    build: Build, settings: RetrieveSettings, means: Means, question: str, *, reader: Reader
) -> dict[int, float]:
    """Return the fused scores of a build's chunks for a question, before they are passages: what rankings are judged by."""
    search = _Search(settings, means, build, reader, ())
    return await search._scores(await search._questions(question, ()))  # noqa: SLF001 - its own module


class _Vectors(NamedTuple):
    """Of the questions, and what an adapter says of them."""

    rows: list[bytes]
    applies: tuple[float, ...]
    share: float | None


_NONE = _Vectors([], (), None)


@dataclass(slots=True)
class _Search:
    settings: RetrieveSettings
    means: Means
    build: Build
    reader: Reader
    where: tuple[Condition, ...]
    stages: Stages = field(init=False)
    legs: dict[int, dict[str, float]] = field(default_factory=dict)
    table: Passage | None = None
    """What a table says to the question."""
    bridge: Bridged | None = None
    """What speaks as the index's own embedder, where that is not at hand."""

    def __post_init__(self) -> None:
        self.stages = Stages(self.means.clock, None if self.means.whole else self.settings.within)

    async def run(self, question: str, top: int, recent: tuple[str, ...]) -> Found:
        questions = await self._questions(question, recent)
        scores = await self._scores(questions)
        passages = await self._passages(scores, max(_JUDGED, top * _SHOWN) if self._reorders else top * _SHOWN)
        passages = await self._reranked(questions[0], passages)
        chosen = await self._chosen(passages, top)
        return Found(
            passages=chosen,
            question=questions[0],
            confidence=confidence(chosen),
            build=self.build.id,
            stages=tuple(self.stages.done),
        )

    async def tabled(self, asked: Callable[[], Awaitable[Told | None]]) -> None:
        """Take what tables say, beside the search."""
        told = await self.stages.within("tables", asked, lambda told: None if told is None else told.facts)
        if told is not None:
            self.table = told.passage

    def with_table(self, found: Found, top: int) -> Found:
        """Return what was found with what a table says before it: exact figures go before a text that may have them."""
        table = self.table
        if table is None:
            return found.but(stages=tuple(self.stages.done))
        passages = (table, *found.passages)[:top]
        return found.but(passages=passages, confidence=1.0, stages=tuple(self.stages.done))

    @property
    def _reorders(self) -> bool:
        return bool(self.means.rerank or self.settings.diversity or self.settings.half_life)

    async def _questions(self, question: str, recent: tuple[str, ...]) -> tuple[str, ...]:
        ask = self.means.ask
        if self.settings.rewrite == "model" and ask is not None:
            work = partial(rewritten, question, recent, ask=ask)
            made = await self.stages.within("rewrite", work, lambda made: {"questions": made})
            return made or (folded(question, recent),)
        return (folded(question, recent) if self.settings.rewrite == "turns" else question,)

    async def _scores(self, questions: Sequence[str]) -> dict[int, float]:
        made = await self._vectors(questions)
        vectors = made.rows
        rankings = []
        for at, question in enumerate(questions):
            ways: dict[str, Callable[[], Awaitable[list[Hit]]]] = {}
            if vectors:
                ways["dense"] = partial(self._dense, vectors[at])
            if self.settings.search != "dense" or not vectors:
                ways["lexical"] = partial(self._lexical, question)
            hits = await self.stages.some(ways, _count)
            zeros = {"dense": self._zero, "lexical": 0.0}
            found = {name: scaled(hits.get(name, []), LIMIT, zero) for name, zero in zeros.items()}
            for name, some in hits.items():
                for hit in some:
                    known = self.legs.setdefault(hit.chunk, {})
                    known[name] = max(hit.score, known.get(name, hit.score))
            rankings.append(
                found["dense"] or found["lexical"]
                if len(hits) == 1
                else self._fused(found["dense"], found["lexical"], made.applies[at], made.share)
            )
        return await self._with_graph(questions, rankings[0] if len(rankings) == 1 else together(rankings))

    async def _with_graph(self, questions: Sequence[str], scores: dict[int, float]) -> dict[int, float]:
        if self.settings.graph == "none" or not self.build.manifest.graph:
            return scores
        found = await self.stages.within(
            "graph",
            partial(grown, self.means.knowledge, self.build, questions, reader=self.reader, where=self.where),
            lambda each: {"names": each.names, "relations": each.relations, "found": len(each.scores)},
        )
        if found is None:
            return scores
        for chunk, score in found.scores.items():
            self.legs.setdefault(chunk, {})["graph"] = score
        return lifted(scores, found.scores)

    @property
    def _zero(self) -> float:
        """Where likeness begins in what the vectors say."""
        return self.bridge.bridge.zero if self.bridge is not None else self.build.learnt.get("ways.zero", 0.0)

    def _fused(
        self, dense: dict[int, float], lexical: dict[int, float], applies: float, share: float | None
    ) -> dict[int, float]:
        started = self.stages.now_ns
        weight = WEIGHT if self.settings.weight is None else self.settings.weight
        if share is not None:
            weight += applies * (share - weight)
        scores = fused(dense, lexical, weight)
        self.stages.note("fuse", started, {"weight": weight, "chunks": len(scores)})
        return scores

    async def _vectors(self, questions: Sequence[str]) -> _Vectors:
        made_by = self.build.manifest.embedder
        if self.settings.search == "lexical" or not made_by:
            return _NONE
        embed = next((each for each in self.means.embeds if each.fingerprint == made_by), None)
        if embed is None:
            embed = self.bridge = self.means.bridged(made_by)
        if embed is None:
            # Vectors of another model mean nothing here, so the words alone are searched until the new index is live.
            self.stages.note("embed", self.stages.now_ns, {"left_out": f"the embedder {made_by} is not at hand"})
            return _NONE
        bridged = {"bridged_from": self.bridge.bridge.new} if self.bridge is not None else {}
        made = await self.stages.within(
            "embed", partial(embed, questions, role="query"), lambda each: {"tokens": each.tokens, **bridged}
        )
        if made is None:
            return _NONE
        wide = 4 * made.dimensions
        rows = [made.data[at * wide : (at + 1) * wide] for at in range(len(questions))]
        return _Vectors(rows, made.applies or (0.0,) * len(rows), made.share)

    async def _dense(self, vector: bytes) -> list[Hit]:
        return await self.means.knowledge.dense(
            self.build.id, vector, reader=self.reader, where=self.where, limit=LIMIT
        )

    async def _lexical(self, question: str) -> list[Hit]:
        return await self.means.knowledge.lexical(
            self.build.id, question, reader=self.reader, where=self.where, limit=LIMIT
        )

    async def _passages(self, scores: dict[int, float], limit: int) -> list[tuple[int, Passage]]:
        best = {chunk: scores[chunk] for chunk in ordered(scores)[:limit]}
        found = await self.stages.timed(
            "read", self.means.knowledge.passages(self.build.id, best, reader=self.reader), _count
        )
        now, half_life = self.means.clock.now_ns(), self.settings.half_life
        passages = [
            (chunk, each.but(score=aged(each.score, each.modified_ns, now, half_life), legs=self.legs.get(chunk, {})))
            for chunk, each in ((chunk, found[chunk]) for chunk in best if chunk in found)
        ]
        return sorted(passages, key=lambda each: -each[1].score) if half_life else passages

    async def _reranked(self, question: str, passages: list[tuple[int, Passage]]) -> list[tuple[int, Passage]]:
        rerank = self.means.rerank
        if rerank is None or not passages:
            return passages
        texts = [f"{each.title}\n{each.text}" if each.title else each.text for _, each in passages]
        scores = await self.stages.within("rerank", partial(rerank, question, texts), _count)
        if scores is None:
            return passages
        judged = [
            (chunk, each.but(score=score, legs={**each.legs, "rerank": score}))
            for (chunk, each), score in zip(passages, scores, strict=True)
        ]
        return sorted(judged, key=lambda each: -each[1].score)

    async def _chosen(self, passages: list[tuple[int, Passage]], top: int) -> tuple[Passage, ...]:
        if self.settings.diversity and passages:
            by_chunk = dict(passages)
            best = max(each.score for _, each in passages)
            scores = {chunk: each.score / best if best > 0 else each.score for chunk, each in passages}
            vectors = await self.stages.within(
                "diversify", partial(self.means.knowledge.vectors, self.build.id, list(by_chunk)), _count
            )
            if vectors is not None:
                order = diverse(list(by_chunk), scores, vectors, self.settings.diversity, top)
                passages = [(chunk, by_chunk[chunk]) for chunk in order]
        return merged([each for _, each in passages], top, self.settings.budget * CHARACTERS)


def confidence(passages: Sequence[Passage]) -> float:
    """Return how likely passages hold an answer, 0 to 1: by the best cosine and the best BM25 that any of them has.

    It orders answers by risk and is no probability until a threshold is chosen from an app's own questions.
    """
    if not passages:
        return 0.0
    parts = []
    cosines = [each.legs["dense"] for each in passages if "dense" in each.legs]
    words = [each.legs["lexical"] for each in passages if "lexical" in each.legs]
    if cosines:
        parts.append(min(1.0, max(0.0, *cosines)))
    if words:
        parts.append(max(words) / (max(words) + 15))
    return sum(parts) / len(parts) if parts else 0.0


def _count(found: Sequence[object] | dict[int, Passage] | dict[int, bytes]) -> dict[str, Fact]:
    return {"found": len(found)}
