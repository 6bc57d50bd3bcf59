"""What Gemini's models can do, and the options that differ between their generations."""

from typing import Literal

from rowen.provider.base import ModelSettings
from rowen.values import Profile, Settings

BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
FAMILY: frozenset[str] = frozenset()  # no door speaks this dialect

# The wire has no place for these, whatever a profile says.
CANNOT = frozenset({"parallel_tool_calls", "input tokens"})

BUDGETS = {"minimal": 512, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 32_768, "max": 32_768}

SIGNATURE = "gemini#"
"""Stands before a thought signature of Gemini's, so that no other vendor is sent it."""


class Options(Settings, frozen=True, kw_only=True):
    """The `options` of a Gemini model."""

    thinking: Literal["level", "budget"] = "level"
    """How an effort word is sent: as a level (Gemini 3 and later), or as a budget of tokens (2.5)."""
    schemas: Literal["json", "subset"] = "json"
    """How schemas are sent: as JSON Schema, or turned into the older subset of OpenAPI's."""


def declared(settings: ModelSettings) -> Profile:  # noqa: ARG001  the catalogue's signature
    """Return what Gemini's models can do unless the definition says otherwise."""
    return Profile(embeddings=True, audio=True, top_k=True, parallel_tools=True)
