"""Time and randomness, handed in. Nobody reads the system's clock in the middle of a step."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """What time it is, on the wall and on a stopwatch."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970 UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...


class SystemClock:
    """The machine's clock."""

    now_ns = staticmethod(time.time_ns)
    monotonic = staticmethod(time.monotonic)


def at(ns: int) -> datetime:
    """Return nanoseconds since 1970 as an aware UTC time."""
    return datetime.fromtimestamp(ns / 1e9, UTC)


def ns_of(moment: datetime) -> int:
    """Return an aware time as nanoseconds since 1970."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def now(clock: Clock) -> datetime:
    """Return the clock's time as an aware UTC time."""
    return at(clock.now_ns())


class Entropy:
    """Bytes from the system's generator, fetched many at a time: a call of the system costs more than all else here.

    A forked child throws away what its parent had fetched.
    """

    def __init__(self, ahead: int = 4096) -> None:
        self._ahead = ahead
        self._bytes = b""
        self._at = 0
        os.register_at_fork(after_in_child=self._forget)

    def __call__(self, size: int) -> bytes:
        """Return `size` bytes that were never given before; at most as many as are fetched at a time."""
        at = self._at
        if at + size > len(self._bytes):
            self._bytes, at = os.urandom(self._ahead), 0
        self._at = at + size
        return self._bytes[at : at + size]

    def _forget(self) -> None:
        self._bytes = b""


_entropy = Entropy()


def new_id(ns: int, entropy: Callable[[int], bytes] = _entropy) -> str:
    """Return a UUIDv7 (RFC 9562) as 32 lower-case hex digits, also valid as an OpenTelemetry trace id."""
    tail = int.from_bytes(entropy(10), "big")
    value = (
        (ns // 1_000_000 & 0xFFFFFFFFFFFF) << 80
        | 0x7000 << 64
        | (tail >> 68 & 0xFFF) << 64
        | 2 << 62
        | tail & (1 << 62) - 1
    )
    return f"{value:032x}"


def first_span(id: str) -> int:
    """Return the number of the first span of a trace, known from its beginning. Those that follow have the numbers that follow.

    Args:
        id: of the trace, as `new_id` gives it: the 62 random bits at its end are the span's too.

    """
    return int(id[-16:], 16) % (1 << 62) + 1


def span_id(number: int) -> str:
    """Return a span's id: 16 lower-case hex digits, never all zero, as OpenTelemetry wants it."""
    return f"{number:016x}"
