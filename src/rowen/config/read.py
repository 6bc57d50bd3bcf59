"""Reads an `app.toml`, or a Definition that was kept of one: → typed settings under a hash. Knows no stage by name."""

import hashlib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rowen.config.check import MISSING, Checker, Mistake
from rowen.config.places import Places
from rowen.values import Broken, Definition, Mistaken


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table an app may have: its settings type, and what stands there when the file has none."""

    kind: Any
    default: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """An app as read: the Definition (data) and its settings by table name (typed)."""

    definition: Definition
    tables: Mapping[str, Any]
    path: Path
    watched: tuple[Path, ...]
    """Every file whose change makes a new Definition; none of one that was kept."""
    places: Places

    def place(self, *keys: str | int) -> str:
        """Return where a key stands, as `app.toml:14`."""
        return _place(self.path, self.places.line(keys))


def read(
    path: Path,
    schema: Mapping[str, Table],
    *,
    environment: Callable[[str], str | None] = os.environ.get,
    secrets: bool = True,
) -> Loaded:
    """Read and check an app.

    Raises:
        Mistaken: `config_*`, with the place of the first mistake; `details["mistakes"]` has all of them.

    """
    source, text = toml(path)
    places = Places(text)
    checker = Checker(path.parent, environment, secrets=secrets)
    tables = _tables(source, schema, checker, path, places)
    about = source.get("app", {})
    definition = Definition(
        app=about.get("name", path.parent.resolve().name),
        hash=hash_of(source, checker.files),
        source=source,
        files=checker.files,
        about=about.get("about", ""),
        owner=about.get("owner", ""),
    )
    watched = (path, *(path.parent / name for name in checker.files))
    return Loaded(definition=definition, tables=tables, path=path, watched=watched, places=places)


def kept(
    definition: Definition,
    schema: Mapping[str, Table],
    path: Path,
    *,
    environment: Callable[[str], str | None] = os.environ.get,
    secrets: bool = True,
) -> Loaded:
    """Return an app as a Definition that was kept says, checked as its file was.

    The texts of its files are those that it keeps. Secrets, sources of documents and other folders are those of now.

    Args:
        definition: as the store has it.
        schema: the tables that an app may have.
        path: the `app.toml` that the app is served from; what the Definition names is beside it. It is not read.
        environment: where secrets are.
        secrets: whether they are read.

    Raises:
        Mistaken: `config_*`, where this version of Rowen or this machine cannot run what was kept.
        Broken: `store_corrupt` when the Definition is not what its hash says.

    """
    if hash_of(definition.source, definition.files) != definition.hash:
        raise Broken(
            "store_corrupt", f"the Definition {definition.hash[:12]} is not as it was kept", place=definition.app
        )
    places = Places("")
    checker = Checker(path.parent, environment, secrets=secrets, texts=definition.files)
    tables = _tables(definition.source, schema, checker, path, places)
    return Loaded(definition=definition, tables=tables, path=path, watched=(), places=places)


def _tables(
    source: Mapping[str, Any], schema: Mapping[str, Table], checker: Checker, path: Path, places: Places
) -> dict[str, Any]:
    whole = msgspec.defstruct(
        "App", [(name, table.kind, table.default) for name, table in schema.items()], frozen=True, kw_only=True
    )
    made = checker.convert(source, whole, ())
    if checker.mistakes or made is MISSING:
        raise mistaken(path, places, checker.mistakes)
    return {name: getattr(made, name) for name in schema}


def toml(path: Path) -> tuple[dict[str, Any], str]:
    """Return a TOML file's data and its text.

    Raises:
        Mistaken: `config_missing` or `config_syntax`.

    """
    try:
        text = path.read_bytes().decode("utf-8")
        return tomllib.loads(text), text
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            hint = "Correct the path, or go to the folder of the app; `rowen init FOLDER` writes a new one."
            raise Mistaken("config_missing", "there is no such file here", place=str(path), fix=hint) from error
        raise Mistaken("config_missing", f"cannot read {path.name}: {error.strerror}", place=str(path)) from error
    except UnicodeDecodeError as error:
        raise Mistaken("config_syntax", "the file is not UTF-8", place=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        reason, _, at = str(error).partition(" (at ")
        line = at.removeprefix("line ").split(",")[0] if at.startswith("line") else str(len(text.splitlines()))
        raise Mistaken("config_syntax", reason[0].lower() + reason[1:], place=f"{path.name}:{line}") from error


def hash_of(source: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """Return the SHA-256 over an app's data and files, whatever the order of its keys."""
    plain = msgspec.to_builtins([source, files], builtin_types=(), order="sorted", str_keys=True)
    return hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()


def mistaken(path: Path, places: Places, mistakes: list[Mistake]) -> Mistaken:
    """Return the error for what is wrong in a file, first mistake first."""
    placed = [(places.line(each.path), each) for each in mistakes]
    placed.sort(key=lambda pair: pair[0] or 0)
    said = [{"code": each.code, "place": _place(path, line), "message": each.sentence} for line, each in placed]
    line, first = placed[0]
    return Mistaken(first.code, first.sentence, place=_place(path, line), details={"mistakes": said})


def _place(path: Path, line: int | None) -> str:
    return f"{path.name}:{line}" if line else path.name
