"""Masking before storage: what matches never reaches the disk."""

from collections.abc import Callable
from typing import Any

import msgspec
import re2

from rowen.trace.base import TraceSettings
from rowen.values import Answer, Mistaken, Request

Mask = Callable[[str], str]
SHOWN = "[masked]"


def mask_of(settings: TraceSettings) -> Mask | None:
    """Return a function that masks one text, None when there is nothing to mask.

    Patterns run on RE2, in time linear in the text, so a pattern cannot be made to hang the record.

    Raises:
        Mistaken: `config_invalid` for a pattern that RE2 does not take.

    """
    try:
        patterns = [re2.compile(pattern) for pattern in settings.mask]
    except re2.error as error:
        raise Mistaken("config_invalid", f"a mask is not a valid RE2 pattern: {error}", place="[trace] mask") from error
    if settings.content != "masked":
        return None

    def mask(text: str) -> str:
        for pattern in patterns:
            text = pattern.sub(SHOWN, text)
        return text

    return mask


def masked_request(request: Request, mask: Mask) -> Request:
    """Return the request with every text in it masked."""
    masked = msgspec.convert(_each(msgspec.to_builtins(request), mask), Request)
    if request.prompt is None:
        return masked
    # Names of variables are anybody's: one that is called `type` or `role` says nothing about structure.
    return masked.but(prompt=request.prompt.but(variables=mask_texts(request.prompt.variables, mask)))


def masked_answer(answer: Answer, mask: Mask) -> Answer:
    """Return the answer with every text in it masked."""
    return msgspec.convert(_each(msgspec.to_builtins(answer), mask), Answer)


def mask_texts(value: Any, mask: Mask) -> Any:
    """Return JSON with every text in it masked, names and all: nobody said which of them are structure."""
    match value:
        case str():
            return mask(value)
        case dict():
            return {mask(key): mask_texts(item, mask) for key, item in value.items()}
        case list() | tuple():
            return [mask_texts(item, mask) for item in value]
        case _:
            return value


_STRUCTURE = {"type", "role", "model", "kind", "dialect", "id", "media_type", "format", "mode", "reason"}


def _each(value: Any, mask: Mask) -> Any:
    """Mask every text except the fields that say what something is."""
    match value:
        case str():
            return mask(value)
        case dict():
            return {
                key: item if key in _STRUCTURE and isinstance(item, str) else _each(item, mask)
                for key, item in value.items()
            }
        case list() | tuple():
            return [_each(item, mask) for item in value]
        case _:
            return value
