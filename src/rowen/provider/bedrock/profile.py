"""What Converse can say for every model of Bedrock, and its options."""

from rowen.provider.base import ModelSettings
from rowen.values import Profile, Settings

FAMILY: frozenset[str] = frozenset()  # no door speaks this dialect

# The wire has no place for these, whatever a profile says.
CANNOT = frozenset({
    "seed", "n", "frequency_penalty", "presence_penalty", "logprobs", "modalities", "parallel_tool_calls",
    "input tokens",
})  # fmt: skip

BUDGETS = {"minimal": 1_024, "low": 2_048, "medium": 8_192, "high": 16_384, "xhigh": 32_768, "max": 65_536}

SIGNATURE = "bedrock#"
"""Stands before a reasoning signature of Bedrock's, so that no other vendor is sent it."""


class Options(Settings, frozen=True, kw_only=True):
    """The `options` of a Bedrock model.

    The key is a Bedrock API key, or `ACCESS_KEY_ID:SECRET_ACCESS_KEY` with `:SESSION_TOKEN` where there is one; without
    it the usual AWS variables are read.
    """

    region: str = ""
    """Such as `eu-central-1`; by default `AWS_REGION` or `AWS_DEFAULT_REGION`."""


def declared(settings: ModelSettings) -> Profile:  # noqa: ARG001  the catalogue's signature
    """Return what Converse can say. Bedrock's models differ: narrow it with `profile` for those that can do less."""
    return Profile(json=False, logprobs=False, many=False, seed=False, penalties=False)
