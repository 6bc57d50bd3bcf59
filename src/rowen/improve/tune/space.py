"""What is tried: the levels of each choice, and how candidates are made of them."""

import random
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from rowen.retrieve.base import ChunkTable, RetrieveSettings
from rowen.values import Mistaken, Settings, Value


class Space(Settings, frozen=True, kw_only=True):
    """The levels of each choice. What the app has now is always among them."""

    kind: tuple[str, ...] = ("overlap", "recursive", "sentence")
    """Kinds of chunker."""
    size: tuple[int, ...] = (400, 800, 1200)
    """Of a chunk, in the kind's own unit."""
    overlap: tuple[float, ...] = (0.0, 0.25, 0.5)
    """The share of a chunk that the one before has too."""
    context: tuple[str, ...] = ("free", "none")
    embed: tuple[str, ...] = ()
    """Models of the app, or bundled ones; empty for words alone."""
    search: tuple[str, ...] = ("hybrid", "lexical", "dense")
    weight: tuple[float | None, ...] = (0.1, 0.3, 0.5)
    """Of the dense way."""
    top: tuple[int, ...] = (4, 8, 12)
    diversity: tuple[float, ...] = (0.0, 0.3)
    rerank: tuple[str, ...] = ()
    """As the app's table says it: `onnx:FOLDER`, a URL, `model:NAME`; empty for none."""
    rewrite: tuple[str, ...] = ()
    """`model`: the question is written anew by the app's model; `none`: it is taken as it is."""
    prompt: tuple[str, ...] = ()
    """Files with other wordings of the app's system prompt, beside the `app.toml`: tried on what the winner finds."""


CHOICES = tuple(choice for choice in Space.__struct_fields__ if choice != "prompt")
"""Of the search; wordings are tried after it, each a call of the model a question."""


class Point(Value, frozen=True, kw_only=True):
    """One candidate."""

    kind: str
    size: int
    overlap: float
    context: str
    embed: str
    search: str
    weight: float | None
    """None: the usual."""
    top: int
    diversity: float
    rerank: str = ""
    rewrite: str = "none"

    def chunk(self) -> ChunkTable:
        """Return how it cuts."""
        return ChunkTable(
            kind=self.kind,
            size=self.size,
            overlap=min(self.size - 1, round(self.size * self.overlap)),
            context=self.context,
        )

    def settings(self, base: RetrieveSettings) -> RetrieveSettings:
        """Return the app's table with what this one says."""
        changes: dict[str, Any] = {
            "chunk": self.chunk(),
            "embed": self.embed,
            "search": self.search,
            "weight": self.weight,
            "top": self.top,
            "diversity": self.diversity,
            "rerank": self.rerank,
            # Questions stand alone here, so that folding turns in changes nothing.
            "rewrite": "model" if self.rewrite == "model" else "none" if base.rewrite == "model" else base.rewrite,
        }
        return base.but(**changes)


def read_space(text: str, place: str) -> Space:
    """Return the space of a TOML file.

    Raises:
        Mistaken: `config_invalid`.

    """
    try:
        return msgspec.convert(tomllib.loads(text), Space)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Mistaken("config_invalid", f"this is no space: {error}", place=place) from error


def point_of(settings: RetrieveSettings) -> Point:
    """Return what an app has now."""
    chunk = settings.chunk
    return Point(
        kind=chunk.kind,
        size=chunk.size,
        overlap=chunk.overlap / chunk.size,
        context=chunk.context,
        embed=settings.embed,
        search=settings.search,
        weight=settings.weight,
        top=settings.top,
        diversity=settings.diversity,
        rerank=settings.rerank,
        rewrite="model" if settings.rewrite == "model" else "none",
    )


def changed(point: Point, choice: str, level: Any) -> Point:
    """Return a candidate with one choice made otherwise."""
    changes: dict[str, Any] = {choice: level}
    return point.but(**changes)


def singles(space: Space, base: Point) -> dict[Point, tuple[str, Any]]:
    """Return all candidates that differ from the baseline in one choice, with that."""
    return {
        changed(base, choice, level): (choice, level)
        for choice in CHOICES
        for level in _levels(space, choice)
        if level != getattr(base, choice) and _matters(choice, base)
    }


def mixed(space: Space, base: Point, *, seed: str) -> Iterator[Point]:
    """Yield candidates that differ from the baseline in several choices, each once, by chance."""
    chance = random.Random(seed)
    levels = {choice: list(dict.fromkeys((getattr(base, choice), *_levels(space, choice)))) for choice in CHOICES}
    seen, stale = {base}, 0
    while stale < 200:  # in a row that were known: nearly all there are
        point = base
        for choice, some in levels.items():
            level = chance.choice(some)
            if level == getattr(base, choice) or _matters(choice, point):
                point = changed(point, choice, level)
        stale += 1
        if point not in seen:
            seen.add(point)
            stale = 0
            yield point


def together(base: Point, best: Sequence[tuple[str, Any]]) -> list[Point]:
    """Return the baseline with the first two, three, … of some changes, the best first; one of each choice."""
    first: dict[str, Any] = {}
    for choice, level in best:
        first.setdefault(choice, level)
    point, found = base, []
    for choice, level in first.items():
        point = changed(point, choice, level)
        found.append(point)
    return found[1:]


def _levels(space: Space, choice: str) -> tuple[Any, ...]:
    """Return what is tried; of what costs a call a question, going without it always is."""
    bare = {"rerank": ("",), "rewrite": ("none",)}
    levels: tuple[Any, ...] = getattr(space, choice)
    return levels or bare.get(choice, ())


def _matters(choice: str, point: Point) -> bool:
    """Whether a level can change what is found."""
    if choice in {"search", "weight", "diversity"}:
        return bool(point.embed) and (choice != "weight" or point.search == "hybrid")
    return not (choice in {"size", "overlap"} and point.kind == "whole")
