"""Picks values out of JSON by a path: names, places and `*` of RFC 9535. Filters, slices and `..` are not read."""

import re
from collections.abc import Iterator
from typing import Any

from rowen.values import Mistaken

_STEP = re.compile(r"""\.([A-Za-z_][\w-]*)|\.(\*)|\[(\*)\]|\[(-?\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")

Path = tuple[str | int | None, ...]
"""Names and places; None stands for all."""


def parsed(text: str) -> Path:
    """Return the steps of a path such as `$.spans[0].attributes['gen_ai.request.model']`.

    Raises:
        Mistaken: `config_invalid` for what is no such path.

    """
    rest = text.strip()
    if not rest.startswith("$"):
        raise Mistaken("config_invalid", f"a path begins with $, unlike {text!r}", place="variables")
    at, steps = 1, list[str | int | None]()
    while at < len(rest):
        found = _STEP.match(rest, at)
        if found is None:
            message = f"the path {text!r} cannot be read from {rest[at:]!r}: use .name, ['name'], [0], [*]"
            raise Mistaken("config_invalid", message, place="variables")
        name, star, any_, place, single, double = found.groups()
        if star or any_:
            steps.append(None)
        elif place is not None:
            steps.append(int(place))
        else:
            steps.append(next(each for each in (name, single, double) if each is not None))
        at = found.end()
    return tuple(steps)


def picked(document: Any, path: Path) -> Any:
    """Return what stands at a path: one value, a list where the path has a `*`, None where there is nothing."""
    found = list(_walk(document, path))
    if None in path:
        return found
    return found[0] if found else None


def _walk(value: Any, path: Path) -> Iterator[Any]:
    if not path:
        yield value
        return
    step, rest = path[0], path[1:]
    match value, step:
        case dict(), str() if step in value:
            yield from _walk(value[step], rest)
        case dict(), None:
            for inner in value.values():
                yield from _walk(inner, rest)
        case list() | tuple(), None:
            for inner in value:
                yield from _walk(inner, rest)
        case list() | tuple(), int() if -len(value) <= step < len(value):
            yield from _walk(value[step], rest)
