"""The stages of a search: each is a small value that adds to what is sought, and says what of it may be left out."""

from rowen.retrieve.stages.base import Sought, Stage, through
from rowen.retrieve.stages.pace import Pace

__all__ = ["Pace", "Sought", "Stage", "through"]
