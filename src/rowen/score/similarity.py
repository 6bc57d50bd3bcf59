"""Scorer: how near an answer is in meaning to its references, its question or other texts."""

from typing import Literal

from rowen.score.base import Ports, Scorer, Subject, Verdict, dot, embedder, number
from rowen.values import Settings as Table


class Settings(Table, frozen=True, kw_only=True):
    """Cosine between embeddings."""

    to: Literal["reference", "question", "examples"] = "reference"
    """What the answer is held against."""
    examples: tuple[str, ...] = ()
    """The texts for `to = "examples"`, such as topics that must be avoided."""


class Similarity:
    """The cosine to the nearest text."""

    version = "1"

    def __init__(self, settings: Settings, ports: Ports) -> None:
        self._settings = settings
        self._embed = embedder(ports, "similarity")

    async def __call__(self, subject: Subject) -> tuple[Verdict, ...]:
        texts = {
            "reference": subject.references,
            "question": (subject.question,) if subject.question else (),
            "examples": self._settings.examples,
        }[self._settings.to]
        if not texts or not subject.answer.strip():
            return ()
        answer, *known = await self._embed([subject.answer, *texts])
        cosine, nearest = max((dot(answer, vector), text) for vector, text in zip(known, texts, strict=True))
        return (number(cosine, f"nearest to {nearest[:80]!r}"),)


def make(settings: Settings, ports: Ports) -> Scorer:
    """Return the scorer.

    Raises:
        Mistaken: `config_invalid` without an embedding model.

    """
    return Similarity(settings, ports)
