"""Parser: JSON lines. Each record is a section of its own, named by its title, name, question or id."""

import json
from collections.abc import Iterator
from typing import Any

from rowen.retrieve.parse.base import Heading, Limits, Parsed, sections_of
from rowen.retrieve.parse.decode import decoded
from rowen.values import Mistaken

_TITLES = ("title", "name", "question", "subject", "headline", "id", "_id")


def parse(data: bytes, name: str, _: Limits) -> Parsed:
    """Return the records, one after the other.

    Raises:
        Mistaken: `document_broken` naming the first line that is no JSON.

    """
    found = decoded(data)
    headings: list[Heading] = []
    parts: list[str] = []
    at = 0
    for number, line in enumerate(found.text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise Mistaken("document_broken", f"line {number} is no JSON", place=f"{name}:{number}") from error
        title = next((str(record[key]) for key in _TITLES if record.get(key)), "") if isinstance(record, dict) else ""
        text = "\n".join(_said(record)) + "\n\n"
        headings.append(Heading(at, 1, title[:200] or f"record {number}"))
        parts.append(text)
        at += len(text)
    return Parsed(
        text="".join(parts),
        kind="table",
        sections=sections_of(headings, at),
        flags=("recoded",) if found.encoding else (),
    )


def _said(value: Any, name: str = "", depth: int = 0) -> Iterator[str]:
    """Yield a record as lines `path: value`."""
    before = f"{name}: " if name else ""
    if isinstance(value, dict) and depth < 8:
        for key, inner in value.items():
            yield from _said(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list) and all(not isinstance(each, dict | list) for each in value):
        if value:
            yield before + ", ".join(str(each) for each in value)
    elif isinstance(value, list) and depth < 8:
        for inner in value:
            yield from _said(inner, name, depth + 1)
    elif value not in (None, ""):
        yield before + (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
