"""Which chunks there are, and how good each is: by meaning and by words, made one, and what relations lead to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rowen.retrieve.fuse import fused, scaled, together
from rowen.retrieve.graph import grown, lifted
from rowen.retrieve.stages.base import Sought
from rowen.retrieve.stages.pace import Pace, counted
from rowen.store.knowledge import Hit, Knowledge

LIMIT = 100
"""Chunks that each way of searching hands on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """Looks by meaning and by words, side by side. The quicker way is waited for in any case, so one of them is always there."""

    knowledge: Knowledge
    words: bool = True
    """Whether words are searched where there are vectors too."""
    spare: ClassVar[tuple[str, ...]] = ("dense", "lexical")

    async def __call__(self, sought: Sought, pace: Pace) -> Sought:
        rows = sought.vectors.rows
        found = []
        for at, question in enumerate(sought.questions):
            ways: dict[str, Callable[[], Awaitable[list[Hit]]]] = {}
            if rows:
                ways["dense"] = partial(self._dense, sought, rows[at])
            if self.words or not rows:
                ways["lexical"] = partial(self._lexical, sought, question)
            found.append(await pace.some(ways, counted))
        return sought.but(hits=tuple(found))

    async def _dense(self, sought: Sought, vector: bytes) -> list[Hit]:
        return await self.knowledge.dense(
            sought.build.id, vector, reader=sought.reader, where=sought.where, limit=LIMIT
        )

    async def _lexical(self, sought: Sought, question: str) -> list[Hit]:
        return await self.knowledge.lexical(
            sought.build.id, question, reader=sought.reader, where=sought.where, limit=LIMIT
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusing:
    """Makes one score of each chunk."""

    weight: float
    """The share of the dense way, where no adapter knows better."""
    spare: ClassVar[tuple[str, ...]] = ()

    async def __call__(self, sought: Sought, pace: Pace) -> Sought:
        rankings = [self._fused(sought, at, pace) for at in range(len(sought.hits))]
        legs: dict[int, dict[str, float]] = {}
        for hits in sought.hits:
            for name, some in hits.items():
                for hit in some:
                    known = legs.setdefault(hit.chunk, {})
                    known[name] = max(hit.score, known.get(name, hit.score))
        return sought.but(scores=rankings[0] if len(rankings) == 1 else together(rankings), legs=legs)

    def _fused(self, sought: Sought, at: int, pace: Pace) -> dict[int, float]:
        hits, vectors = sought.hits[at], sought.vectors
        started = pace.now_ns
        dense = scaled(hits.get("dense", ()), LIMIT, vectors.zero)
        lexical = scaled(hits.get("lexical", ()), LIMIT)
        if len(hits) == 1:
            return dense or lexical
        weight = self.weight
        if vectors.share is not None:
            weight += vectors.applies[at] * (vectors.share - weight)
        scores = fused(dense, lexical, weight)
        pace.note("fuse", started, {"weight": weight, "chunks": len(scores)})
        return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """Lifts what the relations of the question's names lead to."""

    knowledge: Knowledge
    spare: ClassVar[tuple[str, ...]] = ("graph",)

    async def __call__(self, sought: Sought, pace: Pace) -> Sought:
        build = sought.build
        if not build.manifest.graph:
            return sought
        found = await pace.within(
            "graph",
            partial(grown, self.knowledge, build, sought.questions, reader=sought.reader, where=sought.where),
            lambda each: {"names": each.names, "relations": each.relations, "found": len(each.scores)},
        )
        if found is None:
            return sought
        told = {chunk: {**sought.legs.get(chunk, {}), "graph": score} for chunk, score in found.scores.items()}
        return sought.but(scores=lifted(sought.scores, found.scores), legs={**sought.legs, **told})
