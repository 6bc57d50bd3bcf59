"""How documents are cut: chunks are offsets into the stored text, and get back as context what they lost."""

from rowen.retrieve.chunk.catalog import Chunking, chunking
from rowen.retrieve.chunk.context import in_context

__all__ = ["Chunking", "chunking", "in_context"]
