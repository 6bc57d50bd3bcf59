"""OpenAI's embeddings: body → `Request`."""

from typing import Any

from rowen.api.parse.fields import array, invalid, missing, rest, string, whole, wrong
from rowen.values import Request

_KNOWN = frozenset({"model", "input", "dimensions", "user", "encoding_format"})


def request_of(body: dict[str, Any]) -> Request:
    """Return the request that a body asks for.

    Raises:
        Mistaken: `field_invalid`, with the place.

    """
    if body.get("model") is None:
        raise missing("model")
    if body.get("input") is None:
        raise missing("input")
    texts, tokens = _input(body["input"])
    dimensions, user = body.get("dimensions"), body.get("user")
    return Request(
        model=string(body["model"], "model"),
        kind="embeddings",
        dialect="openai.embeddings",
        texts=texts,
        tokens=tokens,
        dimensions=None if dimensions is None else whole(dimensions, "dimensions", least=1),
        user="" if user is None else string(user, "user"),
        extra=rest(body, _KNOWN),
    )


def packed(body: dict[str, Any]) -> bool:
    """Return whether vectors are wanted as base64 of 32-bit floats."""
    found = body.get("encoding_format")
    if found not in {None, "float", "base64"}:
        raise invalid("encoding_format", "encoding_format must be float or base64")
    return bool(found == "base64")


def _input(value: object) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """The texts, or else the token ids, to embed."""
    if type(value) is str:
        if not value:
            raise invalid("input", "input must not be empty")
        return (value,), ()
    if type(value) is not list:
        raise wrong("input", "a string or an array", value)
    if not value:
        raise invalid("input", "input must not be empty")
    first = type(value[0])
    if first is str:
        for index, item in enumerate(value):
            if type(item) is not str:
                raise wrong(f"input[{index}]", "a string", item)
            if not item:
                raise invalid(f"input[{index}]", f"input[{index}] must not be empty")
        return tuple(value), ()
    if first is int:
        return (), (_ids(value, "input"),)
    return (), tuple(_ids(array(item, f"input[{index}]"), f"input[{index}]") for index, item in enumerate(value))


def _ids(value: list[Any], place: str) -> tuple[int, ...]:
    if not value:
        raise invalid(place, f"{place} must not be empty")
    return tuple(whole(item, f"{place}[{index}]", least=0) for index, item in enumerate(value))
