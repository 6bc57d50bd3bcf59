"""What we say: the app's own words before the caller's."""

from rowen.prompt.base import PromptSettings
from rowen.prompt.step import render

__all__ = ["PromptSettings", "render"]
