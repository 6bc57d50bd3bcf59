"""How far a search can be believed that is so sure: the chance that what it found answers, and how well that was borne out."""

from math import exp
from typing import Literal

from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Manifest, Settings, Value
from rowen.values.interval import Interval


class ChanceTable(Settings, frozen=True, kw_only=True):
    """From how sure a search was to the chance that what it found answers: a logistic curve, by `rowen index calibrate`."""

    slope: float
    """How quickly the chance rises."""
    at: float
    """The confidence at which it is one half."""

    def __post_init__(self) -> None:
        """Hold the curve against what it is for.

        Raises:
            ValueError: with a sentence that names the key.

        """
        if not 0 < self.slope < 1e4:
            raise ValueError("`slope` is more than 0: what is surer is never less likely right")

    def of(self, confidence: float) -> float:
        """Return the chance, 0 to 1."""
        return 1 / (1 + exp(-max(-700.0, min(700.0, self.slope * (confidence - self.at)))))


class Bin(Value, frozen=True, kw_only=True):
    """The questions whose chance lies in one stretch."""

    low: float
    high: float
    said: float
    """The mean chance."""
    right: Interval
    """The share of them that what was found answers; of a weighted share its `n` is what it is worth in plain questions."""
    n: int


def made_by(manifest: Manifest) -> str:
    """Return how an index is made, as far as it matters to how sure searches are."""
    return f"{manifest.chunker}, context {manifest.context}, {manifest.embedder or 'words alone'}"


class Calibration(Value, frozen=True, kw_only=True):
    """A curve learnt on some questions, and how it does on others."""

    app: str = ""
    collection: str = ""
    index: str = ""
    """How the index that was asked is made."""
    at_ns: int = 0
    questions: int
    """That have an answer, of those that it is held against."""
    unanswerable: int
    """That nothing answers, likewise."""
    how: Literal["given", "taken away"]
    """Where those come from: the file, or documents taken away."""
    share: float
    """Of all questions, that nothing answers: what both kinds are weighed to."""
    chance: ChanceTable | None
    """None: what is surer is no more often right."""
    error: Interval
    """The expected calibration error: how far chance and share lie apart, over the bins."""
    luck: float
    """The error that a perfect curve would show over so few questions."""
    p: float
    """How often it would show as much."""
    bins: tuple[Bin, ...]

    @staticmethod
    def shelf(records: Records) -> "Shelf[Calibration]":
        """Return where they stand: the last one of each collection."""

        def describe(one: "Calibration") -> Record:
            return Record(kind="", id=f"{one.app}:{one.collection}", app=one.app, group=one.collection, at_ns=one.at_ns)

        return Shelf(records, "retrieve.calibration", Calibration, describe)
