"""Lists of several apps as one. A store is asked for one app or all; who may see some of them sees what these have together."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from heapq import merge
from itertools import islice
from typing import Any, TypeVar

from rowen.store.base import Bucket, ScoreBucket
from rowen.store.sums import Sums
from rowen.values import Score, SessionRow, TraceRow, UserRow, cursor_parts

T = TypeVar("T")


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


def place_of_row(row: TraceRow | SessionRow | UserRow) -> Any:
    """Return where a row stands in the list of its kind."""
    return cursor_parts(row.cursor)


def place_of_score(score: Score) -> Any:
    """Return where a score stands in the list of scores."""
    return score.created_ns, score.id, score.tenant


def sums_together(buckets: Iterable[Bucket]) -> list[Bucket]:
    """Return the sums of several apps as those of one, oldest first, then by group."""
    found: dict[tuple[int, str], Sums] = {}
    for bucket in buckets:
        found.setdefault((bucket.start_ns, bucket.group), Sums()).take(Sums.of(bucket))
    return [sums.bucket(*at) for at, sums in sorted(found.items())]


def scores_together(buckets: Iterable[ScoreBucket]) -> list[ScoreBucket]:
    """Return the sums of scores of several apps as those of one, oldest first, then by group."""
    found: dict[tuple[int, str], ScoreBucket] = {}
    for bucket in buckets:
        at = (bucket.start_ns, bucket.group)
        found[at] = _joined(found[at], bucket) if at in found else bucket
    return [found[at] for at in sorted(found)]


def _joined(one: ScoreBucket, other: ScoreBucket) -> ScoreBucket:
    return one.but(
        count=one.count + other.count,
        numbers=one.numbers + other.numbers,
        total=one.total + other.total,
        squares=one.squares + other.squares,
        least=min((each.least for each in (one, other) if each.least is not None), default=None),
        most=max((each.most for each in (one, other) if each.most is not None), default=None),
        labels={name: one.labels.get(name, 0) + other.labels.get(name, 0) for name in {**one.labels, **other.labels}},
    )
