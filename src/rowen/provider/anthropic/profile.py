"""What Anthropic's models can do, and the options that differ between their generations."""

from typing import Literal

from rowen.provider.base import ModelSettings
from rowen.values import Profile, Settings

BASE_URL = "https://api.anthropic.com"
VERSION = "2023-06-01"
FAMILY = frozenset({"anthropic"})

# The wire has no place for these, whatever a profile says.
CANNOT = frozenset({
    "seed", "n", "frequency_penalty", "presence_penalty", "logprobs", "modalities", "input tokens",
})  # fmt: skip

BUDGETS = {"minimal": 1_024, "low": 2_048, "medium": 8_192, "high": 16_384, "xhigh": 32_768, "max": 65_536}


class Options(Settings, frozen=True, kw_only=True):
    """The `options` of an Anthropic model."""

    version: str = VERSION
    beta: tuple[str, ...] = ()
    """Sent as `anthropic-beta` with every request."""
    max_tokens: int = 8_192
    """Sent when neither the request nor the profile's `max_output` says how long an answer may be: it is required."""
    sampling: bool = True
    """False for models that take no temperature, top_p and top_k."""
    thinking: Literal["adaptive", "budget"] = "adaptive"
    """How an effort word is sent: as effort with adaptive thinking, or as a budget of thinking tokens."""
    structured: Literal["native", "tool"] = "native"
    """How a schema is enforced: by `output_config.format`, or by a tool that the model has to call."""


def declared(settings: ModelSettings) -> Profile:  # noqa: ARG001  the catalogue's signature
    """Return what Anthropic's models can do unless the definition says otherwise."""
    return Profile(logprobs=False, many=False, seed=False, top_k=True, penalties=False)
