"""The packs of bodies of spans, read and written one by one."""

import sqlite3
from collections.abc import Sequence

import msgspec

from rowen.store.pack import PackedSpan, Packing, decoded

TOGETHER = 32
"""Bodies in one pack at most: what reading one of them costs."""
LARGE = 65_536
"""Bytes of bodies from which on another begins."""
_HELD = 16_000_000  # bytes held unpacked; those who read many packs read them in order

_PIECE = 330
"""Bytes of a piece: twelve fill a page of 4 KiB. Shorter ones cost more in numbers, longer ones leave more of pages empty."""
_PIECES = 1 << 20
"""Pieces that a pack can have; the number of a piece is that of its pack times this, and which it is."""

_GET = "SELECT piece FROM packs WHERE number >= ? AND number < ? ORDER BY number"
_PUT = "INSERT INTO packs (number, piece) VALUES (?, ?)"
_DROP = "DELETE FROM packs WHERE number >= ? AND number < ?"


def packed_of(connection: sqlite3.Connection, pack: int) -> bytes:
    """Return a pack as `Packing.apart` reads it."""
    return b"".join([piece for (piece,) in connection.execute(_GET, _numbers(pack))])


def _numbers(pack: int) -> tuple[int, int]:
    return pack * _PIECES, (pack + 1) * _PIECES


class Packs:
    """The packs as one reading or one transaction sees them.

    Args:
        connection: to the file.
        packing: of the thread that reads.

    """

    def __init__(self, connection: sqlite3.Connection, packing: Packing) -> None:
        self._connection = connection
        self._packing = packing
        self._held: dict[int, list[msgspec.Raw | None]] = {}
        self._size = 0

    def body(self, pack: int, at: int) -> PackedSpan:
        """Return what a span has beside its row."""
        body = self._unpacked(pack)[at]
        assert body is not None
        return decoded(body)

    def _unpacked(self, pack: int) -> list[msgspec.Raw | None]:
        held = self._held.get(pack)
        if held is None:
            if self._size >= _HELD:
                self._forget()
                self._size = 0
            held = self._held[pack] = self._packing.apart(packed_of(self._connection, pack))
            self._size += sum(len(memoryview(body)) for body in held if body is not None)
        return held

    def _forget(self) -> None:
        self._held.clear()


class _New(msgspec.Struct):
    number: int
    bodies: list[bytes]
    size: int = 0


class WrittenPacks(Packs):
    """The packs that a transaction changes; what it changed is written at its end."""

    def __init__(self, connection: sqlite3.Connection, packing: Packing) -> None:
        super().__init__(connection, packing)
        self._next = 0
        self._new: list[_New] = []
        self._open: dict[int, _New] = {}
        self._changed: set[int] = set()

    def put(self, trace: int, body: bytes) -> tuple[int, int]:
        """Add a body to those of its trace; return the number of the pack and the place in it."""
        pack = self._open.get(trace)
        if pack is None or len(pack.bodies) >= TOGETHER or pack.size >= LARGE:
            pack = self._open[trace] = _New(self._number(), [])
            self._new.append(pack)
        pack.bodies.append(body)
        pack.size += len(body)
        return pack.number, len(pack.bodies) - 1

    def drop(self, pack: int, at: int) -> PackedSpan:
        """Remove a body for good, and return it."""
        found = self.body(pack, at)
        held = self._held[pack]
        held[at] = None
        self._changed.add(pack)
        if not any(held):
            self._write(pack)
        return found

    def write(self) -> None:
        """Write what was changed."""
        for pack in list(self._changed):
            self._write(pack)
        for new in self._new:
            self._put(new.number, new.bodies)
        self._new.clear()
        self._open.clear()

    def _write(self, pack: int) -> None:
        held = self._held.pop(pack)
        self._changed.discard(pack)
        self._connection.execute(_DROP, _numbers(pack))
        if any(held):
            self._put(pack, held)

    def _put(self, pack: int, bodies: Sequence[bytes | msgspec.Raw | None]) -> None:
        packed = self._packing.together(bodies)
        first = pack * _PIECES
        self._connection.executemany(
            _PUT, [(first + at, packed[at * _PIECE : at * _PIECE + _PIECE]) for at in range(-(-len(packed) // _PIECE))]
        )

    def _forget(self) -> None:
        for pack in list(self._changed):
            self._write(pack)
        self._held.clear()

    def _number(self) -> int:
        if not self._next:
            (last,) = self._connection.execute("SELECT coalesce(max(number), 0) FROM packs").fetchone()
            self._next = last // _PIECES
        self._next += 1
        return self._next
