"""Reads cases from a file, of whatever shape it is."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from rowen.evaluate.files.inspect import is_inspect, read_inspect
from rowen.evaluate.files.openai import flattened
from rowen.evaluate.files.promptfoo import is_promptfoo, read_promptfoo
from rowen.evaluate.files.rows import NAMES, cases_of, json_of, lines_of, parquet_of, table_of, text_of
from rowen.values import Case, Mistaken

Read = Literal["auto", "csv", "jsonl", "json", "parquet", "promptfoo", "openai", "inspect"]
READS: tuple[Read, ...] = ("auto", "csv", "jsonl", "json", "parquet", "promptfoo", "openai", "inspect")

_ENDS: dict[str, Read] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".yaml": "promptfoo",
    ".yml": "promptfoo",
    ".eval": "inspect",
}


def read(path: Path, shape: Read = "auto", *, names: Mapping[str, str] | None = None) -> list[Case]:
    """Return the cases of a file, each with an id that is the same when it is read again.

    Args:
        path: the file.
        shape: what it is; `auto` tells by its ending and by what stands in it.
        names: the columns that fields are read from, such as `{"expected": "answer"}`, for rows.

    Raises:
        Mistaken: with the line at fault as its place. Nothing of a file with a fault is kept.

    """
    for field in names or {}:
        if field not in NAMES:
            raise Mistaken("field_unknown", f"a case has no field {field!r}; it has {', '.join(NAMES)}", place=field)
    found = _ENDS.get(path.suffix.lower(), "json") if shape == "auto" else shape
    if shape == "auto":
        found = _looked_at(path, found)
    return _READERS[found](path, names or {})


def _looked_at(path: Path, found: Read) -> Read:
    """Return the shape of a file that by its ending might be of several."""
    if found == "csv":
        head = text_of(path).split("\n", 1)[0]
        return "promptfoo" if "__expected" in head else "csv"
    if found == "jsonl":
        first = next((line for line in text_of(path).split("\n") if line.strip()), "{}")
        try:
            return "promptfoo" if is_promptfoo([json.loads(first)]) else "jsonl"
        except (ValueError, RecursionError):
            return "jsonl"  # whose reader says what is wrong with it
    if found == "json":
        data = json_of(text_of(path), path.name)
        return "inspect" if is_inspect(data) else "promptfoo" if is_promptfoo(data) else "json"
    return found


def _csv(path: Path, names: Mapping[str, str]) -> list[Case]:
    return cases_of(table_of(text_of(path), path.name), names)


def _jsonl(path: Path, names: Mapping[str, str]) -> list[Case]:
    return cases_of(((place, flattened(row)) for place, row in lines_of(text_of(path), path.name)), names)


def _json(path: Path, names: Mapping[str, str]) -> list[Case]:
    data = json_of(text_of(path), path.name)
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise Mistaken(
            "field_invalid", "the file holds no list of objects, and no shape that is known", place=path.name
        )
    return cases_of(((f"{path.name}, row {number}", flattened(row)) for number, row in enumerate(data, 1)), names)


def _parquet(path: Path, names: Mapping[str, str]) -> list[Case]:
    return cases_of(parquet_of(path), names)


_READERS: dict[Read, Callable[[Path, Mapping[str, str]], list[Case]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "openai": _jsonl,
    "json": _json,
    "parquet": _parquet,
    "promptfoo": lambda path, _: read_promptfoo(path),
    "inspect": lambda path, _: read_inspect(path),
}
