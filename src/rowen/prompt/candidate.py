"""A changed prompt is a candidate: the Definition that is served, with one file changed, under a hash of its own."""

import copy
from collections.abc import Mapping
from typing import Any

import msgspec

from rowen.config.read import hash_of
from rowen.prompt.base import Variable
from rowen.prompt.written import SYSTEM
from rowen.values import Definition, Mistaken


def candidate(
    definition: Definition, name: str, text: str, variables: Mapping[str, Variable] | None = None
) -> Definition:
    """Return a Definition with another text of a prompt, and with other variables where they are given.

    Args:
        definition: the one to begin with.
        name: of the prompt within the app; `system` is the app's own.
        text: what it says from now on.
        variables: what its places may be filled with; None leaves them.

    Raises:
        Mistaken: `prompt_unknown` where the Definition has no such prompt.

    """
    source: dict[str, Any] = copy.deepcopy(definition.source)
    table = source.get("prompt", {})
    if name != SYSTEM:
        table = table.get("named", {}).get(name, {})
    path = table.get("system" if name == SYSTEM else "file")
    if path not in definition.files:
        raise Mistaken("prompt_unknown", f"the app {definition.app!r} has no prompt {name!r}", place="name")
    if variables is not None:
        plain = {key: msgspec.to_builtins(each) for key, each in variables.items()}
        table["variables"] = {key: {k: v for k, v in each.items() if v is not None} for key, each in plain.items()}
        if not plain:
            del table["variables"]
    files = {**definition.files, path: text}
    return Definition(
        app=definition.app,
        hash=hash_of(source, files),
        source=source,
        files=files,
        about=definition.about,
        owner=definition.owner,
    )
