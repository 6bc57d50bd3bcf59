"""What the OTLP doors are handed, and how much they hold at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from rowen.access import Entry
from rowen.api.base import DoorSettings
from rowen.api.metrics import Metrics
from rowen.trace.intake.take import Intake
from rowen.values import Clock, Scope, Unavailable

SHAPE = "otlp"
"""The endpoint's name, in metrics and among the `endpoints` of a key."""


class Admit(Protocol):
    """Whose key it is, as `Directory.admit` says."""

    async def __call__(self, digest: str, address: str, *scopes: Scope, endpoint: str = "") -> Entry:
        """Return the entry of a key that has one of some scopes.

        Raises:
            Refused: the key may not.

        """
        ...


class Room:
    """Bytes of bodies that may be in work at once. Beyond them senders are told to come again.

    A body is decoded into about five times its size, so the room bounds the memory that spans can take.

    Args:
        size: bytes at most; one body larger than all of it is let in when nothing else is there.
        senders: requests at once at most.

    """

    def __init__(self, size: int = 32_000_000, senders: int = 64) -> None:
        self._size = size
        self._senders = senders
        self.taken = 0
        self.inside = 0
        self.turned_away = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator["Place"]:
        """Hold room for a body until the block ends. It grows as the body comes: who is slow holds little.

        Raises:
            Unavailable: `spans_overloaded` with the seconds to wait.

        """
        if self.inside >= self._senders:
            raise self._full()
        held = Place(self)
        self.inside += 1
        try:
            yield held
        finally:
            self.inside -= 1
            self.taken -= held.size

    def grow(self, size: int) -> None:
        """Take more room."""
        if self.taken + size > self._size and self.taken:
            raise self._full()
        self.taken += size

    def _full(self) -> Unavailable:
        self.turned_away += 1
        return Unavailable("spans_overloaded", retry_after=1 + self.inside / 16)


class Place:
    """The room that one body holds."""

    __slots__ = ("_room", "size")

    def __init__(self, room: Room) -> None:
        self._room = room
        self.size = 0

    def grow(self, to: int) -> None:
        """Hold at least so many bytes.

        Raises:
            Unavailable: `spans_overloaded`.

        """
        more = to - self.size
        if more > 0:
            self._room.grow(more)
            self.size = to


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    """What the doors are handed."""

    admit: Admit
    intake: Intake
    room: Room
    clock: Clock
    metrics: Metrics
    settings: DoorSettings
