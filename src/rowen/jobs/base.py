"""What a job is: one piece of background work as it is kept, from the wish to the result."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from rowen.jobs.task import Task
from rowen.values import Value

JobState = Literal["queued", "running", "paused", "done", "failed", "cancelled"]

ENDED: frozenset[JobState] = frozenset({"done", "failed", "cancelled"})


class Job(Value, frozen=True, kw_only=True):
    """One piece of work. Whoever holds its lease works on it; a lease that lapses lets another go on."""

    id: str
    kind: str
    """Which handler does it: `score.backfill`."""
    tenant: str = "default"
    app: str = ""
    about: str = ""
    """What it is, for people."""
    by: str = ""
    """Who asked for it."""
    input: dict[str, Any] = {}
    state: JobState = "queued"
    wish: Literal["", "pause", "cancel"] = ""
    """What is asked of the one who works on it; followed before the next step."""
    created_ns: int = 0
    due_ns: int = 0
    """When it may be begun."""
    started_ns: int = 0
    ended_ns: int = 0
    every_ns: int = 0
    """For work that comes back: the time from one beginning to the next. 0 for work that is done once."""
    runs: int = 0
    """How often work that comes back has ended."""
    attempt: int = 0
    """How often it failed since it last went well."""
    attempts: int = 5
    """How often it may fail before it is given up."""
    done: int = 0
    total: int = 0
    """Progress; 0 of 0 while it is not known."""
    note: str = ""
    """What it is at, or why it waits."""
    result: dict[str, Any] = {}
    code: str = ""
    message: str = ""
    """The last error."""
    owner: str = ""
    lease_ns: int = 0
    """When the owner's lease lapses unless it is renewed."""


class Later(Exception):
    """Raised by a handler to go on at a later time; its steps stay done, and it counts as no failure."""

    def __init__(self, until_ns: int, why: str) -> None:
        super().__init__(why)
        self.until_ns = until_ns
        self.why = why


Handler = Callable[[Task], Awaitable[dict[str, Any] | None]]
"""Does a job of its kind and returns what came of it. After a crash it is called again with the steps it has done."""
