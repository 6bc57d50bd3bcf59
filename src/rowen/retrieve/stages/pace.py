"""How stages of a search are done: how long each may take, what is left out for it, and how each went."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sized
from typing import TypeVar

from rowen.retrieve.base import WithinTable
from rowen.values import Clock, Fact, Stage, Unavailable

T = TypeVar("T")

Work = Callable[[], Awaitable[T]]
Facts = Callable[[T], dict[str, Fact] | None]
"""What is to be known of a stage by what it gave; None where there was nothing for it to do."""


class Pace:
    """Does stages, each in its time, and notes how they went.

    Args:
        clock: the time.
        within: how long they may take; None where nothing may be left out, since what is measured must be whole.

    """

    def __init__(self, clock: Clock, within: WithinTable | None) -> None:
        self.done: list[Stage] = []
        self._clock = clock
        self._within = within
        self._until = clock.monotonic() + within.whole if within is not None and within.whole else None

    @property
    def now_ns(self) -> int:
        """The time, for stages that are noted when they are over."""
        return self._clock.now_ns()

    def note(self, name: str, started_ns: int, facts: dict[str, Fact]) -> None:
        """Note a stage that is over."""
        self.done.append(Stage(name=name, started_ns=started_ns, ended_ns=self.now_ns, facts=facts))

    async def timed(self, name: str, work: Awaitable[T], facts: Facts[T]) -> T:
        """Return what a stage gives that a search cannot do without."""
        started = self.now_ns
        result = await work
        if (told := facts(result)) is not None:
            self.note(name, started, told)
        return result

    async def within(self, name: str, work: Work[T], facts: Facts[T]) -> T | None:
        """Return what a stage gives that a search can do without; None where it took too long, or cannot be reached.

        Raises:
            Problem: what is wrong with it, other than that it cannot be reached.

        """
        if self._within is None:
            return await self.timed(name, work(), facts)
        began, left = self.now_ns, self._left(name)
        if left == 0:
            self.note(name, began, _late(left))
            return None
        try:
            async with asyncio.timeout(left):
                return await self.timed(name, work(), facts)
        except TimeoutError:
            self.note(name, began, _late(left))
        except Unavailable as problem:
            self.note(name, began, {"left_out": problem.message})
        return None

    async def some(self, ways: Mapping[str, Work[T]], facts: Facts[T]) -> dict[str, T]:
        """Return what each of several stages gives within its time. The quickest one is waited for in any case."""
        began, bounds = self.now_ns, {name: self._left(name) for name in ways}
        tasks = {name: asyncio.ensure_future(self.timed(name, work(), facts)) for name, work in ways.items()}
        try:
            if all(bound is None for bound in bounds.values()):
                return dict(zip(tasks, await asyncio.gather(*tasks.values()), strict=True))
            await asyncio.gather(*(asyncio.wait([task], timeout=bounds[name]) for name, task in tasks.items()))
            if not any(task.done() for task in tasks.values()):
                await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
            for name, task in tasks.items():
                if not task.done():
                    self.note(name, began, _late(bounds[name]))
            ended = {name: task for name, task in tasks.items() if task.done()}
            return dict(zip(ended, await asyncio.gather(*ended.values()), strict=True))
        finally:
            for task in tasks.values():
                task.cancel()

    def _left(self, name: str) -> float | None:
        """Return for how many seconds a stage may go on; None: as long as it takes."""
        if self._within is None:
            return None
        own: float = getattr(self._within, name)
        bounds = [own] if own else []
        if self._until is not None:
            bounds.append(max(0.0, self._until - self._clock.monotonic()))
        return min(bounds, default=None)


def counted(found: Sized) -> dict[str, Fact]:
    """Return what is to be known of a stage that found so many."""
    return {"found": len(found)}


def _late(seconds: float | None) -> dict[str, Fact]:
    return {"left_out": f"it took longer than {seconds:.3g} s" if seconds else "no time was left for it"}
