"""DuckDB, which writes and reads Parquet here: connections that do no more than they are opened for."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, Self, cast

from rowen.values import Mistaken


class Rows(Protocol):
    """What a statement gave."""

    @property
    def description(self) -> list[tuple[Any, ...]] | None: ...
    def fetchone(self) -> tuple[Any, ...] | None: ...
    def fetchmany(self, size: int) -> list[tuple[Any, ...]]: ...
    def fetchall(self) -> list[tuple[Any, ...]]: ...


class Connection(Protocol):
    """A database in memory of its own."""

    def execute(self, query: str, parameters: Sequence[Any] = ..., /) -> Rows: ...
    def interrupt(self) -> None: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *raised: object) -> None: ...


_OPTIONS: dict[str, Any] = {
    "python_enable_replacements": False,  # a name in a query is a table, never a variable of the program
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}

_DAMAGE = {
    "IOException",
    "InvalidInputException",
    "InternalException",
    "SerializationException",
    "FatalException",
    "Error",
}


def duckdb() -> Any:
    """Return the library.

    Raises:
        Mistaken: `extra_missing`.

    """
    try:
        return import_module("duckdb")
    except ModuleNotFoundError as error:
        raise Mistaken("extra_missing", "the archive needs `pip install rowen[archive]`", place="archive") from error


def failure() -> type[Exception]:
    """Return what DuckDB raises."""
    return cast("type[Exception]", duckdb().Error)


def may_be_damage(error: Exception) -> bool:
    """Whether a failure may come from a damaged file, rather than from what was asked."""
    return type(error).__name__ in _DAMAGE


def writing(scratch: Path, *, memory: str = "256MB") -> Connection:
    """Return a connection that writes files, in one thread and bounded memory; what does not fit goes to `scratch`."""
    options = {**_OPTIONS, "memory_limit": memory, "threads": 1, "temp_directory": str(scratch)}
    return cast("Connection", duckdb().connect(":memory:", config=options))


def reading(views: dict[str, tuple[Sequence[str], str]], *, memory: str = "1GB", threads: int = 2) -> Connection:
    """Return a connection on which nothing else can be read than the files of its views, and nothing written.

    Args:
        views: by name, the files of each, and the query that makes it of them.
        memory: what a query may use; it does not spill to the disk.
        threads: how many work on a query.

    """
    options = {**_OPTIONS, "memory_limit": memory, "threads": threads, "temp_directory": ""}
    connection = cast("Connection", duckdb().connect(":memory:", config=options))
    for name, (_, query) in views.items():
        connection.execute(f"CREATE VIEW {name} AS {query}")
    files = [file for each, _ in views.values() for file in each]
    connection.execute(f"SET allowed_paths = {listed(files)}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def is_reading(query: str) -> bool:
    """Whether a text is one query that only reads; raises `failure()` for what is not SQL."""
    library = duckdb()
    statements = library.extract_statements(query)
    return len(statements) == 1 and statements[0].type == library.StatementType.SELECT


def text(value: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def listed(values: Sequence[str]) -> str:
    """Return texts as a list in SQL."""
    return "[" + ", ".join(map(text, values)) + "]"
