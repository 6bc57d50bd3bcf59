"""The field `prompt` of a body: which of the app's prompts is asked for, with its variables, in the shape of OpenAI's responses."""

from typing import Any

from rowen.api.parse.fields import string, table, unsupported
from rowen.values import Prompted

_KNOWN = frozenset({"id", "version", "variables"})


def prompt_of(value: object, name: str) -> Prompted:
    """Return the prompt that is asked for.

    Raises:
        Mistaken: `field_invalid` or `field_unsupported`, with the place.

    """
    found = table(value, name)
    for key in found:
        if key not in _KNOWN:
            raise unsupported(f"{name}.{key}", f"{name}.{key} is not supported; it has id, version and variables")
    given: dict[str, Any] = {key: item for key, item in found.items() if item is not None}
    return Prompted(
        name=string(given.get("id", ""), f"{name}.id"),
        version=string(given.get("version", ""), f"{name}.version"),
        variables=table(given.get("variables", {}), f"{name}.variables"),
    )
