"""Judgements."""

from collections.abc import Sequence
from typing import Literal, Protocol

from rowen.store.base.days import Day
from rowen.values import Score, ScoreSource, ScoreTarget, Value


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

    async def prune(self, before_ns: int, *, days: Sequence[Day] | None = None) -> int:
        """Remove the scores of what was judged earlier; return how many.

        Where days are given, what is not of one of them stays, and all of a day whose mark is not the one given.
        """
        ...
