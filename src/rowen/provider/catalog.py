"""The kinds of provider, by name. Looked up lazily: an optional dependency is imported only by the kind that needs it."""

from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import cast

from rowen.provider.base import MakeProvider, ModelSettings
from rowen.values import Mistaken, Profile

GROUP = "rowen.provider"  # the entry point group of other people's kinds

CATALOG: dict[str, str] = {
    "anthropic": "rowen.provider.anthropic:make",
    "azure": "rowen.provider.openai:make",
    "bedrock": "rowen.provider.bedrock:make",
    "deepseek": "rowen.provider.openai:make",
    "echo": "rowen.provider.echo:make",
    "extract": "rowen.provider.extract:make",
    "gemini": "rowen.provider.gemini:make",
    "groq": "rowen.provider.openai:make",
    "llamacpp": "rowen.provider.openai:make",
    "local": "rowen.provider.local:make",
    "mistral": "rowen.provider.openai:make",
    "ollama": "rowen.provider.openai:make",
    "openai": "rowen.provider.openai:make",
    "openrouter": "rowen.provider.openai:make",
    "sglang": "rowen.provider.openai:make",
    "together": "rowen.provider.openai:make",
    "vllm": "rowen.provider.openai:make",
}

_EXTRAS = {"local": "local"}


def kinds() -> tuple[str, ...]:
    """Return the names of all kinds that are installed, other people's included."""
    return tuple(sorted({*CATALOG, *(entry.name for entry in entry_points(group=GROUP))}))


def maker(kind: str) -> MakeProvider:
    """Return what makes a provider of a kind.

    Raises:
        Mistaken: `config_invalid` for a kind that is not installed, `extra_missing` for one that lacks a dependency.

    """
    module, name = _found(kind)
    return cast("MakeProvider", getattr(module, name))


def declared(settings: ModelSettings) -> Profile:
    """Return what a provider says its models can do, before the definition's own overrides.

    It is the function `declared(settings)` beside the maker, for other people's kinds too.

    Raises:
        Mistaken: as `maker`.

    """
    module, _ = _found(settings.provider)
    say = getattr(module, "declared", None)
    return cast("Profile", say(settings)) if say else Profile()


def _found(kind: str) -> tuple[ModuleType, str]:
    path = CATALOG.get(kind, "")
    if not path:
        path = next((entry.value for entry in entry_points(group=GROUP) if entry.name == kind), "")
    if not path:
        near = get_close_matches(kind, kinds(), n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(kinds())}"
        raise Mistaken("config_invalid", f'There is no provider "{kind}" — {hint}', place="provider")
    module, _, name = path.partition(":")
    try:
        return import_module(module), name
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(kind)
        hint = f"`pip install rowen[{extra}]`" if extra else f"the package `{error.name}`"
        raise Mistaken("extra_missing", f"The `{kind}` provider needs {hint}.", place="provider") from error
