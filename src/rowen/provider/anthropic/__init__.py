"""Anthropic's messages."""

from rowen.provider.anthropic.client import make
from rowen.provider.anthropic.profile import declared

__all__ = ["declared", "make"]
