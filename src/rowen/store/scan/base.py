"""What a driver gives to be searched, and what a search asks for. Needs no NumPy."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from rowen.values import Condition, Reader

Storage = Literal["float32", "float16", "int8", "binary"]


class Row(NamedTuple):
    """A chunk as it is stored."""

    number: int
    document: int
    vector: bytes
    """In the build's storage; empty without an embedder."""
    terms: bytes
    """uint32, little-endian, ascending."""
    counts: bytes
    """uint8, one a term."""


class Described(NamedTuple):
    """What filters need to know of a document."""

    number: int
    access: tuple[str, ...]
    facts: bytes
    """JSON of what conditions may ask for."""


class Shape(NamedTuple):
    """How a build keeps its vectors; `dimensions` is 0 where it has none."""

    storage: Storage
    dimensions: int


class Lot(NamedTuple):
    """A part of a build: some documents and all of their chunks."""

    documents: Sequence[Described]
    rows: Iterable[Row]
    """In the order of their numbers."""
    size: int
    """How many rows there are."""


class Allowed(NamedTuple):
    """Which documents a search may find."""

    groups: frozenset[str] | None
    """A document with an access list needs one of them; None for all documents."""
    where: tuple[Condition, ...] = ()

    @property
    def key(self) -> tuple[frozenset[str] | None, bytes]:
        """What it is known by: 1, 1.0 and true are one thing to Python, and not to a condition."""
        return self.groups, msgspec.json.encode(self.where)


def allowed(reader: Reader, where: Sequence[Condition]) -> Allowed:
    """Return what a reader may find under some conditions; that the tenant is his is for the driver to see."""
    return Allowed(None if reader.everything else frozenset(reader.groups), tuple(where))
