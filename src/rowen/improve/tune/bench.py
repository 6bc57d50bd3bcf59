"""Where candidates are judged: documents parsed once, an index for each way to cut and embed, questions asked in it.

Indexes stay in the store that is handed in, and vectors of a text are made once in it: a run that was stopped, and the next
run on the same documents, pay for what is new alone.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Literal, NamedTuple

from rowen.improve.tune.keep import Keep, Purse
from rowen.improve.tune.questions import Measure, Question
from rowen.improve.tune.space import Point
from rowen.retrieve.adapter import Adapted, Adapter
from rowen.retrieve.base import CHARACTERS, RetrieveSettings
from rowen.retrieve.chunk import chunking
from rowen.retrieve.graph import extracting
from rowen.retrieve.metrics import Extent, context, ndcg
from rowen.retrieve.plan import Plan, manifest_of
from rowen.retrieve.rerank import Rerank
from rowen.retrieve.search import Means, searched
from rowen.retrieve.weigh import evidence
from rowen.store.knowledge import Build, Collection, Knowledge
from rowen.values import AskModel, Clock, Condition, Embed, Embeddings, Found, Mistaken, Passage, Reader

_BATCH = 32  # documents cut together, between two looks at the clock
_DEPTH = 10  # of nDCG


class Asked(NamedTuple):
    """How a question went."""

    quality: float
    confidence: float
    cpu_s: float
    """Of the search, without the question's embedding."""


class Made(NamedTuple):
    """An index."""

    build: Build
    characters: int
    """That its chunks have, what they share counted as often as it is there."""

    @property
    def size(self) -> int:
        """Bytes of vectors and texts, before the store's own."""
        return self.build.chunks * self.build.manifest.dimensions * 4 + self.characters


class Late(Exception):
    """A budget is spent; which, it says."""


class Bench:
    """Judges candidates.

    Args:
        knowledge: holds the documents, and takes the indexes.
        collection: whose documents.
        settings: the app's table.
        embeds: gives an embedder under a name.
        clock: what time it is.
        characters: of passages that may be shown for a question.
        ask: asks a model of the app, for questions and contexts that one writes.
        reranks: gives a reranker under the name that the table says.
        keep: what was paid for; left out, it is known to this bench alone.
        purse: what was spent on models.

    """

    def __init__(
        self,
        knowledge: Knowledge,
        collection: Collection,
        settings: RetrieveSettings,
        embeds: Callable[[str], Embed],
        clock: Clock,
        *,
        characters: int,
        ask: AskModel | None = None,
        reranks: Callable[[str], Rerank] | None = None,
        keep: Keep | None = None,
        purse: Purse | None = None,
    ) -> None:
        self.purse = purse or Purse()
        self.keep = keep or Keep()
        self.ask_model = self.keep.asking(ask) if ask is not None else None
        self._ask = ask
        self._reranks = reranks
        self._orders: dict[str, Rerank] = {}
        self.settings = settings
        self.characters = characters
        self.knowledge = knowledge
        self.collection = collection
        self._embeds = embeds
        self._clock = clock
        self._once: dict[str, Once] = {}
        self._made: dict[tuple[str, str, str], Made] = {}
        self._asked: dict[tuple[Point, str], Asked] = {}
        self._uris: dict[str, str] = {}
        self.reader = Reader(tenant=collection.tenant, everything=True)

    def adapted(self, adapter: Adapter) -> "Bench":
        """Return a bench whose questions go through a query adapter, on the same indexes."""
        return Bench(
            self.knowledge,
            self.collection,
            self.settings,
            lambda name: Adapted(self._embeds(name), adapter),
            self._clock,
            characters=self.characters,
            ask=self._ask,
            reranks=self._reranks,
            keep=self.keep,
            purse=self.purse,
        )

    def wide(self, characters: int) -> "Bench":
        """Return the same bench with room for more: its indexes and what was paid for are shared."""
        other = copy(self)
        other.characters = characters
        other._asked = {}  # noqa: SLF001 - what questions find depends on the room
        return other

    def again(self, number: int) -> AskModel:
        """Return what asks the app's model once more, for a number of its own.

        Raises:
            Mistaken: `config_invalid` where there is none.

        """
        if self._ask is None:
            raise Mistaken("config_invalid", "this app has no model to ask", place="models")
        return self.keep.asking(self._ask, number)

    def embed(self, name: str) -> "Once | None":
        """Return what makes vectors under a name; None for none."""
        if name and name not in self._once:
            self._once[name] = Once(self._embeds(name))
        return self._once.get(name)

    def rerank(self, name: str) -> Rerank | None:
        """Return what reranks under a name; None for none."""
        if not name:
            return None
        if self._reranks is None:
            raise Mistaken("config_invalid", f'nothing here reranks as "{name}" says', place="rerank")
        if name not in self._orders:
            self._orders[name] = self.keep.reranking(self._reranks(name), name)
        return self._orders[name]

    async def index(self, point: Point, check: Callable[[], None] = lambda: None) -> Made:
        """Return the index that a candidate searches, made where there is none.

        Args:
            point: the candidate.
            check: raises when it is to stop; what was made until then stays.

        Raises:
            Mistaken: `config_invalid` for what cannot be cut or embedded so.
            Problem: of the store or the embedder.

        """
        embed, settings = self.embed(point.embed), point.settings(self.settings)
        if self.ask_model is None and (point.context.startswith("model:") or point.rewrite == "model"):
            raise Mistaken("config_invalid", "there is no model here to write with", place="models")
        self.rerank(point.rerank)
        key = (str(point.chunk()), point.context, point.embed)
        if key in self._made:
            return self._made[key]
        cutting = chunking(settings.chunk)
        plan = Plan(
            collection=self.collection,
            settings=settings,
            sources={},
            chunking=cutting,
            manifest=await manifest_of(settings, cutting, embed),
            embed=embed,
            ask=self.ask_model,
            graph=extracting(settings.graph, self.ask_model),
        )
        build = await self.knowledge.begin(self.collection, plan.manifest, now_ns=self._clock.now_ns())
        while documents := await self.knowledge.missing(build.id, limit=_BATCH):
            check()
            cuts = await plan.cut(documents, build.id, self.knowledge)
            for document, cut in zip(documents, cuts, strict=True):
                await self.knowledge.fill(self.collection, cut, document=document.id, version=document.version)
        build = await self._now(build)
        if build.state == "building":
            await self.knowledge.ready(build.id)
        if embed is not None and "ways.zero" not in build.learnt:
            check()
            await self.knowledge.learn(build.id, (await evidence(self.knowledge, build, embed)).learnt)
        build = await self._now(build)
        characters = 0
        for known in await self.knowledge.known(self.collection):
            characters += sum(one.end - one.start for one in await self.knowledge.chunks(build.id, known.id))
        self._made[key] = Made(build, characters)
        return self._made[key]

    async def ask(self, point: Point, question: Question, measure: Measure) -> Asked:
        """Return how a candidate does on a question; its index is made."""
        if (point, question.id) not in self._asked:
            found, spent = await self.found(point, question)
            quality = worth(found.passages, question, measure, self.characters)
            self._asked[point, question.id] = Asked(quality, found.confidence, spent)
        return self._asked[point, question.id]

    async def found(self, point: Point, question: Question, *, away: bool = False) -> tuple[Found, float]:
        """Return what a candidate finds for a question, and the CPU of it.

        Args:
            point: the candidate.
            question: what is asked.
            away: as if the documents that answer it were not there.

        """
        made = await self.index(point)
        embed = self.embed(point.embed)
        if embed is not None:
            await embed([question.text], role="query")  # told apart: one embedding serves all candidates
        means = Means(
            knowledge=self.knowledge,
            clock=self._clock,
            embeds=(embed,) if embed else (),
            ask=self.ask_model,
            rerank=self.rerank(point.rerank),
            whole=True,
        )
        settings = point.settings(self.settings).but(budget=self.characters // CHARACTERS)
        where: tuple[Condition, ...] = ()
        if away:
            where = tuple([Condition(field="uri", op="ne", value=uri) for uri in await self.uris(question.documents)])
        started = time.process_time()
        found = await searched(
            made.build, settings, means, question.text, reader=self.reader, top=point.top, where=where
        )
        return found, time.process_time() - started

    async def uris(self, documents: Sequence[str]) -> list[str]:
        """Return what documents are called."""
        if not self._uris:
            self._uris = {each.id: each.uri for each in await self.knowledge.known(self.collection)}
        return [self._uris[id] for id in documents]

    async def _now(self, build: Build) -> Build:
        return next(each for each in await self.knowledge.builds(self.collection) if each.id == build.id)


class Once:
    """An embedder that reads each question once, and notes what that took."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._known: dict[str, Embeddings] = {}
        self._spent = 0.0
        self.fingerprint = embed.fingerprint

    @property
    def cpu_s(self) -> float:
        """CPU of one question."""
        return self._spent / len(self._known) if self._known else 0.0

    async def __call__(self, texts: Sequence[str], *, role: Literal["query", "document"] = "document") -> Embeddings:
        if role != "query" or len(texts) != 1:
            return await self._embed(texts, role=role)
        if texts[0] not in self._known:
            started = time.process_time()
            self._known[texts[0]] = await self._embed(texts, role=role)
            self._spent += time.process_time() - started
        return self._known[texts[0]]


def worth(passages: Sequence[Passage], question: Question, measure: Measure, characters: int) -> float:
    """Return what passages are worth within a budget of characters, 0 to 1."""
    given, left = [], characters
    for passage in passages:
        taken = min(left, passage.end - passage.start)
        given.append(Extent(passage.document, passage.start, passage.start + taken))
        left -= taken
        if left <= 0:
            break
    if measure == "recall":
        return context(given, question.spans).recall
    relevant: Mapping[str, int] = dict.fromkeys(question.documents, 1)
    return ndcg(list(dict.fromkeys(each.document for each in given)), relevant, _DEPTH)
