"""Rows of any table or JSON as cases: which names mean what, and what is kept of the rest."""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from rowen.store.archive.engine import duckdb
from rowen.values import Case, CaseSource, Mistaken
from rowen.values.commas import lines_in

Row = dict[str, Any]

_SOURCES: tuple[CaseSource, ...] = ("trace", "review", "file", "generator")
"""What `source` says in lines that we wrote. Any other word there is metadata."""

NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "case_id", "sample_id"),
    "input": ("input", "question", "prompt", "query", "messages", "user_input"),
    "expected": ("expected", "expected_output", "reference", "ground_truth", "ideal", "target"),
    "output": ("output", "answer", "response", "completion"),
    "user": ("user", "user_id"),
    "session": ("session", "session_id"),
    "document": ("document", "document_id", "source_document"),
    "trace": ("trace", "trace_id"),
    "metadata": ("metadata",),
}
"""The columns that each field is read from, the first that is there. `answer` is what was answered, not what should be."""


def case_of(row: Mapping[str, Any], place: str, names: Mapping[str, str]) -> Case:
    """Return a row as a case. What has no field of its own goes into its metadata.

    Args:
        row: the row by its columns.
        place: where it stands, for what is wrong with it.
        names: the columns that fields are read from, where they are not those of `NAMES`.

    Raises:
        Mistaken: `field_invalid` for a row without an input.

    """
    taken: dict[str, str] = {**names}
    for field, usual in NAMES.items():
        if field not in taken and (
            found := next((name for name in usual if name in row and name not in taken.values()), "")
        ):
            taken[field] = found
    said = {field: row.get(column) for field, column in taken.items()}
    if said.get("input") in (None, "", []):
        columns = ", ".join(map(str, row)) or "nothing"
        raise Mistaken("field_invalid", f"the row says nothing that is asked; it has {columns}", place=place)
    source: CaseSource = ""
    if (claimed := row.get("source")) in _SOURCES:
        source = claimed
    rest = {str(name): value for name, value in row.items() if name not in taken.values() and value not in (None, "")}
    if source:
        del rest["source"]
    metadata = said.get("metadata")
    if isinstance(metadata, Mapping):
        rest = {**metadata, **rest}
    elif metadata not in (None, ""):
        rest["metadata"] = metadata
    expected = said.get("expected")
    return Case(
        id=str(said.get("id") or "") or mark_of(said["input"], expected),
        input=said["input"],
        output=said.get("output"),
        expected=None if expected == "" else expected,
        metadata=rest,
        trace=str(said.get("trace") or ""),
        source=source,
        user=str(said.get("user") or ""),
        session=str(said.get("session") or ""),
        document=str(said.get("document") or ""),
    )


def mark_of(*said: object) -> str:
    """Return an id made of what a case says, so that the same row read twice is one case."""
    return hashlib.sha256(msgspec.json.encode(msgspec.to_builtins(said), order="sorted")).hexdigest()[:16]


def text_of(path: Path) -> str:
    """Return a file's text.

    Raises:
        Mistaken: `config_missing` or `utf8_invalid`.

    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Mistaken("config_missing", f"cannot read {path}: {error.strerror}", place=str(path)) from error
    except UnicodeDecodeError as error:
        raise Mistaken("utf8_invalid", f"{path.name} is not UTF-8: byte {error.start}", place=path.name) from error


def json_of(text: str, place: str) -> Any:
    """Return JSON. Numbers that are none, such as NaN, are read as they are written by others: as nothing.

    Raises:
        Mistaken: `json_malformed` or `json_too_deep`.

    """
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except RecursionError:
        raise Mistaken("json_too_deep", place=place) from None
    except ValueError as error:
        raise Mistaken("json_malformed", f"no JSON: {error}", place=place) from error


def lines_of(text: str, name: str) -> Iterator[tuple[str, Row]]:
    """Give the objects of JSON lines with where they stand.

    Raises:
        Mistaken: `json_malformed`, or `field_invalid` for a line that is no object.

    """
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            place = f"{name}:{number}"
            found = json_of(line, place)
            if not isinstance(found, dict):
                raise Mistaken("field_invalid", "a line holds one JSON object", place=place)
            yield place, found


def table_of(text: str, name: str) -> Iterator[tuple[str, Row]]:
    """Give the rows of CSV with where they stand. The first row names the columns.

    Raises:
        Mistaken: `field_invalid` for a row with more fields than columns, or a column without or with a double name.

    """
    reader = csv.reader(lines_in(text), strict=True)
    try:
        columns = next(reader, [])
        if not all(columns) or len({*columns}) != len(columns):
            raise Mistaken("field_invalid", "every column needs a name of its own", place=f"{name}:1")
        for row in reader:
            if not row:
                continue
            place = f"{name}:{reader.line_num}"
            if len(row) > len(columns):
                raise Mistaken("field_invalid", f"{len(row)} fields stand under {len(columns)} columns", place=place)
            yield place, dict(zip(columns, row, strict=False))
    except csv.Error as error:
        raise Mistaken("field_invalid", f"no CSV: {error}", place=f"{name}:{reader.line_num}") from error


def parquet_of(path: Path) -> Iterator[tuple[str, Row]]:
    """Give the rows of a Parquet file with where they stand.

    Raises:
        Mistaken: `extra_missing` without DuckDB, `config_missing` or `field_invalid` for what is no such file.

    """
    library = duckdb()
    if not path.is_file():
        raise Mistaken("config_missing", f"cannot read {path}", place=str(path))
    with library.connect(":memory:") as connection:
        try:
            found = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
        except library.Error as error:
            said = str(error).split("\n", 1)[0]
            raise Mistaken("field_invalid", f"no Parquet: {said}", place=path.name) from error
        columns = [each[0] for each in found.description]
        number = 0
        while rows := found.fetchmany(1000):
            for row in rows:
                number += 1
                yield f"{path.name}:{number}", {name: _plain(value) for name, value in zip(columns, row, strict=True)}


def cases_of(rows: Iterable[tuple[str, Row]], names: Mapping[str, str]) -> list[Case]:
    """Return rows as cases.

    Raises:
        Mistaken: as for `case_of`, and for an id that stands there twice.

    """
    found: dict[str, Case] = {}
    for place, row in rows:
        case = case_of(row, place, names)
        if case.id in found and found[case.id] != case:
            raise Mistaken("field_invalid", f"the id {case.id[:60]!r} stands there twice", place=place)
        found[case.id] = case
    return list(found.values())


def _plain(value: Any) -> Any:
    """Return a value of a table as JSON has it."""
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        return value
    return msgspec.to_builtins(value, enc_hook=str) if value is not None else None
