"""Types that a settings table may use besides the plain ones, and how each is written in TOML."""

import re
from typing import Annotated, Any

import msgspec

from rowen.values import Value

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)\s*")


class TextFile(Value, frozen=True, kw_only=True):
    """A file named by the app, with its text. Written as its path, relative to the `app.toml`."""

    path: str
    text: str


class TextFiles(Value, frozen=True, kw_only=True):
    """Files named by the app by a pattern such as `cases/*.jsonl`, with their texts, sorted by their paths."""

    pattern: str
    files: tuple[TextFile, ...] = ()


Duration = Annotated[float, msgspec.Meta(extra_json_schema={"type": ["number", "string"]})]
"""Seconds. Written as a number, or as `"250ms"`, `"30s"`, `"10m"`, `"1h"`, `"7d"`."""


def duration(value: Any) -> float:
    """Return a duration from how it is written.

    Raises:
        ValueError: it is neither a number nor such a text, or it is negative.

    """
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    if isinstance(value, str) and (found := _DURATION.fullmatch(value)):
        return float(found[1]) * _UNITS[found[2]]
    raise ValueError(f'expected seconds or a text such as "30s", "10m" or "1h", got {value!r}')
