"""Cached answers."""

import msgspec

from rowen.store.base import Cached
from rowen.store.postgres.database import PostgresDatabase, Raw

SCRIPT = (
    """
CREATE TABLE entries (
    key text COLLATE "C" PRIMARY KEY, body bytea NOT NULL, stored_ns bigint NOT NULL, expires_ns bigint NOT NULL
)
""",
    "CREATE INDEX entries_by_expiry ON entries (expires_ns)",
    "CREATE INDEX entries_by_age ON entries (stored_ns, key)",
)

_GET = "SELECT body FROM entries WHERE key = %s AND expires_ns > %s"
_PUT = """
INSERT INTO entries VALUES (%s, %s, %s, %s) ON CONFLICT (key) DO UPDATE
SET body = excluded.body, stored_ns = excluded.stored_ns, expires_ns = excluded.expires_ns
"""
_PRUNE_EXPIRED = "DELETE FROM entries WHERE expires_ns <= %s"
_PRUNE_OLDEST = """
DELETE FROM entries WHERE key IN (SELECT key FROM entries ORDER BY stored_ns DESC, key DESC OFFSET %s)
"""
_CLEAR = "DELETE FROM entries WHERE starts_with(key, %s)"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Cached).decode


class PostgresCache:
    """Answers by key."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def get(self, key: str, now_ns: int) -> Cached | None:
        """Return what is kept and not expired."""
        found = await self._database.change(lambda raw: raw.execute(_GET, (key, now_ns)).fetchone())
        return _decode(found[0]) if found else None

    async def put(self, key: str, cached: Cached) -> None:
        """Keep an answer."""
        values = (key, _encode(cached), cached.stored_ns, cached.expires_ns)
        await self._database.change(lambda raw: raw.execute(_PUT, values))

    async def prune(self, now_ns: int, keep: int) -> None:
        """Remove expired entries, and the oldest above `keep`."""

        def work(raw: Raw) -> None:
            raw.execute(_PRUNE_EXPIRED, (now_ns,))
            raw.execute(_PRUNE_OLDEST, (keep,))

        await self._database.change(work)

    async def clear(self, prefix: str = "") -> int:
        """Remove entries by the beginning of their key; return how many."""
        return await self._database.change(lambda raw: raw.execute(_CLEAR, (prefix,)).rowcount)
