"""The base of every value: frozen, equal by content, round trip through JSON."""

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What flows. Changed by copy, compared by content, written as JSON with the defaults left out.

    `but(field=…)` returns a copy with some fields changed.
    """

    but = msgspec.Struct.__replace__  # not a method around it: that takes three times as long, ten times in a call


class Settings(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a configuration file: a value in which an unknown key is an error."""


class Secret:
    """A text that must not be shown. Read it with `reveal()` at the one place that sends it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)
