"""What is looked for: the question with what was said before it, in a model's words, and as vectors."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rowen.retrieve.bridge import Bridged
from rowen.retrieve.rewrite import folded, rewritten
from rowen.retrieve.stages.base import Sought, Vectors
from rowen.retrieve.stages.pace import Pace
from rowen.values import AskModel, Embed


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """Puts recent turns before the question."""

    spare: ClassVar[tuple[str, ...]] = ()

    async def __call__(self, sought: Sought, _: Pace) -> Sought:
        return sought.but(questions=(folded(sought.question, sought.recent),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """Has a model write the question."""

    ask: AskModel
    spare: ClassVar[tuple[str, ...]] = ("rewrite",)

    async def __call__(self, sought: Sought, pace: Pace) -> Sought:
        work = partial(rewritten, sought.question, sought.recent, ask=self.ask)
        # How many, not which: words of a question stand in the model's own call, where masks see them.
        made = await pace.within("rewrite", work, lambda made: {"questions": len(made)})
        return sought.but(questions=made) if made else sought


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """Makes vectors of the questions, by the embedder that made the index, or over a bridge to it."""

    embeds: tuple[Embed, ...]
    bridged: Callable[[str], Bridged | None]
    spare: ClassVar[tuple[str, ...]] = ("embed",)

    async def __call__(self, sought: Sought, pace: Pace) -> Sought:
        made_by = sought.build.manifest.embedder
        if not made_by:
            return sought
        bridge = None
        embed = next((each for each in self.embeds if each.fingerprint == made_by), None)
        if embed is None:
            embed = bridge = self.bridged(made_by)
        if embed is None:
            # Vectors of another model mean nothing here, so the words alone are searched until the new index is live.
            pace.note("embed", pace.now_ns, {"left_out": f"the embedder {made_by} is not at hand"})
            return sought
        over = {"bridged_from": bridge.bridge.new} if bridge is not None else {}
        made = await pace.within(
            "embed", partial(embed, sought.questions, role="query"), lambda each: {"tokens": each.tokens, **over}
        )
        if made is None:
            return sought
        wide = 4 * made.dimensions
        rows = [made.data[at * wide : (at + 1) * wide] for at in range(len(sought.questions))]
        zero = bridge.bridge.zero if bridge is not None else sought.build.learnt.get("ways.zero", 0.0)
        return sought.but(vectors=Vectors(rows, made.applies or (0.0,) * len(rows), made.share, zero))
