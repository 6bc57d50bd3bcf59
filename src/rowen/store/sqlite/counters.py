"""Counters in `counters.db`: each decision is one transaction that no other process can come between."""

import sqlite3
from collections.abc import Sequence

from rowen.store.sqlite.file import File

SCRIPTS = (
    """
CREATE TABLE sums (counter TEXT PRIMARY KEY, amount INTEGER NOT NULL, expires_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX sums_by_expiry ON sums (expires_ns);
CREATE TABLE shares (
    counter TEXT NOT NULL, owner TEXT NOT NULL, amount INTEGER NOT NULL, until_ns INTEGER NOT NULL,
    PRIMARY KEY (counter, owner)
) WITHOUT ROWID;
""",
)

_SUM = "SELECT amount FROM sums WHERE counter = ?"
_ADD = """
INSERT INTO sums (counter, amount, expires_ns) VALUES (?, ?, ?)
ON CONFLICT (counter) DO UPDATE
SET amount = amount + excluded.amount, expires_ns = max(expires_ns, excluded.expires_ns)
"""
_GIVE_BACK = "UPDATE sums SET amount = max(0, amount - ?) WHERE counter = ?"
_OTHERS = "SELECT coalesce(sum(amount), 0) FROM shares WHERE counter = ? AND owner <> ? AND until_ns > ?"
_HOLD = """
INSERT INTO shares (counter, owner, amount, until_ns) VALUES (?, ?, ?, ?)
ON CONFLICT (counter, owner) DO UPDATE SET amount = excluded.amount, until_ns = excluded.until_ns
"""
_LET_GO = "DELETE FROM shares WHERE counter = ? AND owner = ?"
_PRUNE_SUMS = "DELETE FROM sums WHERE expires_ns <= ?"
_PRUNE_SHARES = "DELETE FROM shares WHERE until_ns <= ?"


class SqliteCounters:
    """Sums of windows, and the shares of live counters."""

    def __init__(self, file: File) -> None:
        self._file = file

    async def take(self, counter: str, amount: int, limit: int, expires_ns: int, *, least: int = 0) -> int:
        """Add up to `amount` within `limit`; return what was added."""
        if amount <= 0:
            return 0

        def work(connection: sqlite3.Connection) -> int:
            room = limit - _sum(connection, counter)
            if room < (least or amount):
                return 0
            got = min(amount, room)
            connection.execute(_ADD, (counter, got, expires_ns))
            return got

        return await self._file.write(work)

    async def give_back(self, counter: str, amount: int) -> None:
        """Subtract; a sum never falls below 0."""
        await self._file.write(lambda connection: connection.execute(_GIVE_BACK, (amount, counter)))

    async def add(self, counter: str, amount: int, expires_ns: int) -> None:
        """Add without a limit."""
        await self._file.write(lambda connection: connection.execute(_ADD, (counter, amount, expires_ns)))

    async def sums(self, counters: Sequence[str]) -> list[int]:
        """Return the sums in the order asked."""
        return await self._file.read(lambda connection: [_sum(connection, counter) for counter in counters])

    async def hold(self, counter: str, owner: str, amount: int, limit: int, until_ns: int, now_ns: int) -> bool:
        """Set the owner's share if the shares of all live owners fit; 0 always fits and ends it."""

        def work(connection: sqlite3.Connection) -> bool:
            if amount <= 0:
                connection.execute(_LET_GO, (counter, owner))
                return True
            (others,) = connection.execute(_OTHERS, (counter, owner, now_ns)).fetchone()
            if others + amount > limit:
                return False
            connection.execute(_HOLD, (counter, owner, amount, until_ns))
            return True

        return await self._file.write(work)

    async def prune(self, now_ns: int) -> None:
        """Forget what is over."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_PRUNE_SUMS, (now_ns,))
            connection.execute(_PRUNE_SHARES, (now_ns,))

        await self._file.write(work)


def _sum(connection: sqlite3.Connection, counter: str) -> int:
    found = connection.execute(_SUM, (counter,)).fetchone()
    return int(found[0]) if found else 0
