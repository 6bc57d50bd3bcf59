"""One search, from the question to passages: which stages it goes through, over which build, and what comes of it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rowen.retrieve.base import CHARACTERS, RetrieveSettings
from rowen.retrieve.bridge import Bridged
from rowen.retrieve.fuse import WEIGHT
from rowen.retrieve.pick import picked
from rowen.retrieve.rerank import Rerank
from rowen.retrieve.stages import Pace, Sought, Stage, through
from rowen.retrieve.stages.ask import Embedding, Folding, Rewriting
from rowen.retrieve.stages.choose import Diversifying, Merging, Reading, Reranking, Telling
from rowen.retrieve.stages.look import Following, Fusing, Looking
from rowen.retrieve.tables import Tables
from rowen.store.knowledge import Build, Collection, Knowledge
from rowen.values import AskModel, Clock, Condition, Embed, Found, Manifest, Passage, Reader


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
    manifest: Manifest | None = None
    """How this version of the app makes its index; None where the live one is always meant."""


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
        self._stages = stages_of(settings, means)
        self._telling = None if means.tables is None else Telling(tables=means.tables, ask=means.ask)

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
        chosen = picked(await self._means.knowledge.builds(self._collection), self._means.manifest)
        if chosen is None:
            return Found(question=question)
        build, borrowed = chosen
        if not question.strip() or top < 1:
            return Found(question=question, build=build.id, snapshot=build.snapshot, borrowed=borrowed)
        sought = Sought(
            build=build,
            question=question,
            recent=recent,
            reader=reader,
            where=where,
            top=top,
            questions=(question,),
        )
        pace = _pace(self._settings, self._means)
        if self._telling is None:
            return _found(await through(self._stages, sought, pace), pace, borrowed=borrowed)
        found, told = await asyncio.gather(through(self._stages, sought, pace), self._telling(sought, pace))
        return _found(found.but(table=told.table), pace, borrowed=borrowed)


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
    pace = _pace(settings, means)
    sought = Sought(build=build, question=question, questions=(question,), reader=reader, where=where, top=top)
    return _found(await through(stages_of(settings, means), sought, pace), pace)


async def ranking(
    build: Build, settings: RetrieveSettings, means: Means, question: str, *, reader: Reader
) -> Mapping[int, float]:
    """Return the fused scores of a build's chunks for a question, before they are passages: what rankings are judged by."""
    sought = Sought(build=build, question=question, questions=(question,), reader=reader, top=0)
    return (await through(looking(settings, means), sought, _pace(settings, means))).scores


def stages_of(settings: RetrieveSettings, means: Means) -> tuple[Stage, ...]:
    """Return what a search goes through, in order. What an app does not want, or has not the means for, is not there."""
    return (*looking(settings, means), *choosing(settings, means))


def looking(settings: RetrieveSettings, means: Means) -> Iterator[Stage]:
    """Yield the stages from the question to the scores of chunks."""
    if settings.rewrite == "turns" or (settings.rewrite == "model" and means.ask is not None):
        yield Folding()
    if settings.rewrite == "model" and means.ask is not None:
        yield Rewriting(ask=means.ask)
    if settings.search != "lexical":
        yield Embedding(embeds=means.embeds, bridged=means.bridged)
    yield Looking(knowledge=means.knowledge, words=settings.search != "dense")
    yield Fusing(weight=WEIGHT if settings.weight is None else settings.weight)
    if settings.graph != "none":
        yield Following(knowledge=means.knowledge)


def choosing(settings: RetrieveSettings, means: Means) -> Iterator[Stage]:
    """Yield the stages from the scores of chunks to the passages that are shown."""
    further = bool(means.rerank or settings.diversity or settings.half_life)
    yield Reading(knowledge=means.knowledge, clock=means.clock, half_life=settings.half_life, further=further)
    if means.rerank is not None:
        yield Reranking(rerank=means.rerank)
    if settings.diversity:
        yield Diversifying(knowledge=means.knowledge, diversity=settings.diversity)
    yield Merging(room=settings.budget * CHARACTERS)


def _pace(settings: RetrieveSettings, means: Means) -> Pace:
    return Pace(means.clock, None if means.whole else settings.within)


def _found(sought: Sought, pace: Pace, *, borrowed: bool = False) -> Found:
    """Return what was found. Exact figures of a table go before a text that may have them."""
    table = sought.table
    return Found(
        passages=sought.chosen if table is None else (table, *sought.chosen)[: sought.top],
        question=sought.questions[0],
        confidence=confidence(sought.chosen) if table is None else 1.0,
        build=sought.build.id,
        snapshot=sought.build.snapshot,
        borrowed=borrowed,
        stages=tuple(pace.done),
    )


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
