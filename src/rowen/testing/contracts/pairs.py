"""Filters asked for alone and in groups: as few as come easily, in which every two are together and each matters."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations
from typing import Any, TypeVar

from rowen.values import SpanRow, TraceRow

Row = TypeVar("Row", TraceRow, SpanRow)

_MOST = 4  # filters of a group; of more, hardly anything passes the rest, and none would matter
_LIMIT = 1000


async def same_of_every_two(
    found: Callable[[dict[str, Any]], Awaitable[list[Row]]],
    wanted: Callable[[dict[str, Any]], Awaitable[list[Row]]],
    filters: Sequence[dict[str, Any]],
) -> None:
    """Assert that each filter finds what is wanted, its limit the newest of that, and several what passes each of them.

    Args:
        found: finds, newest first, what passes a filter with some fields, in the store in question.
        wanted: the same in one that is right.
        filters: fields, with what is wanted of them.

    """
    everything = await wanted({"limit": _LIMIT})
    places = {row.cursor: place for place, row in enumerate(everything)}
    passing = []
    for each in filters:
        rows = await wanted({"limit": _LIMIT, **each})
        assert await found({"limit": _LIMIT, **each}) == rows, each
        assert await found({"limit": 3, **each}) == rows[:3], each
        passing.append({places[row.cursor] for row in rows})
    for group in groups(filters, passing):
        asked = {name: value for each in group for name, value in filters[each].items()}
        common = set[int].intersection(*(passing[each] for each in group))
        assert await found({"limit": _LIMIT, **asked}) == [everything[place] for place in sorted(common)], asked


def groups(filters: Sequence[Mapping[str, Any]], passing: Sequence[AbstractSet[int]]) -> list[list[int]]:
    """Return groups of filters, each by its place, so that every two for different fields are in one of them.

    In a group of more than two, more would pass without any one of them: a store that forgets it beside the others finds
    too much.

    Args:
        filters: fields of a filter, with what is wanted of them.
        passing: what passes each of them alone.

    """
    left = {pair for pair in combinations(range(len(filters)), 2) if not _one_field(filters, pair)}
    found = []
    while left:
        group = list(min(left))
        while len(group) < _MOST:
            gains = {
                other: sum((min(other, each), max(other, each)) in left for each in group)
                for other in range(len(filters))
                if other not in group and not _one_field(filters, [*group, other])
            }
            fitting = [other for other, gain in gains.items() if gain and _all_matter(passing, [*group, other])]
            if not fitting:
                break
            group.append(max(fitting, key=gains.__getitem__))
        found.append(sorted(group))
        left -= set(combinations(sorted(group), 2))
    return found


def _one_field(filters: Sequence[Mapping[str, Any]], group: Sequence[int]) -> bool:
    return any(filters[one].keys() & filters[other].keys() for one, other in combinations(group, 2))


def _all_matter(passing: Sequence[AbstractSet[int]], group: Sequence[int]) -> bool:
    whole = set[int].intersection(*(set(passing[each]) for each in group))
    return all(set[int].intersection(*(set(passing[each]) for each in group if each != one)) > whole for one in group)
