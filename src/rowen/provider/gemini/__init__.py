"""Google's Gemini: generateContent and embeddings."""

from rowen.provider.gemini.client import make
from rowen.provider.gemini.profile import declared

__all__ = ["declared", "make"]
