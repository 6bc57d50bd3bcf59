"""Scorer: whether an answer rests on the passages it was given, by words or by meaning."""

from typing import Literal

from rowen.score.base import Ports, Scorer, Subject, Verdict, dot, embedder, number
from rowen.values import Settings as Table
from rowen.values.words import content, sentences


class Settings(Table, frozen=True, kw_only=True):
    """Groundedness of the answer in its contexts."""

    by: Literal["words", "meaning"] = "words"
    """`words`: the share of a sentence's content words that a passage has. `meaning`: the cosine to the nearest sentence."""
    over: Literal["mean", "least"] = "mean"
    """Whether the sentences count together, or only the least grounded one."""


class Grounded:
    """A number from 0 to 1, with the least grounded sentence as reason. Neither way understands a negation."""

    version = "1"

    def __init__(self, settings: Settings, ports: Ports) -> None:
        self._settings = settings
        self._embed = embedder(ports, "grounded") if settings.by == "meaning" else None

    async def __call__(self, subject: Subject) -> tuple[Verdict, ...]:
        said = [each for each in sentences(subject.answer) if content(each)]
        if not subject.contexts or not said:
            return ()
        found = await self._by_meaning(said, subject) if self._embed else _by_words(said, subject)
        least, weakest = min(zip(found, said, strict=True))
        value = least if self._settings.over == "least" else sum(found) / len(found)
        return (number(value, f"least grounded ({least:.2f}): {weakest[:120]!r}"),)

    async def _by_meaning(self, said: list[str], subject: Subject) -> list[float]:
        known = [each for context in subject.contexts for each in sentences(context)]
        assert self._embed is not None
        vectors = await self._embed([*said, *known])
        ours, theirs = vectors[: len(said)], vectors[len(said) :]
        return [max(0.0, *(dot(one, other) for other in theirs)) for one in ours]


def _by_words(said: list[str], subject: Subject) -> list[float]:
    known = set(content(" ".join((*subject.contexts, subject.question))))
    return [sum(word in known for word in found) / len(found) for each in said if (found := content(each))]


def make(settings: Settings, ports: Ports) -> Scorer:
    """Return the scorer.

    Raises:
        Mistaken: `config_invalid` for `by = "meaning"` without an embedding model.

    """
    return Grounded(settings, ports)
