"""What goes into and comes out of a function, as bounded JSON without secrets.

Whatever a program hands around is taken: what JSON does not know is told by its fields or its `repr`. The work is bounded
too, not only the text: of a list of a million items the first few are looked at. What was left out is said in its place.
"""

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

MASKED = "[masked]"
DEPTH = 16
NODES = 4096

_encode = msgspec.json.Encoder().encode
_SPOKEN = {"decimal", "uuid", "pathlib", "ipaddress", "fractions"}
"""Modules whose values are best told by `str`."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET = {
    *("password", "passwd", "passphrase", "pwd", "secret", "secrets", "credential", "credentials"),
    *("authorization", "cookie", "bearer", "apikey", "token", "jwt"),
}
_KEYS = {"api", "private", "access", "secret", "signing", "encryption", "auth", "service"}
"""What makes a `key` a secret: `api_key`, but not `sort_key`."""
_COUNTED = {"count", "counts", "limit", "budget", "length", "type", "name", "usage"}
"""What a secret word before it only describes: `token_count`."""


def text_of(value: Any, limit: int) -> tuple[str | bytes, bool]:
    """Return a value as a text of about `limit` characters at most, and whether it is JSON. A text is itself."""
    if type(value) is str:
        return (value if len(value) <= limit else _cut(value, limit)), False
    return json_of(value, limit), True


def json_of(value: Any, limit: int) -> bytes:
    """Return a value as JSON whose texts have about `limit` characters together."""
    return encoded(plain_of(value, limit))


def plain_of(value: Any, limit: int) -> Any:
    """Return a value as plain data whose texts have about `limit` characters together."""
    try:
        return Bound(limit).of(value)
    except Exception as error:  # noqa: BLE001 - whatever a program's own objects raise must not stop the program
        return f"<{type(value).__name__}, which could not be read: {type(error).__name__}>"


def encoded(value: Any) -> bytes:
    """Return plain data as JSON."""
    try:
        return _encode(value)
    except UnicodeEncodeError:  # half a surrogate pair
        return _encode(_whole(value))


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether a name looks like that of a secret: `password`, `access_token`, `X-Api-Key`, but not `max_tokens`."""
    words = [word.lower() for word in _WORD.findall(name)]
    for place, word in enumerate(words):
        after = words[place + 1] if place + 1 < len(words) else ""
        if word in _SECRET and after not in _COUNTED:
            return True
        if word in _KEYS and after in {"key", "keys"}:
            return True
    return False


class Bound:
    """Turns values into plain data until the characters or the items that it may use are used up."""

    __slots__ = ("_left", "_nodes")

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._nodes = NODES

    def of(self, value: Any, depth: int = 0) -> Any:
        """Return what JSON can say of a value."""
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind is bool or value is None:
            return value
        if kind is int:
            return value if -(1 << 63) <= value < 1 << 63 else hex(value)
        if kind is float:
            return value if math.isfinite(value) else str(value)
        if depth >= DEPTH:
            return f"<{kind.__name__}, too deep>"
        if kind is dict:
            return self._dict(value, depth)
        if kind is list or kind is tuple:
            return self._list(value, depth)
        return self._other(value, kind, depth)

    def _other(self, value: Any, kind: type, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(str.__str__(value))
        if isinstance(value, int | float):
            return self.of(int(value) if isinstance(value, int) else float(value), depth)
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{kind.__name__}, {len(value)} bytes>"
        if names := _fields(kind):
            return self._dict({name: getattr(value, name, None) for name in names}, depth)
        if isinstance(value, Mapping):
            return self._dict(value, depth)
        if isinstance(value, Sequence | set | frozenset) and kind.__module__ == "builtins":
            return self._list(value, depth)
        if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
            return self.of(value.item(), depth)
        if hasattr(value, "shape") and hasattr(value, "dtype"):  # an array: its `repr` may wait for a GPU
            return f"<{kind.__name__} {value.dtype} {tuple(value.shape)}>"
        if hasattr(value, "isoformat"):
            return str(value.isoformat())
        return self._text(str(value) if kind.__module__ in _SPOKEN else repr(value))

    def _dict(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in value.items():
            self._nodes -= 1
            if self._left <= 0 or self._nodes < 0:
                found["…"] = f"{len(value) - len(found)} more"
                break
            name = key if type(key) is str else str(key)
            if len(name) > 200:
                name = _cut(name, 200)
            self._left -= len(name)
            found[name] = MASKED if item is not None and is_secret(name) else self.of(item, depth + 1)
        return found

    def _list(self, value: Any, depth: int) -> list[Any]:
        found: list[Any] = []
        for item in value:
            self._nodes -= 1
            if self._left <= 0 or self._nodes < 0:
                found.append(f"… {len(value) - len(found)} more")
                break
            found.append(self.of(item, depth + 1))
        return found

    def _text(self, text: str) -> str:
        left = max(self._left, 0)
        self._left -= len(text)
        return text if len(text) <= left else _cut(text, left)


def _cut(text: str, limit: int) -> str:
    return f"{text[:limit]}… ({len(text) - limit} more characters)"


@lru_cache(maxsize=1024)
def _fields(kind: type) -> tuple[str, ...]:
    """Return the names of the fields of a class that declares them: dataclasses, msgspec, pydantic, attrs, named tuples."""
    for name in ("__dataclass_fields__", "__struct_fields__", "model_fields", "_fields"):
        found = getattr(kind, name, None)
        if isinstance(found, Mapping | tuple):
            return tuple(str(each) for each in found)
    return tuple(each.name for each in getattr(kind, "__attrs_attrs__", ()))


def _whole(value: Any) -> Any:
    match value:
        case str():
            return value.encode(errors="replace").decode()
        case dict():
            return {_whole(key): _whole(item) for key, item in value.items()}
        case list():
            return [_whole(item) for item in value]
        case _:
            return value
