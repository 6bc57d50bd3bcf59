"""Cached answers in `cache.db`."""

import sqlite3

import msgspec

from rowen.store.base import Cached
from rowen.store.sqlite.file import File

SCRIPTS = (
    """
CREATE TABLE entries (
    key TEXT PRIMARY KEY, body BLOB NOT NULL, stored_ns INTEGER NOT NULL, expires_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX entries_by_expiry ON entries (expires_ns);
CREATE INDEX entries_by_age ON entries (stored_ns, key);
""",
)

_GET = "SELECT body FROM entries WHERE key = ? AND expires_ns > ?"
_PUT = "INSERT OR REPLACE INTO entries (key, body, stored_ns, expires_ns) VALUES (?, ?, ?, ?)"
_PRUNE_EXPIRED = "DELETE FROM entries WHERE expires_ns <= ?"
_COUNT = "SELECT count(*) FROM entries"
_PRUNE_OLDEST = """
DELETE FROM entries WHERE key IN (SELECT key FROM entries ORDER BY stored_ns, key LIMIT ?)
"""
_CLEAR = "DELETE FROM entries WHERE substr(key, 1, length(?1)) = ?1"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Cached).decode


class SqliteCache:
    """Answers by key."""

    def __init__(self, file: File) -> None:
        self._file = file

    async def get(self, key: str, now_ns: int) -> Cached | None:
        """Return what is kept and not expired."""

        def work(connection: sqlite3.Connection) -> Cached | None:
            found = connection.execute(_GET, (key, now_ns)).fetchone()
            return _decode(found[0]) if found else None

        return await self._file.read(work)

    async def put(self, key: str, cached: Cached) -> None:
        """Keep an answer."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_PUT, (key, _encode(cached), cached.stored_ns, cached.expires_ns))

        await self._file.write(work)

    async def prune(self, now_ns: int, keep: int) -> None:
        """Remove expired entries, and the oldest above `keep`."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_PRUNE_EXPIRED, (now_ns,))
            (number,) = connection.execute(_COUNT).fetchone()
            if number > keep:
                connection.execute(_PRUNE_OLDEST, (number - keep,))

        await self._file.write(work)

    async def clear(self, prefix: str = "") -> int:
        """Remove entries by the beginning of their key; return how many."""
        return await self._file.write(lambda connection: connection.execute(_CLEAR, (prefix,)).rowcount)
