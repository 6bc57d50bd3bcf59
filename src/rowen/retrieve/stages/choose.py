"""Which passages are shown: the texts of the best chunks, judged again, unlike one another, and made whole."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rowen.retrieve.fuse import aged, diverse, merged, ordered
from rowen.retrieve.rerank import Rerank
from rowen.retrieve.stages.base import Sought
from rowen.retrieve.stages.pace import Pace, counted
from rowen.retrieve.tables import Tables
from rowen.store.knowledge import Knowledge
from rowen.values import AskModel, Clock

_SHOWN = 3  # chunks read for each passage that is wanted: neighbours become one
_JUDGED = 50  # at least, where what is read may be put into another order


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reads the best chunks, and lets those of old documents count less."""

    knowledge: Knowledge
    clock: Clock
    half_life: float = 0
    """Seconds after which a document counts half; 0: age does not count."""
    further: bool = False
    """Whether more are read than are shown, since they may be put into another order."""
    spare: ClassVar[tuple[str, ...]] = ()

    async def __call__(self, sought: Sought, pace: Pace) -> Sought:
        limit = max(_JUDGED, sought.top * _SHOWN) if self.further else sought.top * _SHOWN
        best = {chunk: sought.scores[chunk] for chunk in ordered(sought.scores)[:limit]}
        found = await pace.timed("read", self.knowledge.passages(sought.build.id, best, reader=sought.reader), counted)
        now = self.clock.now_ns()
        passages = [
            (
                chunk,
                each.but(
                    score=aged(each.score, each.modified_ns, now, self.half_life),
                    legs=dict(sought.legs.get(chunk, {})),
                ),
            )
            for chunk, each in ((chunk, found[chunk]) for chunk in best if chunk in found)
        ]
        if self.half_life:
            passages.sort(key=lambda each: -each[1].score)
        return sought.but(passages=tuple(passages))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reranking:
    """Puts passages in the order of a judge."""

    rerank: Rerank
    spare: ClassVar[tuple[str, ...]] = ("rerank",)

    async def __call__(self, sought: Sought, pace: Pace) -> Sought:
        if not sought.passages:
            return sought
        texts = [f"{each.title}\n{each.text}" if each.title else each.text for _, each in sought.passages]
        scores = await pace.within("rerank", partial(self.rerank, sought.questions[0], texts), counted)
        if scores is None:
            return sought
        judged = [
            (chunk, each.but(score=score, legs={**each.legs, "rerank": score}))
            for (chunk, each), score in zip(sought.passages, scores, strict=True)
        ]
        return sought.but(passages=tuple(sorted(judged, key=lambda each: -each[1].score)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversifying:
    """Puts passages first that differ."""

    knowledge: Knowledge
    diversity: float
    """Towards 1 those that differ, towards 0 the best."""
    spare: ClassVar[tuple[str, ...]] = ("diversify",)

    async def __call__(self, sought: Sought, pace: Pace) -> Sought:
        if not sought.passages:
            return sought
        by_chunk = dict(sought.passages)
        chunks = list(by_chunk)
        vectors = await pace.within("diversify", partial(self.knowledge.vectors, sought.build.id, chunks), counted)
        if vectors is None:
            return sought
        best = max(each.score for each in by_chunk.values())
        scores = {chunk: each.score / best if best > 0 else each.score for chunk, each in by_chunk.items()}
        order = diverse(chunks, scores, vectors, self.diversity, sought.top)
        return sought.but(passages=tuple((chunk, by_chunk[chunk]) for chunk in order))


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """Makes one of neighbours, and chooses as many as are wanted."""

    room: int
    """Characters that are read of them."""
    spare: ClassVar[tuple[str, ...]] = ()

    async def __call__(self, sought: Sought, _: Pace) -> Sought:
        return sought.but(chosen=merged([each for _, each in sought.passages], sought.top, self.room))


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Asks tables for figures, beside the rest of the search."""

    tables: Tables
    ask: AskModel | None = None
    spare: ClassVar[tuple[str, ...]] = ("tables",)

    async def __call__(self, sought: Sought, pace: Pace) -> Sought:
        asked = partial(
            self.tables,
            sought.build.collection,
            sought.question,
            reader=sought.reader,
            where=sought.where,
            recent=sought.recent,
            ask=self.ask,
        )
        told = await pace.within("tables", asked, lambda told: None if told is None else told.facts)
        return sought if told is None else sought.but(table=told.passage)
