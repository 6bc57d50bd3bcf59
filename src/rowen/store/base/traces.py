"""What happened: calls, and spans that were sent to us."""

from collections.abc import Sequence
from typing import Protocol

from rowen.store.base.costs import CostBy, DayCost
from rowen.store.base.days import Day
from rowen.store.base.filters import SpanFilter, TraceFilter
from rowen.store.base.sums import Bucket, GroupBy, SpanBucket, SpanGroup
from rowen.values import Observed, SessionRow, SpanRow, Trace, TraceRow, Twig, UserRow

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
        of the spans that spend, each call of a model once however many of them tell of it (`rowen.store.spend`); a
        call through Rowen within the trace stands at its own row alone. Spans under the id of a call belong to it and
        change only how many it has.

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

    async def rows(self, ids: Sequence[str], tenant: str | None = None) -> list[TraceRow]:
        """The rows of several traces in the order of their ids, each once, read together; what is not there is left out."""
        ...

    async def calls(self, ids: Sequence[str], tenant: str | None = None) -> list[Trace]:
        """Several calls through Rowen whole, as `rows` gives rows, but without the spans that were sent to us.

        A trace of sent spans alone is left out. All of them are in memory at once: ask for hundreds, not for all.
        """
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
        """The days that began earlier and have traces, by day and tenant; kept, not counted."""
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

    async def day_costs(
        self,
        *,
        tenant: str | None,
        since_ns: int,
        until_ns: int,
        by: CostBy = "",
        app: str = "",
        names: Sequence[str] | None = None,
        whole: bool = False,
    ) -> list[DayCost]:
        """What the days of a window cost, UTC, oldest first, then by group; some groups only where they are named.

        The window is widened to whole days; with `whole` they are one sum. A day's costs stay known when its traces
        are removed for their age (`delete`). They follow every other change: late and replaced spans, and `erase`,
        after which nothing stands under the name of a user who was erased.
        """
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

    async def delete(self, *, before_ns: int, days: Sequence[Day] | None = None) -> int:
        """Remove the traces that began earlier, with their spans and texts, and from all sums but the costs of days.

        Returns how many. Where days are given, what did not begin on one of them stays, and so does what is there of
        a day whose mark is not the one given: something came or went since.
        """
        ...

    async def erase(self, tenant: str, *, traces: Sequence[str] = (), user: str = "", session: str = "") -> int:
        """Remove traces of one tenant by id, by user and by session, as `delete` does; return how many."""
        ...
