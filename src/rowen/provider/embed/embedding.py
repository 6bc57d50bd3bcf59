"""Vectors for indexing and searching with a model in this process, as `values.Embed`: no number becomes a Python object."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from rowen.provider.embed.base import Embedder
from rowen.provider.embed.catalog import open_embedder
from rowen.provider.weights import Folder
from rowen.values import Embeddings

_TURN = 64  # texts computed before the event loop is asked whether the caller is still there


class Embedding:
    """An embedding model by name. Its files are checked and loaded when it is first asked.

    Args:
        name: of a model that the folder knows.
        folder: where its files are.
        dimensions: to cut its vectors to, for models that were trained for it; 0 leaves them whole.
        threads: how many compute; 0 takes one for each core.
        opened: how files become a model.

    Raises:
        Mistaken: `config_invalid` for a name that is not known.

    """

    def __init__(
        self,
        name: str,
        folder: Folder,
        *,
        dimensions: int = 0,
        threads: int = 0,
        opened: Callable[..., Embedder] = open_embedder,
    ) -> None:
        weights = folder.weights(name)
        # The weights' own hash, what they read of a text, and how long a vector is left: whatever changes numbers.
        made = f"{weights.pieces[0].sha256[:16]}/{weights.max_tokens}/{dimensions or weights.dimensions}"
        self.fingerprint = f"{name}:{made}"
        self.dimensions = dimensions or weights.dimensions
        self._name = name
        self._folder = folder
        self._threads = threads
        self._opened = opened
        self._lock = asyncio.Lock()
        self._embedder: Embedder | None = None

    async def __call__(
        self,
        texts: Sequence[str],
        *,
        role: Literal["query", "document"] = "document",  # noqa: ARG002 - these models make no difference
    ) -> Embeddings:
        """Return one vector a text; a text that is too long is cut.

        Raises:
            Unavailable: `weights_missing`. Broken: `weights_changed`, `weights_format`. Mistaken: `extra_missing`.

        """
        embedder = await self._loaded()
        wanted = 0 if self.dimensions == embedder.dimensions else self.dimensions
        data, tokens = bytearray(), 0
        for start in range(0, len(texts), _TURN):
            made = await asyncio.to_thread(embedder.floats, texts[start : start + _TURN], wanted)
            data += made.data
            tokens += made.tokens
        return Embeddings(bytes(data), self.dimensions or embedder.dimensions, tokens)

    async def _loaded(self) -> Embedder:
        if self._embedder is None:
            async with self._lock:
                if self._embedder is None:
                    self._embedder = await asyncio.to_thread(self._load)
        return self._embedder

    def _load(self) -> Embedder:
        return self._opened(self._folder.find(self._name), self._threads)
