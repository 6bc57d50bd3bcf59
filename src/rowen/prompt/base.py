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
