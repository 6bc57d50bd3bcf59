"""Settings of the prompt."""

from typing import Literal

from rowen.config import TextFile
from rowen.values import Settings


class PromptSettings(Settings, frozen=True, kw_only=True):
    """What the app says before the caller does."""

    system: TextFile | None = None
    """A file with the system prompt."""
    when: Literal["always", "absent"] = "always"
    """`always`: before the caller's own system message. `absent`: only when the caller sends none."""
    sources: TextFile | None = None
    """A file that says how to answer from sources, in place of the one that Rowen has."""
    place: Literal["question", "system"] = "question"
    """Where the sources stand: before the question, so that what comes before stays the same and is cached by providers;
    or at the end of the system prompt."""
