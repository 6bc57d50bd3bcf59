"""What stays: one small async protocol per record family. Drivers implement them; stages know only these.

Ids and times are made above; a store writes what it is given. Every family is scoped by tenant where its records
belong to one. A store that cannot be written or read raises `Unavailable("store_unavailable")`; a damaged file raises
`Broken("store_corrupt")` when it is opened.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, Protocol

from rowen.values import (
    Answer,
    AuditEntry,
    Definition,
    Key,
    Message,
    Observed,
    Score,
    ScoreSource,
    ScoreTarget,
    SessionRow,
    SpanRow,
    Tenant,
    Trace,
    TraceRow,
    Twig,
    User,
    UserRow,
    Value,
)
from rowen.values.query import Query


class Keys(Protocol):
    """API keys by id and digest."""

    async def put(self, key: Key) -> None: ...
    async def get(self, id: str) -> Key | None: ...
    async def all(self, tenant: str | None = None) -> list[Key]: ...
    async def touch(self, used: dict[str, int]) -> None:
        """Move `last_used_ns` of keys by id forward, in one write. The revision does not grow by it."""
        ...


class Tenants(Protocol):
    """Tenants and their users."""

    async def put(self, tenant: Tenant) -> None: ...
    async def all(self) -> list[Tenant]: ...
    async def put_user(self, user: User) -> None: ...
    async def users(self, tenant: str | None = None) -> list[User]: ...


class Audit(Protocol):
    """The append-only, hash-chained log of management acts. There is no way to change or remove a line."""

    async def append(self, entry: AuditEntry) -> AuditEntry:
        """Append and return the entry with its `chain` set, in one transaction over all processes."""
        ...

    async def entries(self, tenant: str | None = None, *, before: str = "", limit: int = 100) -> list[AuditEntry]:
        """Newest first; `before` is the id to page from."""
        ...

    async def broken_at(self) -> str | None:
        """Return the id of the first entry whose chain does not fit, None when all do."""
        ...


class Revision(Protocol):
    """A number that grows with every change to keys, tenants, users or definitions, in any process."""

    async def revision(self) -> int: ...


class Definitions(Protocol):
    """Every Definition that ever ran here, by hash."""

    async def put(self, definition: Definition) -> None: ...
    async def get(self, hash: str) -> Definition | None: ...
    async def all(self, app: str | None = None) -> list[Definition]: ...


class Turn(Value, frozen=True, kw_only=True):
    """A stored answer that a later request may go on from (`previous_response_id`)."""

    id: str
    tenant: str
    app: str
    created_ns: int
    messages: tuple[Message, ...]
    """All that was said before the answer."""
    answer: Answer
    body: str
    """The answer's JSON as it was sent, to be read again by id."""


class Turns(Protocol):
    """Answers kept for `previous_response_id`."""

    async def put(self, turn: Turn) -> None: ...
    async def get(self, id: str, tenant: str) -> Turn | None: ...
    async def delete(self, id: str, tenant: str) -> bool: ...
    async def prune(self, before_ns: int) -> int:
        """Remove the answers kept before a moment; return how many."""
        ...


class Counters(Protocol):
    """Shared integer counters with limits: what keeps budgets exact over processes and crashes.

    A counter is a name that includes its window (`tokens:tenant:acme:2026-11-23`). Amounts are integers in the
    measure's unit (money: 1e-9 of the currency). Each call is one atomic decision.
    """

    async def take(self, counter: str, amount: int, limit: int, expires_ns: int, *, least: int = 0) -> int:
        """Add up to `amount` so that the sum stays within `limit`; return what was added.

        Adds nothing and returns 0 when not even `least` (default: all of `amount`) fits.
        """
        ...

    async def give_back(self, counter: str, amount: int) -> None:
        """Subtract what was taken and not used; a sum never falls below 0."""
        ...

    async def add(self, counter: str, amount: int, expires_ns: int) -> None:
        """Add without a limit: what was used above the reservation."""
        ...

    async def sums(self, counters: Sequence[str]) -> list[int]: ...

    async def hold(self, counter: str, owner: str, amount: int, limit: int, until_ns: int, now_ns: int) -> bool:
        """Set the owner's share of a live counter (concurrency) to `amount`, if the shares of all live owners fit.

        A share lapses at `until_ns` unless held again: a killed process leaks nothing. An amount of 0 ends the share.
        """
        ...

    async def prune(self, now_ns: int) -> None:
        """Forget counters whose window is over and shares that lapsed."""
        ...


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


class TraceFilter(Value, frozen=True, kw_only=True):
    """Which traces to list. Empty fields do not filter. `before` is the `cursor` of a row to page from.

    `text` is looked for in all that went in and out of calls and spans, as `SpanFilter` says. `slower_ms` and `dearer`
    (US dollars) mean more than that; `until_ns` itself is outside. A user or session is that of the whole trace.
    """

    tenant: str | None = None
    origin: Literal["", "call", "spans"] = ""
    name: str = ""
    app: str = ""
    environment: str = ""
    release: str = ""
    model: str = ""
    deployment: str = ""
    provider: str = ""
    key: str = ""
    user: str = ""
    session: str = ""
    feature: str = ""
    tag: str = ""
    within: str = ""
    status: str = ""
    code: str = ""
    source: str = ""
    complete: bool | None = None
    text: str = ""
    since_ns: int = 0
    until_ns: int = 0
    slower_ms: int = 0
    dearer: Decimal | None = None
    where: Query | None = None
    """Further conditions, without any on scores (`trace.query.narrowed` asks those first)."""
    before: str = ""
    limit: int = 50


class SpanFilter(Value, frozen=True, kw_only=True):
    """Which spans to list. Empty fields do not filter. `before` is the `cursor` of a row to page from.

    `text` is words that must all occur in the input or output of one span, in any order; the last one may go on. What
    stands in double quotes is a phrase. Case, accents and punctuation do not matter; a text without a letter or digit
    finds nothing. `attribute` is `key=value` of a span that was sent to us, as JSON says the value where it is no text; of one span
    the first 100 attributes that have no more than 200 characters are found. Session, user and feature are
    those of the whole trace.
    """

    tenant: str | None = None
    trace: str = ""
    type: str = ""
    name: str = ""
    model: str = ""
    provider: str = ""
    status: str = ""
    code: str = ""
    app: str = ""
    environment: str = ""
    release: str = ""
    session: str = ""
    user: str = ""
    feature: str = ""
    tag: str = ""
    prompt: str = ""
    attribute: str = ""
    text: str = ""
    since_ns: int = 0
    until_ns: int = 0
    slower_ms: int = 0
    dearer: Decimal | None = None
    before: str = ""
    limit: int = 50


class Bucket(Value, frozen=True, kw_only=True):
    """Sums over one stretch of time for one value of the grouping."""

    start_ns: int
    group: str = ""
    calls: int = 0
    failed: int = 0
    refused: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    waste: Decimal = Decimal(0)
    unpriced: int = 0
    """Calls whose cost is unknown."""
    durations: dict[int, int] = {}
    """Histogram of milliseconds: bucket index → count; index i holds durations in [1.05**i, 1.05**(i+1)) ms."""
    firsts: dict[int, int] = {}
    """The same for the time to the first event."""


GroupBy = Literal[
    "",
    "origin",
    "model",
    "deployment",
    "provider",
    "app",
    "environment",
    "release",
    "key",
    "user",
    "status",
    "code",
    "feature",
]

SpanGroup = Literal["", "type", "name", "model", "provider", "app", "status", "environment", "release", "prompt"]


class SpanBucket(Value, frozen=True, kw_only=True):
    """Sums over the spans of one stretch of time for one value of the grouping.

    Tokens and cost are those of the spans that spend them (`llm`, `embedding`, `reranker`), since those around them
    often tell the same tokens again.
    """

    start_ns: int
    group: str = ""
    count: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0
    """Spans that spent tokens and whose cost is unknown."""
    durations: dict[int, int] = {}
    """Histogram of milliseconds, as in `Bucket`."""
    firsts: dict[int, int] = {}


DAY_NS = 86_400_000_000_000


class Day(Value, frozen=True, kw_only=True):
    """What one tenant has of one day, UTC."""

    start_ns: int
    tenant: str
    count: int
    """Of traces that began on the day, or of scores of what began on it."""
    mark: str = ""
    """Another one as soon as a trace, span or score came or went. One in place of an equal one may not change it."""


SPANS_WHOLE = 5_000
"""The most sent spans that `get` returns with their attributes; `spans` lists all of a trace without them."""


class Traces(Protocol):
    """What happened: calls through Rowen, and spans that were sent to us.

    A trace is known by its tenant and its id; two tenants may have the same id. Where no tenant is named, that of all
    is meant, and of two traces with one id the one whose tenant comes first.
    """

    async def write(self, traces: Sequence[Trace]) -> None:
        """Write a batch of calls in one transaction; a call that is already there is replaced."""
        ...

    async def observe(self, spans: Sequence[Observed]) -> None:
        """Write spans that were sent to us, all or none of them; when it returns they are on the disk.

        A span that is already there is replaced. The row of its trace is told from all spans that have come: name and
        status from the root (before that, from the earliest), session, user, tags and the like from the root or the
        earliest that names one, model and texts from the root or else the models called, tokens and cost as the sum
        of the spans that spend. Spans under the id of a call belong to it and change only how many it has.

        Raises:
            Unavailable: `store_unavailable`; nothing of the batch was written.

        """
        ...

    async def find(self, filter: TraceFilter) -> list[TraceRow]:
        """Newest first: by start, then by id and tenant."""
        ...

    async def find_spans(self, filter: SpanFilter) -> list[SpanRow]:
        """Newest first, to some microseconds.

        Calls through Rowen are found by their attempts, of which the last that went well has what was asked and said;
        a call without an attempt is found by its root.
        """
        ...

    async def get(self, id: str, tenant: str | None = None) -> Trace | None:
        """One trace whole, with at most `SPANS_WHOLE` of the spans that were sent to us: the root and the earliest."""
        ...

    async def row(self, id: str, tenant: str | None = None) -> TraceRow | None:
        """The row of one trace alone, which is quick however many spans it has."""
        ...

    async def tree(self, trace: str, tenant: str | None = None) -> list[Twig]:
        """The shape of a trace: each of its spans in the order of their start, quick for 50,000 of them."""
        ...

    async def spans(self, trace: str, tenant: str | None = None, *, only: Sequence[str] | None = None) -> list[SpanRow]:
        """All spans of a trace in the order of their start, or those of some ids, without their attributes.

        Of a call its steps are among them.
        """
        ...

    async def span(self, trace: str, id: str, tenant: str | None = None) -> Observed | None:
        """One span whole; of a call its root and its last attempt have what was asked and answered."""
        ...

    async def sent(self, trace: str, tenant: str, *, after: str = "", limit: int = 500) -> list[Observed]:
        """Spans that were sent to us under a trace, whole and by id; `after` is the id to go on from."""
        ...

    async def days(self, *, before_ns: int) -> list[Day]:
        """The days that have traces which began earlier, by day and tenant. Reads every trace's row."""
        ...

    async def buckets(
        self, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: GroupBy = "", app: str = ""
    ) -> list[Bucket]:
        """Sums over traces for charts and tables, oldest first.

        The window is widened to whole minutes and `every_ns` rounded up to them. A stretch begins at a multiple of
        `every_ns`, so the first may begin before the window; it holds only what is in the window.
        """
        ...

    async def span_buckets(
        self, *, tenant: str | None, since_ns: int, until_ns: int, every_ns: int, by: SpanGroup = "", app: str = ""
    ) -> list[SpanBucket]:
        """Sums over spans by their own start, as `buckets` gives those over traces."""
        ...

    async def sessions(
        self,
        *,
        tenant: str | None,
        app: str = "",
        user: str = "",
        since_ns: int = 0,
        until_ns: int = 0,
        before: str = "",
        limit: int = 50,
    ) -> list[SessionRow]:
        """Sessions by their latest trace, newest first. App and user are those of that trace.

        In a window are those that began before its end and whose latest trace began in it or later.
        """
        ...

    async def users(
        self,
        *,
        tenant: str | None,
        app: str = "",
        since_ns: int = 0,
        until_ns: int = 0,
        before: str = "",
        limit: int = 50,
    ) -> list[UserRow]:
        """Users of the apps by their latest trace, newest first, as `sessions` gives sessions."""
        ...

    async def values(self, column: GroupBy, tenant: str | None = None) -> list[str]:
        """The distinct values of a column lately seen, for filters."""
        ...

    async def delete(self, *, before_ns: int) -> int:
        """Remove the traces that began earlier, with their spans and texts, and from all sums; return how many."""
        ...

    async def erase(self, tenant: str, *, traces: Sequence[str] = (), user: str = "", session: str = "") -> int:
        """Remove traces of one tenant by id, by user and by session, as `delete` does; return how many."""
        ...


class ScoreFilter(Value, frozen=True, kw_only=True):
    """Which scores to list. Empty fields do not filter. `before` is the id of the score to page from.

    They come newest first by `created_ns`, then by id: the id of a thumb is made of what it judges, not of the time.

    `since_ns` and `until_ns` bound `judged_ns`; `until_ns` itself is outside. `below` and `above` bound `number`.
    """

    tenant: str | None = None
    app: str = ""
    name: str = ""
    target: ScoreTarget | Literal[""] = ""
    source: ScoreSource | Literal[""] = ""
    by: str = ""
    version: str = ""
    traces: tuple[str, ...] = ()
    span: str = ""
    session: str = ""
    case: str = ""
    environment: str = ""
    release: str = ""
    below: float | None = None
    above: float | None = None
    since_ns: int = 0
    until_ns: int = 0
    before: str = ""
    limit: int = 100


ScoreGroup = Literal["", "name", "source", "by", "version", "app", "environment", "release", "definition"]


class ScoreBucket(Value, frozen=True, kw_only=True):
    """Sums of the scores of one stretch of time for one value of the grouping."""

    start_ns: int
    group: str = ""
    count: int = 0
    numbers: int = 0
    """How many of them have a number."""
    total: float = 0.0
    squares: float = 0.0
    least: float | None = None
    most: float | None = None
    labels: dict[str, int] = {}
    """How often each category, `true` and `false`, or whole number from 0 to 10 was given."""


class ScoreName(Value, frozen=True, kw_only=True):
    """A name under which scores are kept, with how many there are."""

    name: str
    app: str
    type: str
    source: str
    count: int
    last_ns: int


class Scores(Protocol):
    """Judgements of traces, spans, sessions and cases."""

    async def put(self, scores: Sequence[Score]) -> None:
        """Write a batch in one transaction; a score that is already there under its id and tenant is replaced."""
        ...

    async def get(self, id: str, tenant: str | None = None) -> Score | None: ...
    async def find(self, filter: ScoreFilter) -> list[Score]:
        """Return scores, newest first.

        Raises:
            Mistaken: `not_found` when the score to page from is gone.

        """
        ...

    async def delete(self, id: str, tenant: str | None = None) -> bool:
        """Remove a score, also from the sums; return whether it was there."""
        ...

    async def buckets(
        self,
        *,
        tenant: str | None,
        name: str,
        since_ns: int,
        until_ns: int,
        every_ns: int,
        by: ScoreGroup = "",
        app: str = "",
    ) -> list[ScoreBucket]:
        """Sums for charts, oldest first, by `judged_ns`. The window and `every_ns` as for traces; no `name` is all.

        Totals and squares are exact and rounded once, whatever was put, replaced and removed before.
        """
        ...

    async def names(self, tenant: str | None = None, app: str = "") -> list[ScoreName]: ...
    async def days(self, *, before_ns: int) -> list[Day]:
        """The days that have scores of what was judged earlier, by day and tenant. Reads every score's row."""
        ...

    async def prune(self, before_ns: int) -> int:
        """Remove the scores of what was judged earlier; return how many."""
        ...


class Record(Value, frozen=True, kw_only=True):
    """Something small that is written seldom: a score config, a review queue, an incident, a saved view.

    What it holds is known to the stage that wrote it, which reads it back through a `Shelf` of its own type.
    """

    kind: str
    id: str
    tenant: str = "default"
    app: str = ""
    group: str = ""
    """What it belongs to among its kind, such as the queue of an item."""
    state: str = ""
    at_ns: int = 0
    """When it was made, or what its kind is sorted by."""
    version: int = 0
    """Grows by one with each write."""
    body: bytes = b"{}"
    """JSON."""


class Records(Protocol):
    """Small records by kind, with what all of them are found by."""

    async def put(self, record: Record, *, expect: int | None = None) -> Record:
        """Write a record in place of an earlier one; return it with its version.

        Raises:
            Mistaken: `conflict` when `expect` is given and is not the version that is there (0: not there).

        """
        ...

    async def get(self, kind: str, id: str, tenant: str | None = None) -> Record | None: ...
    async def find(
        self,
        kind: str,
        *,
        tenant: str | None = None,
        app: str = "",
        group: str = "",
        state: str = "",
        since_ns: int = 0,
        until_ns: int = 0,
        limit: int = 1000,
    ) -> list[Record]:
        """Newest first by `at_ns`, then by id."""
        ...

    async def delete(self, kind: str, id: str, tenant: str | None = None) -> bool: ...


class Cell(Value, frozen=True, kw_only=True):
    """What was counted for one objective in one minute: events of one tenant and one part."""

    app: str
    objective: str
    """Its kind and name: `slo/answers`."""
    tenant: str = "default"
    part: str = ""
    """What kind of events: a class of error, `recovered`, or empty for plainly good ones."""
    start_ns: int
    good: int = 0
    total: int = 0
    sum: float = 0.0
    """Of the numbers of the events, where they have one."""
    squares: float = 0.0


class Measures(Protocol):
    """What objectives counted, minute by minute."""

    async def replace(
        self, app: str, objectives: Sequence[str], *, since_ns: int, until_ns: int, cells: Sequence[Cell]
    ) -> None:
        """Put cells in place of all cells that the objectives have in a stretch of time, in one transaction."""
        ...

    async def add(self, cell: Cell) -> None:
        """Add to the cell of the same place, or make it."""
        ...

    async def find(
        self,
        app: str,
        objective: str,
        *,
        tenant: str | None = None,
        since_ns: int = 0,
        until_ns: int = 0,
        every_ns: int = 0,
    ) -> list[Cell]:
        """Cells of an objective, oldest first, then by part; those of all tenants are summed, with an empty `tenant`.

        `every_ns` sums them over longer stretches, each of which begins at a multiple of it. An `until_ns` of 0 sets
        no end.
        """
        ...

    async def prune(self, before_ns: int) -> int:
        """Remove cells that began earlier; return how many."""
        ...


class Store(Protocol):
    """All families of one deployment, opened together and closed together."""

    keys: Keys
    tenants: Tenants
    audit: Audit
    revisions: Revision
    definitions: Definitions
    turns: Turns
    counters: Counters
    cache: Cache
    traces: Traces
    scores: Scores
    records: Records
    measures: Measures

    async def check(self) -> dict[str, str]:
        """Return the homes of the families, each with its health (`ok` or a sentence), for `rowen doctor` and `/readyz`."""
        ...

    async def close(self) -> None: ...
