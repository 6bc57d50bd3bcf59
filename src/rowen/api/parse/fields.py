"""The checks of a body's fields: right type or an error that names the place, such as `messages[2].content`."""

from collections.abc import Callable
from typing import Any, TypeVar

from rowen.values import Mistaken, Problem

T = TypeVar("T")

_KINDS = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def wrong(place: str, wanted: str, got: object) -> Mistaken:
    """Return the error for a field that is not what it should be. The value itself is not repeated."""
    return Mistaken("field_invalid", f"{place} must be {wanted}, not {_KINDS.get(type(got), 'that')}", place=place)


def invalid(place: str, sentence: str) -> Mistaken:
    """Return the error for a field of the right type and a value that cannot be."""
    return Mistaken("field_invalid", sentence, place=place)


def missing(place: str) -> Mistaken:
    """Return the error for a field that must be there."""
    return Mistaken("field_invalid", f"{place} is missing", place=place)


def unsupported(place: str, sentence: str) -> Mistaken:
    """Return the error for a field that is known and that Rowen cannot honour."""
    return Mistaken("field_unsupported", sentence, place=place)


def under(problem: Problem, where: str) -> Problem:
    """Return the problem with its place put below `where`: `content` below `messages[2]` is `messages[2].content`."""
    inner = problem.place
    if not inner:
        place = where
    elif inner[0] == "[":
        place = where + inner
    else:
        place = f"{where}.{inner}"
    # The sentence begins with the place too, or with nothing where the place was the item itself.
    if problem.message.startswith(inner or " "):
        problem.message = place + problem.message[len(inner) :]
    problem.place = place
    return problem


def string(value: object, place: str) -> str:
    """Return a string."""
    if type(value) is str:
        return value
    raise wrong(place, "a string", value)


def flag(value: object, place: str) -> bool:
    """Return a boolean."""
    if type(value) is bool:
        return value
    raise wrong(place, "a boolean", value)


def whole(value: object, place: str, *, least: int | None = None, most: int | None = None) -> int:
    """Return an integer within its range."""
    if type(value) is not int:
        raise wrong(place, "an integer", value)
    if least is not None and value < least:
        raise invalid(place, f"{place} must be at least {least}")
    if most is not None and value > most:
        raise invalid(place, f"{place} must be at most {most}")
    return value


def number(value: object, place: str) -> float:
    """Return a number."""
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise invalid(place, f"{place} is too large") from None
    raise wrong(place, "a number", value)


def table(value: object, place: str) -> dict[str, Any]:
    """Return an object."""
    if type(value) is dict:
        return value
    raise wrong(place, "an object", value)


def array(value: object, place: str) -> list[Any]:
    """Return an array."""
    if type(value) is list:
        return value
    raise wrong(place, "an array", value)


def strings(value: object, place: str) -> tuple[str, ...]:
    """Return an array of strings."""
    items = array(value, place)
    for index, item in enumerate(items):
        if type(item) is not str:
            raise wrong(f"{place}[{index}]", "a string", item)
    return tuple(items)


def labels(value: object, place: str) -> dict[str, str]:
    """Return an object whose values are strings."""
    found = table(value, place)
    for key, item in found.items():
        if type(item) is not str:
            raise wrong(f"{place}.{key}", "a string", item)
    return found


def each(value: object, place: str, make: Callable[[Any], T]) -> list[T]:
    """Return what `make` gives for each item; an error is put below the item's place."""
    made: list[T] = []
    items = array(value, place)
    try:
        for item in items:
            made.append(make(item))  # noqa: PERF401  # what is made so far says where it went wrong
    except Mistaken as problem:
        raise under(problem, f"{place}[{len(made)}]") from None
    return made


def rest(found: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Return the fields that are not known and not null, to be kept for the vendor."""
    if found.keys() <= known:
        return {}
    return {key: value for key, value in found.items() if key not in known and value is not None}


def data_url(url: str) -> tuple[str, str] | None:
    """Return media type and base64 text of a `data:` address, None when it is none."""
    if not url.startswith("data:"):
        return None
    head, comma, data = url[5:].partition(",")
    if not comma or not head.endswith(";base64"):
        return None
    return head[:-7].partition(";")[0], data
