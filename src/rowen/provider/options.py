"""The `options` of a model, checked against what its provider knows."""

from difflib import get_close_matches
from typing import TypeVar

import msgspec

from rowen.provider.base import ModelSettings
from rowen.values import Mistaken, Settings

S = TypeVar("S", bound=Settings)


def options_of(settings: ModelSettings, kind: type[S]) -> S:
    """Return a model's options as its provider's own settings.

    Raises:
        Mistaken: `config_unknown_key` or `config_invalid`, with `options.NAME` as its place.

    """
    known = set(kind.__struct_encode_fields__)
    for name in settings.options:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f' — did you mean "{near[0]}"?' if near else f" — it knows {', '.join(sorted(known)) or 'none'}"
            message = f'The provider {settings.provider!r} has no option "{name}"{hint}'
            raise Mistaken("config_unknown_key", message, place=f"options.{name}")
    try:
        return msgspec.convert(settings.options, kind)
    except msgspec.ValidationError as error:
        sentence, _, path = str(error).partition(" - at `$")
        place = "options" + path.removesuffix("`")
        message = f"The provider {settings.provider!r}: {sentence[0].lower()}{sentence[1:]}"
        raise Mistaken("config_invalid", message, place=place) from error
