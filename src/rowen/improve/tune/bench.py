"""Where candidates are judged: documents parsed once, an index for each way to cut and embed, questions asked in it.

Indexes stay in the store that is handed in, and vectors of a text are made once in it: a run that was stopped, and the next
run on the same documents, pay for what is new alone.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from rowen.improve.tune.questions import Measure, Question
from rowen.improve.tune.space import Point
from rowen.retrieve.base import CHARACTERS, RetrieveSettings
from rowen.retrieve.chunk import chunking
from rowen.retrieve.metrics import Extent, context, ndcg
from rowen.retrieve.plan import Plan, manifest_of
from rowen.retrieve.search import Means, searched
from rowen.retrieve.weigh import evidence
from rowen.store.knowledge import Build, Collection, Knowledge
from rowen.values import Clock, Embed, Embeddings, Mistaken, Passage, Reader

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
    """The budget of time is spent."""


class Bench:
    """Judges candidates.

    Args:
        knowledge: holds the documents, and takes the indexes.
        collection: whose documents.
        settings: the app's table.
        embeds: gives an embedder under a name.
        clock: what time it is.
        characters: of passages that may be shown for a question.

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
    ) -> None:
        self.settings = settings
        self.characters = characters
        self.knowledge = knowledge
        self.collection = collection
        self._embeds = embeds
        self._clock = clock
        self._once: dict[str, Once] = {}
        self._made: dict[tuple[str, str, str], Made] = {}
        self._asked: dict[tuple[Point, str], Asked] = {}
        self.reader = Reader(tenant=collection.tenant, everything=True)

    def embed(self, name: str) -> "Once | None":
        """Return what makes vectors under a name; None for none."""
        if name and name not in self._once:
            self._once[name] = Once(self._embeds(name))
        return self._once.get(name)

    async def index(self, point: Point, check: Callable[[], None] = lambda: None) -> Made:
        """Return the index that a candidate searches, made where there is none.

        Args:
            point: the candidate.
            check: raises when it is to stop; what was made until then stays.

        Raises:
            Mistaken: `config_invalid` for what cannot be cut or embedded so.
            Problem: of the store or the embedder.

        """
        key = (str(point.chunk()), point.context, point.embed)
        if key in self._made:
            return self._made[key]
        embed, settings = self.embed(point.embed), point.settings(self.settings)
        if point.context.startswith("model:"):
            raise Mistaken("config_invalid", "contexts that a model writes are not tried here", place="context")
        cutting = chunking(settings.chunk)
        plan = Plan(
            collection=self.collection,
            settings=settings,
            sources={},
            chunking=cutting,
            manifest=await manifest_of(settings, cutting, embed),
            embed=embed,
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
        if embed is not None and "weight" not in build.learnt:
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
        if (point, question.id) in self._asked:
            return self._asked[point, question.id]
        made = await self.index(point)
        embed = self.embed(point.embed)
        if embed is not None:
            await embed([question.text], role="query")  # told apart: one embedding serves all candidates
        means = Means(knowledge=self.knowledge, clock=self._clock, embeds=(embed,) if embed else ())
        settings = point.settings(self.settings).but(budget=self.characters // CHARACTERS)
        started = time.process_time()
        found = await searched(made.build, settings, means, question.text, reader=self.reader, top=point.top)
        spent = time.process_time() - started
        asked = Asked(worth(found.passages, question, measure, self.characters), found.confidence, spent)
        self._asked[point, question.id] = asked
        return asked

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
