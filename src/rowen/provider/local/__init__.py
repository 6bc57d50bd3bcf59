"""Models that run in this process: chat on llama.cpp, embeddings on ONNX or static vectors."""

from rowen.provider.local.client import make
from rowen.provider.local.profile import declared

__all__ = ["declared", "make"]
