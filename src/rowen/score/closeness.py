"""Scorer: creative closeness, near to examples in meaning and far from them in letters.

The composite that a practitioner described for generated texts that must be on topic and yet no copies: semantic
similarity to examples, and Levenshtein distance from them, as an automatic check before people look.
"""

from rowen.score.base import Ports, Scorer, Subject, Verdict, dot, embedder, number
from rowen.score.distance import normalised_distance
from rowen.values import Mistaken
from rowen.values import Settings as Table


class Settings(Table, frozen=True, kw_only=True):
    """Close in meaning, far in letters."""

    examples: tuple[str, ...] = ()
    """Texts such as are wanted; default: the references."""
    novelty: float = 0.5
    """The weight of being unlike the examples, 0 to 1; the rest is the weight of meaning the same."""


class Closeness:
    """Scores `meaning ** (1 - novelty) * distance ** novelty`, so that a copy and a text off the topic both score low."""

    version = "1"

    def __init__(self, settings: Settings, ports: Ports) -> None:
        if not 0 <= settings.novelty <= 1:
            raise Mistaken("config_invalid", '"novelty" is a weight from 0 to 1', place="novelty")
        self._settings = settings
        self._embed = embedder(ports, "closeness")

    async def __call__(self, subject: Subject) -> tuple[Verdict, ...]:
        examples = self._settings.examples or subject.references
        if not examples or not subject.answer.strip():
            return ()
        answer, *known = await self._embed([subject.answer, *examples])
        meaning = max(0.0, *(dot(answer, each) for each in known))
        distance = min(normalised_distance(subject.answer, each) for each in examples)
        weight = self._settings.novelty
        return (
            number(meaning ** (1 - weight) * distance**weight),
            number(meaning, part="meaning"),
            number(distance, part="distance"),
        )


def make(settings: Settings, ports: Ports) -> Scorer:
    """Return the scorer. Its parts `meaning` (cosine to the nearest example) and `distance` are told too.

    Raises:
        Mistaken: `config_invalid` without an embedding model.

    """
    return Closeness(settings, ports)
