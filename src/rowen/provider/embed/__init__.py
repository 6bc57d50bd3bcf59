"""Vectors of texts, made in this process."""

from rowen.provider.embed.base import Embedder, Vectors
from rowen.provider.embed.catalog import open_embedder

__all__ = ["Embedder", "Vectors", "open_embedder"]
