"""Makes a query over traces a filter that stores can find by: conditions on scores are answered, and the rest said as quickly as can be."""

from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne

from rowen.store.base import ScoreFilter, Scores, TraceFilter
from rowen.store.query import said_as
from rowen.values import Score
from rowen.values.query import Among, Either, Every, Holds, Query, Says, Unless

SCORES = 10_000
"""Scores of a name that a condition looks at, the latest ones."""

_PLAIN = {
    name: name
    for name in (
        "origin", "name", "app", "environment", "release", "model", "deployment", "provider", "key", "user", "session",
        "feature", "within", "status", "code", "source", "tag",
    )
}  # fmt: skip
"""Fields of a query that a filter has too."""

_COMPARES: dict[str, Callable[[float, float], bool]] = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


async def narrowed(query: Query, filter: TraceFilter, scores: Scores) -> TraceFilter:
    """Return a filter that also holds for the query, in the form in which stores are quickest.

    Conditions on scores are asked of the scores, the latest `SCORES` of each name. What one field of the filter can say
    by itself, and a text that must be there, is said by it.
    """
    rest: list[Query] = []
    for part in query.parts if isinstance(query, Every) else (query,):
        match part:
            case Holds(level="trace", field=field, how="=", value=str() as value) if field in _PLAIN:
                name = _PLAIN[field]
                if getattr(filter, name) not in {"", value}:
                    rest.append(part)
                else:
                    filter = filter.but(**{name: value})
            case Says(text=text, phrase=phrase):
                said = said_as(text, phrase=phrase)
                filter = filter.but(text=f"{said} {filter.text}".strip() if phrase else f"{filter.text} {said}".strip())
            case _:
                rest.append(await _resolved(part, scores, filter.tenant))
    if filter.where is not None:
        rest.append(filter.where)
    if rest:
        filter = filter.but(where=rest[0] if len(rest) == 1 else Every(parts=tuple(rest)))
    return filter


async def _resolved(query: Query, scores: Scores, tenant: str | None) -> Query:
    match query:
        case Every(parts=parts):
            return Every(parts=tuple([await _resolved(part, scores, tenant) for part in parts]))
        case Either(parts=parts):
            return Either(parts=tuple([await _resolved(part, scores, tenant) for part in parts]))
        case Unless(part=part):
            return Unless(part=await _resolved(part, scores, tenant))
        case Holds(level="score"):
            found = await scores.find(ScoreFilter(tenant=tenant, name=query.field, limit=SCORES))
            return Among(traces=tuple(dict.fromkeys(each.trace for each in found if each.trace and _is(each, query))))
        case _:
            return query


def _is(score: Score, query: Holds) -> bool:
    if isinstance(query.value, str):
        return (str(score.value).lower() == query.value.lower()) == (query.how == "=")
    return score.number is not None and _COMPARES[query.how](score.number, float(query.value))
