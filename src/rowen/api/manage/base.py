"""What a management route is made of: what it is handed, what was asked, and how it declares itself."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from rowen.access import Actor, Directory, Entry, Register, Sessions, Visit
from rowen.api.base import DoorSettings
from rowen.api.manage.state import ModelState
from rowen.evaluate.canary import Canaries
from rowen.evaluate.choice import Choice
from rowen.evaluate.compare import Comparing
from rowen.evaluate.dataset import Datasets
from rowen.evaluate.robust.desk import Robust
from rowen.evaluate.run.office import RunOffice
from rowen.flow.play import Playing
from rowen.insight.desk import Insight
from rowen.insight.views import Views
from rowen.jobs import Queue
from rowen.prompt import Prompts
from rowen.release.office import Office
from rowen.retrieve.desk import Desk as KnowledgeDesk
from rowen.score.cases import Cases
from rowen.score.configs import Configs
from rowen.score.intake import Intake, Known
from rowen.score.judging import Judging
from rowen.score.review import Review
from rowen.score.tokens import Tokens
from rowen.store.base import Audit, Definitions, Scores, Traces
from rowen.store.shelf import Shelf
from rowen.values import Clock, Mistaken, Scope, Settings
from rowen.watch.desk import Desk
from rowen.watch.tell import Teller

P = TypeVar("P")
B = TypeVar("B")
T = TypeVar("T")

# Both Python's and JavaScript's regular expressions read these the same way: no \s and no \p.
Plain = Annotated[str, Meta(max_length=200, pattern=r"^[^\u0000-\u001f\u007f]*$")]
"""A line of text without control characters."""
Sort = Literal["", "when", "took", "first", "tokens", "cost", "waste", "attempts", "spans", "failed_spans"]
"""What a list of traces can be sorted by."""
Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]"
        r"[^\u0000-\u001f\u007f]*$",
    ),
]
"""A line of text that begins with something to be seen."""
Whole = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Limited = Annotated[int, Meta(ge=1, le=500)]

_HOUR = 3_600_000_000_000
_LONGEST_NIGHT = 31 * 24 * _HOUR


class NoParams(Settings, frozen=True, kw_only=True):
    """No query parameters."""


class Paged(Settings, frozen=True, kw_only=True):
    """Where a list goes on: `before` is the `next` of the page before."""

    before: Plain = ""
    limit: Limited = 100


SETTINGS = DoorSettings(body_limit=262_144)
"""As the model doors, but nothing that is managed is large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manage:
    """What the management API is handed."""

    directory: Directory
    register: Register
    sessions: Sessions
    audit: Audit
    traces: Traces
    definitions: Definitions
    scores: Scores
    intake: Intake
    configs: Configs
    known: Known
    tokens: Tokens
    jobs: Queue
    knowledge: KnowledgeDesk
    review: Review
    cases: Cases
    datasets: Datasets
    comparing: Comparing
    canaries: Canaries
    runs: RunOffice
    robust: Robust
    choices: Shelf[Choice]
    """The reports on candidates that were filed."""
    prompts: Prompts
    play: Playing
    office: Office
    """The one way by which versions of apps are let out."""
    insight: Insight
    views: Views
    explain: Callable[[str, str], Awaitable[str]] | None
    """Asks a model something for a tenant, to have an error explained; None when none is configured."""
    judging: Judging
    models: Callable[[], Sequence[ModelState]]
    """The deployments of every app with their health, as they are now."""
    desk: Desk
    teller: Teller
    clock: Clock
    settings: DoorSettings = SETTINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[P, B]):
    """One request, its caller admitted, its parameters and body of the declared types."""

    manage: Manage
    entry: Entry
    actor: Actor
    visit: Visit | None
    path: Mapping[str, str]
    params: P
    body: B

    def tenant(self, named: str) -> str | None:
        """Return the tenant to look in, None for all of them. Whoever is no admin looks in their own."""
        return (named or None) if self.actor.everywhere else self.actor.tenant

    def app(self, named: str) -> str:
        """Return the app to look at, for a key that is limited to some.

        Raises:
            Mistaken: `not_found` for an app that the key may not see; `field_invalid` when it must name one of several.

        """
        allowed = self.entry.apps
        if not allowed or named in allowed:
            return named
        if named:
            raise Mistaken("not_found", f"there is no app {named!r}", place="app")
        if len(allowed) > 1:
            raise Mistaken("field_invalid", f"name one of the key's apps: {', '.join(sorted(allowed))}", place="app")
        return next(iter(allowed))

    def apps(self, named: str) -> tuple[str, ...]:
        """Return the apps to list: the one that is named, else all that the key may see; an empty name is all that there are.

        Raises:
            Mistaken: `not_found` for an app that the key may not see.

        """
        return (self.app(named),) if named else self.entry.listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list, and what to ask for next; empty when it was the last."""

    items: Sequence[T]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb(Generic[P, B]):
    """One method of one path: everything that the router, the guard at the door and the description need of it."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    name: str
    summary: str
    scope: Scope
    run: Callable[[Asked[P, B]], Awaitable[object]]
    gives: Any
    params: type[P]
    body: type[B] | Any | None = None
    many: bool = False
    bare: bool = False
    """Whether the answer stands by itself, not under `data`."""
    status: int = 200
    errors: tuple[str, ...] = ()
    also: tuple[Scope, ...] = ()
    """Other scopes that suffice: who manages may judge too, without a key that calls models."""

    @property
    def needs_body(self) -> bool:
        """Whether a body must be there. Replacing a record by nothing is never meant, though every field has a default."""
        if self.body is None:
            return False
        if not isinstance(self.body, type) or not issubclass(self.body, msgspec.Struct):
            return True
        return self.method == "PUT" or any(field.required for field in msgspec.structs.fields(self.body))


Verbs = tuple[Verb[Any, Any], ...]


def night(since_ns: int, now_ns: int) -> int:
    """Return from when on a digest is: twelve hours ago, unless it is said.

    Raises:
        Mistaken: `field_invalid` for more than a month, since a digest looks at every hour.

    """
    since = since_ns or max(0, now_ns - 12 * _HOUR)
    if now_ns - since > _LONGEST_NIGHT:
        raise Mistaken("field_invalid", "a digest is of at most 31 days", place="since_ns")
    return since


def page_of(records: Sequence[T], id_of: Callable[[T], str], paged: Paged) -> Page[T]:
    """Return one page of records that are sorted by id, the last first."""
    rest = [record for record in records if not paged.before or id_of(record) < paged.before]
    items = rest[: paged.limit]
    return Page(items=items, next=id_of(items[-1]) if len(rest) > paged.limit else "")
