"""One request on its way: a frozen value that each step of the chain gives back changed."""

from typing import Any

from rowen.values.answer import Answer
from rowen.values.base import Value
from rowen.values.errors import Problem
from rowen.values.event import Attempt
from rowen.values.key import Caller, Priority
from rowen.values.knowledge import Looked, Reader
from rowen.values.money import Money
from rowen.values.release import Assigned
from rowen.values.request import Request


class Door(Value, frozen=True, kw_only=True):
    """Where a call came in, and what its envelope said. `key_digest` is all that is kept of the key presented."""

    shape: str
    """`openai.chat`, `openai.responses`, `openai.embeddings`, `anthropic`, or `internal`."""
    path: str = ""
    """Of the URL; of an internal call what it is for, empty where somebody asks the app itself, such as `rowen ask`."""
    address: str = ""
    key_digest: str = ""
    parent: str = ""
    """The span id in the caller's W3C `traceparent`, 16 hex digits."""
    parent_trace: str = ""
    """The trace id in it, 32 hex digits. Ours stays our own, since one caller's trace may hold many calls."""
    agent: str = ""

    @property
    def bare(self) -> bool:
        """Whether a model is asked on an errand of the house (a judge, a rewriter): no question to the app, so without its prompt."""
        return self.shape == "internal" and bool(self.path)


class Fault(Value, frozen=True, kw_only=True):
    """A problem as data, for the record."""

    kind: str
    code: str
    message: str
    place: str = ""
    who: str = ""
    retry_after: float | None = None


def fault_of(problem: Problem) -> Fault:
    """Return a problem as data."""
    return Fault(
        kind=problem.kind,
        code=problem.code,
        message=problem.message,
        place=problem.place,
        who=problem.who,
        retry_after=problem.retry_after,
    )


class Hold(Value, frozen=True, kw_only=True):
    """Everything that was set aside for a call, to be settled when it ends."""

    taken: Any = None
    """What the stage of limits knows it by; None where no limit holds."""
    tokens: int = 0
    """That it may use, as far as a limit asks."""


class Plan(Value, frozen=True, kw_only=True):
    """What `route.choose` decided: the deployments to try, in order, and the cache entry to keep the answer in."""

    deployments: tuple[str, ...] = ()
    strategy: str = ""
    cache_key: str = ""
    """Empty when the answer is not to be cached."""


class Stepped(Value, frozen=True, kw_only=True, array_like=True):
    """One step of the chain as it went: when, and which fields of the call it changed. Stored without names: a new field goes to the end."""

    name: str
    started_ns: int
    ended_ns: int
    changed: tuple[str, ...] = ()
    code: str = ""


Checked = tuple[str, int | float, int | float]
"""A limit that was held against a call: for a person, how much of it was used as far as was known, and of how much."""


class Call(Value, frozen=True, kw_only=True):
    """One request, everything known about it so far, and in the end its answer."""

    id: str
    """UUIDv7 as 32 hex digits; also the trace id."""
    app: str
    definition: str
    """The hash of the Definition that answers."""
    assigned: tuple[Assigned, ...] = ()
    """How it came to that Definition, where several answer."""
    request: Request
    door: Door
    started_ns: int
    caller: Caller | None = None
    feature: str = ""
    session: str = ""
    end_user: str = ""
    priority: Priority = "normal"
    use_cache: bool = True
    tags: tuple[str, ...] = ()
    hold: Hold | None = None
    checked: tuple[Checked, ...] = ()
    """The limits that were held against it."""
    looked: tuple[Looked, ...] = ()
    """What was looked up for it."""
    plan: Plan | None = None
    answer: Answer | None = None
    source: str = ""
    """Who answered: `model`, `cache`, `script`; empty when nobody did."""
    attempts: tuple[Attempt, ...] = ()
    cost: Money | None = None
    """All attempts together; None when any price is unknown."""
    problem: Fault | None = None
    first_ns: int = 0
    """When the first event of the answer was there; 0 when none came."""
    ended_ns: int = 0
    steps: tuple[Stepped, ...] = ()
    notes: dict[str, Any] = {}
    """What the steps want the trace to know, by step name; JSON types only."""

    def noting(self, step: str, **facts: Any) -> "Call":
        """Return the call with facts noted under a step's name."""
        return self.but(notes={**self.notes, step: {**self.notes.get(step, {}), **facts}})

    @property
    def reader(self) -> Reader:
        """For whom it looks things up: the groups of its key and user, its tenant and its user.

        What is for one tenant has `tenant:ID` in its access, what is for one user `user:ID`.
        """
        caller = self.caller
        if caller is None:
            return Reader(tenant="")
        own = [f"tenant:{caller.tenant}"]
        if caller.user:
            own.append(f"user:{caller.user}")
        # Nobody may name himself into a group: a key's word counts, what the caller merely says does not.
        return Reader(tenant=caller.tenant, groups=(*caller.groups, *own))

    @property
    def waste(self) -> tuple[Attempt, ...]:
        """The attempts that were paid for and not used."""
        return tuple(attempt for attempt in self.attempts if attempt.waste)
