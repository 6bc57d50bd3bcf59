"""The formats of embedding weights, and what opens each. Looked up lazily: each needs libraries of its own."""

from importlib import import_module

from rowen.provider.embed.base import Embedder
from rowen.provider.weights import Found
from rowen.values import Mistaken

CATALOG: dict[str, str] = {
    "onnx": "rowen.provider.embed.onnx:open_onnx",
    "static": "rowen.provider.embed.static:open_static",
}


def open_embedder(found: Found, threads: int = 0) -> Embedder:
    """Load the weights of an embedding model. Blocks.

    Args:
        found: its checked files.
        threads: how many compute; 0 takes one for each core.

    Raises:
        Mistaken: `extra_missing`.
        Broken: `weights_format` when the files cannot be read.

    """
    module, _, name = CATALOG[found.weights.format].partition(":")
    try:
        opened = import_module(module)
    except ModuleNotFoundError as error:
        message = f"Embeddings with {found.weights.name} need `pip install rowen[local]` ({error.name} is missing)."
        raise Mistaken("extra_missing", message, place="provider") from error
    embedder: Embedder = getattr(opened, name)(found, threads)
    return embedder
