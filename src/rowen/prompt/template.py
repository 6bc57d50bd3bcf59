"""Templates without code: `{{name}}` is a place to fill, and nothing else means anything."""

import re
from collections.abc import Mapping

_PLACE = re.compile(r"(\\?)\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*\}\}")

# What chat templates of open models tell turns apart by. Some engines read them wherever they stand, in a value too.
_CONTROL = re.compile(
    r"<(?=\|[^<>|\n]{1,60}\|>|/?s>|/?(?:start|end)_of_turn>|<SYS>>|</SYS>>|｜)|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS)\])",
)


def places(text: str) -> tuple[str, ...]:
    r"""Return the names of a text's places, each once, in their order; `\{{name}}` is none."""
    return tuple(dict.fromkeys(found[2] for found in _PLACE.finditer(text) if not found[1]))


def filled(text: str, values: Mapping[str, str]) -> str:
    r"""Return a text with its places filled, in one pass: what stands in a value is never looked at again.

    `\{{name}}` gives `{{name}}` as it is.

    Raises:
        KeyError: a place without a value.

    """
    return _PLACE.sub(lambda found: found[0][1:] if found[1] else values[found[2]], text)


def inert(text: str) -> str:
    """Return a text in which nothing can end a message or begin one: a look-alike stands for the first letter of such marks."""
    return _CONTROL.sub(lambda found: "‹" if found[0] == "<" else "⁅", text)
