"""A job as its handler sees it: its input, its steps, its progress, and the wish to stop."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol

import msgspec


class Halted(Exception):
    """Raised at a step when the job is to be paused or cancelled, or when its lease is lost."""

    def __init__(self, why: Literal["pause", "cancel", "lost"]) -> None:
        super().__init__(why)
        self.why: Literal["pause", "cancel", "lost"] = why


class Remember(Protocol):
    """Keeps what a step gave, under its key, before the next step begins."""

    async def __call__(self, key: str, result: bytes) -> None: ...


class Task:
    """One run of a job.

    Args:
        id: the job's.
        tenant: whose it is.
        app: of which app.
        input: what it was asked for.
        known: what steps gave that were done by an earlier run.
        remember: keeps what a step gave.

    """

    def __init__(
        self,
        *,
        id: str,
        tenant: str,
        app: str,
        input: Mapping[str, Any],
        known: Mapping[str, bytes],
        remember: Remember,
    ) -> None:
        self.id = id
        self.tenant = tenant
        self.app = app
        self.input = input
        self.done = 0
        self.total = 0
        self.note = ""
        self._known = dict(known)
        self._remember = remember
        self._halt: Literal["", "pause", "cancel", "lost"] = ""

    async def step(self, key: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do a step once, whatever happens to the process afterwards; return what it gave, as JSON reads it back.

        A step whose result is kept is never done again. One that was under way when the process was killed is: at most
        those are paid twice, never those before them. Steps may be under way at the same time.

        Args:
            key: tells the steps of a job apart; the same on each run.
            work: does it; what it gives must have a form in JSON.

        Raises:
            Halted: the job is to stop, and this step was not begun.

        """
        key = short(key)
        kept = self._known.get(key)
        if kept is None:
            self.check()
            kept = msgspec.json.encode(await work())
            await self._remember(key, kept)
            self._known[key] = kept
        return msgspec.json.decode(kept)

    def knows(self, key: str) -> bool:
        """Whether a step is done."""
        return short(key) in self._known

    def check(self) -> None:
        """Stop here if the job is to stop.

        Raises:
            Halted: it is.

        """
        if self._halt:
            raise Halted(self._halt)

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Tell how far the job is; shown with the next renewal of its lease."""
        self.done, self.total, self.note = done, total, note

    def halt(self, why: Literal["pause", "cancel", "lost"]) -> None:
        """Ask the job to stop before its next step."""
        self._halt = why


def short(key: str) -> str:
    """Return a key of bounded length in its stead."""
    return key if len(key) <= 100 else hashlib.sha256(key.encode()).hexdigest()
