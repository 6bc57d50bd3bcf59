"""Vectors of texts, made in this process."""

from rowen.provider.embed.base import Embedder, Vectors
from rowen.provider.embed.catalog import open_embedder
from rowen.provider.embed.embedding import Embedding

__all__ = ["Embedder", "Embedding", "Vectors", "open_embedder"]
