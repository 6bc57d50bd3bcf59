"""Lists of several apps as one. A store is asked for one app or all; who may see some of them sees what these have together."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from rowen.store.base import Bucket, ScoreBucket, ScoreFilter, Scores, TraceFilter, Traces
from rowen.store.sums import Sums
from rowen.values import Score, SessionRow, TraceRow, UserRow, cursor_parts

T = TypeVar("T")
B = TypeVar("B", Bucket, ScoreBucket)


async def together(
    apps: tuple[str, ...], ask: Callable[[str], Awaitable[Sequence[T]]], *, place: Callable[[T], Any], limit: int
) -> list[T]:
    """Return the first of what is of some apps, as if one list had all of it.

    Args:
        apps: whose; the empty name alone is all that there are. One thing is of one app, so none comes twice.
        ask: gives the first of one app, at least `limit` where there are so many, the greatest `place` first.
        place: where something stands in such a list.
        limit: how many at most.

    """
    lists = [await ask(app) for app in apps]
    return list(lists[0][:limit] if len(lists) == 1 else islice(merge(*lists, key=place, reverse=True), limit))


async def find_traces(traces: Traces, wanted: TraceFilter, apps: tuple[str, ...]) -> list[TraceRow]:
    """Return the newest traces of some apps that a filter lets pass, whose own app is of no account."""
    return await together(apps, lambda app: traces.find(wanted.but(app=app)), place=place_of_row, limit=wanted.limit)


async def find_scores(scores: Scores, wanted: ScoreFilter, apps: tuple[str, ...]) -> list[Score]:
    """Return the newest scores of some apps that a filter lets pass, whose own app is of no account."""
    return await together(
        apps,
        lambda app: scores.find(wanted.but(app=app)),
        place=lambda score: (score.created_ns, score.id, score.tenant),
        limit=wanted.limit,
    )


def place_of_row(row: TraceRow | SessionRow | UserRow) -> Any:
    """Return where a row stands in the list of its kind."""
    return cursor_parts(row.cursor)


def sums_together(buckets: Iterable[Bucket]) -> list[Bucket]:
    """Return the sums of several apps as those of one, oldest first, then by group."""
    return [each[0] if len(each) == 1 else _added(each) for each in _by_place(buckets)]


def scores_together(buckets: Iterable[ScoreBucket]) -> list[ScoreBucket]:
    """Return the sums of scores of several apps as those of one, oldest first, then by group."""
    return [
        each[0] if len(each) == 1 else scores_as_one(each).but(start_ns=each[0].start_ns, group=each[0].group)
        for each in _by_place(buckets)
    ]


def scores_as_one(buckets: Sequence[ScoreBucket]) -> ScoreBucket:
    """Return sums of scores as one, wherever they stand."""
    labels: Counter[str] = Counter()
    for each in buckets:
        labels.update(each.labels)
    return ScoreBucket(
        start_ns=0,
        count=sum(each.count for each in buckets),
        numbers=sum(each.numbers for each in buckets),
        total=sum(each.total for each in buckets),
        squares=sum(each.squares for each in buckets),
        least=min((each.least for each in buckets if each.least is not None), default=None),
        most=max((each.most for each in buckets if each.most is not None), default=None),
        labels=dict(labels),
    )


def _by_place(buckets: Iterable[B]) -> list[list[B]]:
    found: dict[tuple[int, str], list[B]] = {}
    for bucket in buckets:
        found.setdefault((bucket.start_ns, bucket.group), []).append(bucket)
    return [each for _, each in sorted(found.items(), key=itemgetter(0))]


def _added(buckets: Sequence[Bucket]) -> Bucket:
    sums = Sums()
    for each in buckets:
        sums.take(Sums.of(each))
    return sums.bucket(buckets[0].start_ns, buckets[0].group)
