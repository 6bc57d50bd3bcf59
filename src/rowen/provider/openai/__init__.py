"""OpenAI and everything that speaks its chat completions and embeddings."""

from rowen.provider.openai.client import make
from rowen.provider.openai.profile import declared

__all__ = ["declared", "make"]
