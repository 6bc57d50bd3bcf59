"""The kinds of chunker, by name. Looked up lazily: an optional dependency is imported only by the kind that needs it."""

from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import NamedTuple

from rowen.retrieve.base import ChunkTable
from rowen.retrieve.chunk.base import Cutter
from rowen.values import Mistaken

GROUP = "rowen.retrieve.chunk"  # the entry point group of other people's chunkers

CATALOG: dict[str, str] = {
    "overlap": "rowen.retrieve.chunk.overlap",
    "parent": "rowen.retrieve.chunk.parent",
    "recursive": "rowen.retrieve.chunk.recursive",
    "sentence": "rowen.retrieve.chunk.sentence",
    "structure": "rowen.retrieve.chunk.structure",
    "tokens": "rowen.retrieve.chunk.tokens",
    "whole": "rowen.retrieve.chunk.whole",
}
"""Each names a module with `make(size, overlap)`, which gives a `Cutter`."""


class Chunking(NamedTuple):
    """A chunker with its parameters."""

    cut: Cutter
    written: str
    """Kind and parameters as a manifest holds them: `overlap(size=800, overlap=400)`."""


def kinds() -> tuple[str, ...]:
    """Return the names of all chunkers that are installed, other people's included."""
    return tuple(sorted({*CATALOG, *(entry.name for entry in entry_points(group=GROUP))}))


def chunking(table: ChunkTable) -> Chunking:
    """Return the chunker that a table asks for.

    Raises:
        Mistaken: `config_invalid` or `extra_missing`, with the key as its place.

    """
    if table.size < 1:
        raise Mistaken("config_invalid", "a chunk has at least one character", place="chunk.size")
    if not 0 <= table.overlap < table.size:
        message = (
            f"chunks of {table.size} can share from 0 to {table.size - 1} with the one before, not {table.overlap}"
        )
        raise Mistaken("config_invalid", message, place="chunk.overlap")
    path = CATALOG.get(table.kind) or next((e.value for e in entry_points(group=GROUP) if e.name == table.kind), "")
    if not path:
        near = get_close_matches(table.kind, kinds(), n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(kinds())}"
        raise Mistaken("config_invalid", f'there is no chunker "{table.kind}" — {hint}', place="chunk.kind")
    try:
        module = import_module(path)
    except ModuleNotFoundError as error:
        message = f"the chunker `{table.kind}` needs `pip install rowen[rag]` ({error.name} is missing)"
        raise Mistaken("extra_missing", message, place="chunk.kind") from error
    cut: Cutter = module.make(table.size, table.overlap)
    return Chunking(cut, f"{table.kind}(size={table.size}, overlap={table.overlap})")
