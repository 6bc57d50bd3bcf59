"""The kinds of source, by name. Looked up lazily: an optional dependency is imported only by the kind that needs it."""

import os
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType

from rowen.config.check import MISSING, Checker
from rowen.retrieve.base import RetrieveSettings, SourceTable
from rowen.retrieve.load.base import Ports, Source
from rowen.values import Mistaken

GROUP = "rowen.retrieve.load"  # the entry point group of other people's sources

CATALOG: dict[str, str] = {
    "files": "rowen.retrieve.load.files",
    "s3": "rowen.retrieve.load.s3",
    "sitemap": "rowen.retrieve.load.sitemap",
    "sql": "rowen.retrieve.load.sql",
}
"""Each names a module with `Options` and `make(at, options, ports)`."""


def kinds() -> tuple[str, ...]:
    """Return the names of all kinds that are installed, other people's included."""
    return tuple(sorted({*CATALOG, *(entry.name for entry in entry_points(group=GROUP))}))


def tables_of(settings: RetrieveSettings) -> dict[str, SourceTable]:
    """Return the sources of a `[retrieve.NAME]` by name: what they are at, with their kind where that is not files.

    Raises:
        Mistaken: `config_invalid` when two of them are the same.

    """
    match settings.source:
        case str(glob):
            tables: tuple[SourceTable, ...] = (SourceTable(at=glob),) if glob else ()
        case SourceTable() as one:
            tables = (one,)
        case many:
            tables = many
    named: dict[str, SourceTable] = {}
    for table in tables:
        name = table.at if table.kind == "files" else f"{table.kind}:{table.at}"
        if name in named:
            raise Mistaken("config_invalid", f"two sources are at {table.at!r}", place="source")
        named[name] = table
    return named


def source_of(table: SourceTable, ports: Ports, *, environment: Callable[[str], str | None] = os.environ.get) -> Source:
    """Return the source that a table asks for.

    Raises:
        Mistaken: `config_…` or `extra_missing`, with the key as its place.

    """
    module = _module(table.kind)
    checker = Checker(ports.folder, environment)
    options = checker.convert(table.options, module.Options, ("source", "options"))
    if checker.mistakes or options is MISSING:
        first = checker.mistakes[0]
        raise Mistaken(first.code, first.sentence, place=".".join(map(str, first.path)))
    made: Source = module.make(table.at, options, ports)
    return made


def _module(kind: str) -> ModuleType:
    path = CATALOG.get(kind) or next((entry.value for entry in entry_points(group=GROUP) if entry.name == kind), "")
    if not path:
        near = get_close_matches(kind, kinds(), n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(kinds())}"
        raise Mistaken("config_invalid", f'there is no source "{kind}" — {hint}', place="source.kind")
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        message = f'the source "{kind}" needs the package `{error.name}`'
        raise Mistaken("extra_missing", message, place="source.kind") from error
