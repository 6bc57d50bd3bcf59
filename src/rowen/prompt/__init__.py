"""What we say: the app's own words before the caller's."""

from rowen.prompt.base import NamedPrompt, PromptSettings, Variable
from rowen.prompt.registry import Prompts
from rowen.prompt.step import render
from rowen.prompt.version import PromptVersion
from rowen.prompt.written import Written, written_of

__all__ = ["NamedPrompt", "PromptSettings", "PromptVersion", "Prompts", "Variable", "Written", "render", "written_of"]
