"""Writes an app's data as TOML that reads back equal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec


def toml_text(source: Mapping[str, Any]) -> str:
    """Return an app's data as TOML: tables and lists of tables at the top and one below it, everything deeper inline."""
    lines = [f"{key_of(name)} = {value_of(each)}" for name, each in source.items() if not _is_table(each)]
    for name, each in source.items():
        if isinstance(each, Mapping):
            lines += _table(key_of(name), each)
        elif _is_table(each):
            for one in each:
                lines += [
                    "",
                    f"[[{key_of(name)}]]",
                    *(f"{key_of(inner)} = {value_of(said)}" for inner, said in one.items()),
                ]
    return "\n".join(lines).lstrip("\n") + "\n"


def key_of(name: str) -> str:
    """Return a key as TOML writes it."""
    plain = name and all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in name)
    return name if plain else value_of(name)


def value_of(given: Any) -> str:
    """Return a value as TOML writes it, tables inline."""
    match given:
        case bool():
            return str(given).lower()
        case int() | float():
            return repr(given)
        case str():
            # JSON's escapes are TOML's too, but for the one character that JSON leaves as it is.
            return msgspec.json.encode(given).decode().replace("\x7f", "\\u007f")
        case Mapping():
            inner = ", ".join(f"{key_of(name)} = {value_of(each)}" for name, each in given.items())
            return f"{{ {inner} }}" if inner else "{}"
        case _:
            return "[" + ", ".join(value_of(each) for each in given) + "]"


def _table(path: str, fields: Mapping[str, Any]) -> Iterator[str]:
    own = {name: each for name, each in fields.items() if not isinstance(each, Mapping)}
    tables = {name: each for name, each in fields.items() if isinstance(each, Mapping)}
    if own or not tables:
        yield from ("", f"[{path}]", *(f"{key_of(name)} = {value_of(each)}" for name, each in own.items()))
    for name, each in tables.items():
        yield from (
            "",
            f"[{path}.{key_of(name)}]",
            *(f"{key_of(inner)} = {value_of(said)}" for inner, said in each.items()),
        )


def _is_table(given: Any) -> bool:
    if isinstance(given, Mapping):
        return True
    return (
        isinstance(given, Sequence)
        and not isinstance(given, str)
        and bool(given)
        and all(isinstance(one, Mapping) for one in given)
    )
