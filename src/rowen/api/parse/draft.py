"""A Request in the making: a body's fields, each taken by the rule of its name."""

from collections.abc import Callable, Mapping
from typing import Any

from rowen.api.parse.fields import unsupported


class Draft:
    """The fields of the Request so far, and `extra`: what no rule takes, kept under its own name."""

    __slots__ = ("extra", "fields")

    def __init__(self, dialect: str) -> None:
        self.fields: dict[str, Any] = {"dialect": dialect}
        self.extra: dict[str, Any] = {}


Take = Callable[[Any, Draft], None]
Named = tuple[str, Take]


def drafted(body: dict[str, Any], rules: Mapping[str, Take], dialect: str) -> Draft:
    """Return the draft of a body. A field that is null counts as not sent.

    Raises:
        Mistaken: `field_invalid` or `field_unsupported`, with the place.

    """
    draft = Draft(dialect)
    for name, value in body.items():
        if value is None:
            continue
        take = rules.get(name)
        if take is None:
            draft.extra[name] = value
        else:
            take(value, draft)
    return draft


def as_field(name: str, check: Callable[[Any, str], Any], into: str = "") -> Named:
    """Take a field as it is, once checked, perhaps under another name."""
    target = into or name

    def take(value: object, draft: Draft) -> None:
        draft.fields[target] = check(value, name)

    return name, take


def refused(name: str, sentence: str, *, but: object = None) -> Named:
    """Refuse a field, unless it has the one value that asks for what happens anyway."""

    def take(value: object, _: Draft) -> None:
        if but is None or value != but:
            raise unsupported(name, sentence)

    return name, take
