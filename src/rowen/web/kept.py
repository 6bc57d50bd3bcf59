"""What takes longer to work out than a page may take: worked out beside the page, kept for a while, shown with its age."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from rowen.values import Clock, Problem

T = TypeVar("T")

_FRESH_NS = 5 * 60 * 1_000_000_000
_PATIENCE = 0.15
_MOST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[T]):
    """What is known now. Both are None while it is worked out for the first time."""

    value: T | None = None
    at_ns: int = 0
    failed: Problem | None = None


class Kept:
    """Values by key. An old one is shown while its successor is worked out; each is worked out once at a time.

    Args:
        clock: the time.
        fresh_ns: how old a value may become before it is worked out again.
        patience: seconds that a page waits for one that is worked out.

    """

    def __init__(self, clock: Clock, *, fresh_ns: int = _FRESH_NS, patience: float = _PATIENCE) -> None:
        self._clock = clock
        self._fresh_ns = fresh_ns
        self._patience = patience
        self._found: OrderedDict[Hashable, Found[Any]] = OrderedDict()
        self._tasks: dict[Hashable, asyncio.Task[None]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]], *, patience: float | None = None) -> Found[T]:
        """Return what is known under a key. It must name everything that the value depends on, the tenant among it.

        `patience` is how many seconds this page waits, where that is not what pages wait.
        """
        found = self._found.get(key)
        if found is None or self._clock.now_ns() - found.at_ns >= self._fresh_ns:
            task = self._tasks.get(key)
            if task is None:
                task = self._tasks[key] = asyncio.create_task(self._make(key, make))
            await asyncio.wait({task}, timeout=self._patience if patience is None else patience)
        return cast("Found[T]", self._found.get(key, Found()))

    async def close(self) -> None:
        """Stop what is being worked out."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[Any]]) -> None:
        try:
            made = Found(value=await make(), at_ns=self._clock.now_ns())
        except Problem as problem:
            made = Found(at_ns=self._clock.now_ns(), failed=problem)
        finally:
            self._tasks.pop(key, None)
        self._found[key] = made
        self._found.move_to_end(key)
        while len(self._found) > _MOST:
            self._found.popitem(last=False)
