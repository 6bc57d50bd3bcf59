"""What documents say of things and of what is between them, and passages found by following it."""

from rowen.retrieve.graph.expand import grown, lifted
from rowen.retrieve.graph.extract import Extracting, extracting

__all__ = ["Extracting", "extracting", "grown", "lifted"]
