"""Exact answers, kept for a while."""

from typing import Protocol

from rowen.values import Answer, Value


class Cached(Value, frozen=True, kw_only=True):
    """A cached answer with where it came from."""

    answer: Answer
    trace: str
    stored_ns: int
    expires_ns: int


class Cache(Protocol):
    """Exact answers by key. The key includes tenant and policy; the store knows nothing of them."""

    async def get(self, key: str, now_ns: int) -> Cached | None: ...
    async def put(self, key: str, cached: Cached) -> None: ...
    async def prune(self, now_ns: int, keep: int) -> None:
        """Remove expired entries, and the oldest above `keep`."""
        ...

    async def clear(self, prefix: str = "") -> int: ...
