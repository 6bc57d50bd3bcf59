"""How originals become texts: what they are is told by their content, and what cannot be read has a named reason."""

from rowen.retrieve.parse.base import Limits, Parsed
from rowen.retrieve.parse.reading import Reading

__all__ = ["Limits", "Parsed", "Reading"]
