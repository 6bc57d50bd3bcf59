"""What is known of a model's files. Packages that carry weights are data: pinned, checked, never imported."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from rowen.values import Value

Kind = Literal["chat", "embed"]
Format = Literal["gguf", "onnx", "static"]
Progress = Callable[[int, int], None]
"""Told the bytes that are here and the bytes there will be; the second is 0 when that is not known."""


class Piece(Value, frozen=True, kw_only=True):
    """One file of a model, and the package it comes in."""

    save_as: str
    sha256: str
    size: int
    package: str = ""
    """Name in the package index; empty for a file that somebody added from a path."""
    version: str = ""
    member: str = ""
    """The file's path inside the wheel, which is also its path in an installed environment."""
    wheel_sha256: str = ""
    """Of the wheel; empty where the wheel differs from platform to platform and only the file inside is the same."""
    wheel_size: int = 0


class Weights(Value, frozen=True, kw_only=True):
    """One model that runs here."""

    name: str
    kind: Kind
    format: Format
    pieces: tuple[Piece, ...]
    """The first is the model itself."""
    licence: str = ""
    about: str = ""
    source: str = ""
    sampling: dict[str, float] = {}
    """What its makers advise, used where a request says nothing."""
    dimensions: int = 0
    """Length of its vectors; 0 for a chat model, or when not known."""
    max_tokens: int = 0
    """Tokens of one text that an embedding model reads; 0 for no end."""


class Found(NamedTuple):
    """A model whose files are here and were checked."""

    weights: Weights
    files: Mapping[str, Path]
    """By the name of `Piece.save_as`."""

    @property
    def model(self) -> Path:
        """The model's own file."""
        return self.files[self.weights.pieces[0].save_as]


class Listed(NamedTuple):
    """One line of the list: a model, whether it is `here`, `installed` as a package, `absent`, or `damaged`."""

    weights: Weights
    state: str
    place: str
