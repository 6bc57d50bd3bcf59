"""Inspect: its logs, as JSON and as `.eval` archives (https://inspect.aisi.org.uk/eval-logs.html), and its samples.

A sample is a case: its target is what is expected, its completion what was answered. Of several epochs the first is the
case; how each scorer judged stands in the metadata. Contents that a log keeps apart (`attachment://`, `tc://`) are put back.
"""

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from rowen.evaluate.files.rows import Row, json_of, mark_of, text_of
from rowen.values import Case, Mistaken

LARGEST = 64 * 1024 * 1024
"""Bytes that a sample may have when it is unpacked."""

_ZSTANDARD = 93  # of the ZIP format's methods
_APART = ("attachment://", "tc://")


def is_inspect(data: Any) -> bool:
    """Whether it is a log of theirs."""
    return isinstance(data, dict) and "samples" in data and isinstance(data.get("eval"), dict) and "version" in data


def read_inspect(path: Path) -> list[Case]:
    """Return the samples of a log as cases.

    Raises:
        Mistaken: `field_invalid` for what is none of their logs, or one without samples; others for a file that cannot
            be read.

    """
    if zipfile.is_zipfile(path):
        samples, about = _unpacked(path)
    else:
        data = json_of(text_of(path), path.name)
        if not is_inspect(data):
            raise Mistaken("field_invalid", "this is no log of Inspect", place=path.name)
        samples, about = list(_numbered(data["samples"] or [], path.name)), data["eval"]
    if not samples:
        raise Mistaken("field_invalid", "the log has no samples", place=path.name)
    found: dict[str, Case] = {}
    for place, sample in samples:
        case = _case(sample, about, place)
        kept = found.setdefault(case.id, case)
        if kept is not case:
            tries = [*kept.metadata.get("epochs", [kept.metadata.get("scores")]), case.metadata.get("scores")]
            found[case.id] = kept.but(metadata={**kept.metadata, "epochs": tries})
    return list(found.values())


def inspect_sample(case: Case) -> Row:
    """Return a case as a line that their `json_dataset` reads."""
    choices = case.metadata.get("choices")
    metadata = {name: value for name, value in case.metadata.items() if name not in {"choices", "scores", "epochs"}}
    target = case.expected
    return {
        "id": case.id,
        "input": case.input if isinstance(case.input, str | list) else json.dumps(case.input, ensure_ascii=False),
        "target": target if isinstance(target, str | list) else "" if target is None else json.dumps(target),
        **({"choices": choices} if choices else {}),
        **({"metadata": metadata} if metadata else {}),
    }


def _case(sample: Row, about: Row, place: str) -> Case:
    if "input" not in sample:
        raise Mistaken("field_invalid", "the sample has no input", place=place)
    apart = {**_table(_table(sample.get("transcript")).get("content")), **_table(sample.get("attachments"))}
    sample = _whole(
        {name: sample.get(name) for name in ("id", "input", "target", "choices", "output", "metadata", "scores")}, apart
    )
    target = sample["target"]
    metadata: Row = {**_table(sample["metadata"])}
    if sample["choices"]:
        metadata["choices"] = sample["choices"]
    if scores := {name: _table(score).get("value") for name, score in _table(sample["scores"]).items()}:
        metadata["scores"] = scores
    for name in ("task", "model"):
        if about.get(name):
            metadata[f"inspect_{name}"] = about[name]
    input = sample["input"]
    if isinstance(input, list):
        input = [_message(each) for each in input if isinstance(each, dict)]
    return Case(
        id=str(sample["id"] if sample["id"] is not None else mark_of(input, target)),
        input=input,
        output=_completion(_table(sample["output"])),
        expected=None if target in ("", []) else target,
        metadata=metadata,
    )


def _message(message: Row) -> Row:
    """Return a message with what was said, without how their log files it."""
    return {
        name: message[name]
        for name in ("role", "content", "tool_calls", "tool_call_id")
        if message.get(name) is not None
    }


def _completion(output: Row) -> Any:
    choices = output.get("choices")
    if not isinstance(choices, list) or not choices:
        return None
    content = _table(_table(choices[0]).get("message")).get("content")
    if isinstance(content, list):
        return "".join(
            str(part.get("text", "")) for part in content if isinstance(part, dict) and part.get("type") == "text"
        )
    return content


def _whole(value: Any, apart: Row) -> Any:
    """Return a value with what was kept apart put back."""
    if isinstance(value, str):
        for mark in _APART:
            if value.startswith(mark):
                return apart.get(value.removeprefix(mark), value)
        return value
    if isinstance(value, list):
        return [_whole(each, apart) for each in value]
    if isinstance(value, dict):
        return {name: _whole(each, apart) for name, each in value.items()}
    return value


def _unpacked(path: Path) -> tuple[list[tuple[str, Row]], Row]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [each for each in archive.namelist() if each.startswith("samples/") and each.endswith(".json")]
            about: Row = {}
            for name in ("header.json", "_journal/start.json"):
                if name in archive.namelist():
                    about = _table(_table(_entry(archive, name, path)).get("eval"))
                    break
            return list(_numbered([_entry(archive, name, path) for name in sorted(names)], path.name)), about
    except (zipfile.BadZipFile, zlib.error, zstandard.ZstdError, EOFError, NotImplementedError, RuntimeError) as error:
        raise Mistaken("field_invalid", f"the archive cannot be unpacked: {error}", place=path.name) from error


def _entry(archive: zipfile.ZipFile, name: str, path: Path) -> Any:
    info = archive.getinfo(name)
    if info.compress_type == _ZSTANDARD:
        found = _unzstd(archive, info)
    else:
        with archive.open(info) as packed:
            found = packed.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise Mistaken("body_too_large", f"{name[:80]} has more than {LARGEST // 1024**2} MiB", place=path.name)
    try:
        return json_of(found.decode("utf-8"), f"{path.name}, {name}")
    except UnicodeDecodeError:
        raise Mistaken("utf8_invalid", f"{name[:80]} is not UTF-8", place=path.name) from None


def _unzstd(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return an entry packed by Zstandard, as they are written now. Python's own module reads these from 3.14 on."""
    file = archive.fp
    assert file is not None
    file.seek(info.header_offset)
    head = file.read(30)  # the local header, whose names may be of other lengths than the directory's
    if len(head) < 30:
        raise zipfile.BadZipFile("an entry lies beyond the end")
    name, extra = struct.unpack("<HH", head[26:30])
    file.seek(name + extra, 1)
    with zstandard.ZstdDecompressor().stream_reader(file.read(info.compress_size)) as packed:
        found = packed.read(LARGEST + 1)
    if len(found) <= LARGEST and zlib.crc32(found) != info.CRC:
        raise zipfile.BadZipFile(f"{info.filename[:80]} is damaged")
    return found


def _numbered(samples: Any, name: str) -> Iterator[tuple[str, Row]]:
    if not isinstance(samples, list):
        raise Mistaken("field_invalid", "there is no list of samples", place=name)
    for number, sample in enumerate(samples, 1):
        place = f"{name}, sample {number}"
        if not isinstance(sample, dict):
            raise Mistaken("field_invalid", "a sample is an object", place=place)
        yield place, sample


def _table(value: Any) -> Row:
    return value if isinstance(value, dict) else {}
