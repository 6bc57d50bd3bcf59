"""Front matter: what a text says of itself above its first line, between `---` (YAML's plain part) or `+++` (TOML)."""

import json
import re
import tomllib
from typing import Any, NamedTuple

from rowen.values import Fact

_FRONT = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.*?)^\1[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_KEY = re.compile(r"[A-Za-z0-9_][\w .-]*")
_WORDS: dict[str, bool] = {"true": True, "false": False, "yes": True, "no": False}


class Front(NamedTuple):
    """What was said, and where the text proper begins."""

    facts: dict[str, Fact]
    begins: int


def front_of(text: str) -> Front:
    """Return a text's front matter; what cannot be understood is left out, and no text is lost by it."""
    found = _FRONT.match(text)
    if found is None:
        return Front({}, 0)
    said = _toml(found[2]) if found[1] == "+++" else _yaml(found[2])
    if said is None:
        return Front({}, 0)
    return Front({key: fact for key, value in said.items() if (fact := fact_of(value)) is not None}, found.end())


def fact_of(value: Any) -> Fact | None:
    """Return a value as metadata can hold it; None for what it cannot."""
    match value:
        case bool() | int() | float() | str():
            return value
        case list() | tuple():
            return tuple(str(each) for each in value if not isinstance(each, dict | list))
        case None | dict():
            return None
        case _:
            return str(value)


def _toml(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _yaml(text: str) -> dict[str, Any] | None:
    """Return YAML's plain part: keys with words, numbers and lists. What is nested deeper is passed over."""
    said: dict[str, Any] = {}
    key = ""
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        if bare.startswith("- ") and key:
            if said.get(key) == "":
                said[key] = []
            if isinstance(said.get(key), list):
                said[key].append(_scalar(bare[2:]))
        elif line[0].isspace():
            continue
        elif (found := _pair(line)) is not None:
            key, rest = found
            said[key] = _value(rest)
        else:
            return None
    return said


def _pair(line: str) -> tuple[str, str] | None:
    """Return a key and what stands behind its colon. No one pattern for both: it would take the square of a long line."""
    key, colon, rest = line.partition(":")
    key = key.rstrip()
    return (key, rest) if colon and _KEY.fullmatch(key) and (not rest or rest[0].isspace()) else None


def _value(text: str) -> Any:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        try:
            return list(json.loads(text))
        except json.JSONDecodeError:
            return [_scalar(part) for part in text[1:-1].split(",") if part.strip()]
    return _scalar(text)


def _scalar(text: str) -> Any:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    text = text.split(" #")[0].strip()
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text) if re.fullmatch(r"[+-]?\d[\d.eE+-]*", text) and not re.match(r"0\d", text) else text
        except ValueError:
            continue
    return text
