"""The kinds of scorer, by name. Looked up lazily: an optional dependency is imported only by the kind that needs it."""

from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

import msgspec

from rowen.score.base import Ports, Scorer
from rowen.values import Mistaken
from rowen.values import Settings as Table

GROUP = "rowen.score"  # the entry point group of other people's kinds

CATALOG: dict[str, str] = {
    "assertions": "rowen.score.assertions",
    "bleu": "rowen.score.bleu",
    "closeness": "rowen.score.closeness",
    "edit": "rowen.score.edit",
    "exact": "rowen.score.exact",
    "fresh": "rowen.score.fresh",
    "grounded": "rowen.score.grounded",
    "json": "rowen.score.json",
    "judge": "rowen.score.judge",
    "language": "rowen.score.language",
    "length": "rowen.score.length",
    "match": "rowen.score.match",
    "readability": "rowen.score.readability",
    "refusal": "rowen.score.refusal",
    "repetition": "rowen.score.repetition",
    "rouge": "rowen.score.rouge",
    "similarity": "rowen.score.similarity",
    "toxicity": "rowen.score.toxicity",
}
"""Each names a module with `Settings` and `make(settings, ports)`."""


def kinds() -> tuple[str, ...]:
    """Return the names of all kinds that are installed, other people's included."""
    return tuple(sorted({*CATALOG, *(entry.name for entry in entry_points(group=GROUP))}))


def make(kind: str, options: dict[str, Any], ports: Ports | None = None) -> Scorer:
    """Return a scorer of a kind.

    Args:
        kind: its name in the catalogue.
        options: its settings as written.
        ports: what it may need of others.

    Raises:
        Mistaken: `config_invalid`, `config_unknown_key` or `extra_missing`, with the key as its place.

    """
    module = _module(kind)
    made: Scorer = module.make(settings_of(module.Settings, kind, options), ports or Ports())
    return made


def settings_of(type_: type[Table], kind: str, options: dict[str, Any]) -> Table:
    """Return options as a scorer's own settings.

    Raises:
        Mistaken: `config_unknown_key` or `config_invalid`, with `options.NAME` as its place.

    """
    known = [field.encode_name for field in msgspec.structs.fields(type_)]
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f' — did you mean "{near[0]}"?' if near else f" — it knows {', '.join(sorted(known)) or 'none'}"
            message = f'The scorer "{kind}" has no option "{name}"{hint}'
            raise Mistaken("config_unknown_key", message, place=f"options.{name}")
    try:
        return msgspec.convert(options, type_)
    except msgspec.ValidationError as error:
        sentence, _, path = str(error).partition(" - at `$")
        message = f'The scorer "{kind}": {sentence[0].lower()}{sentence[1:]}'
        raise Mistaken("config_invalid", message, place="options" + path.removesuffix("`")) from error


def _module(kind: str) -> ModuleType:
    path = CATALOG.get(kind, "")
    if not path:
        path = next((entry.value for entry in entry_points(group=GROUP) if entry.name == kind), "")
    if not path:
        near = get_close_matches(kind, kinds(), n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(kinds())}"
        raise Mistaken("config_invalid", f'There is no scorer "{kind}" — {hint}', place="kind")
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        raise Mistaken(
            "extra_missing", f'The scorer "{kind}" needs the package `{error.name}`.', place="kind"
        ) from error
