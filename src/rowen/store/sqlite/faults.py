"""What SQLite says went wrong, as a Problem that somebody can act on."""

import sqlite3
from pathlib import Path

from rowen.values import Broken, Problem, Unavailable

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "another process holds it locked",
    sqlite3.SQLITE_LOCKED: "another connection holds it locked",
    sqlite3.SQLITE_READONLY: "it cannot be written",
    sqlite3.SQLITE_PERM: "access was denied",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written",
}


def problem_of(error: sqlite3.Error, path: Path) -> Problem:
    """Return the problem that an error of a database file is. Its sentence names the file and holds no record."""
    # The low byte is the primary code: https://www.sqlite.org/rescode.html
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _DAMAGED:
        return Broken("store_corrupt", f"the database file {path.name} is damaged", place=path.name, who="store")
    if code in _REASONS:
        return Unavailable("store_unavailable", f"{path.name}: {_REASONS[code]}", place=path.name, who="store")
    return Broken("broken", f"{path.name}: {type(error).__name__}", place=path.name, who="store")


def folder_problem(error: OSError, path: Path) -> Unavailable:
    """Return the problem that a place is when it cannot be used for files."""
    reason = error.strerror or type(error).__name__
    return Unavailable("store_unavailable", f"{path} cannot be used for the store: {reason}", who="store")
