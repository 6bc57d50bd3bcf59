"""Who may read, and what must be so, as conditions on the table `documents d`: what `rowen.store.facts` says, in SQL."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from rowen.store.postgres.rows import plain
from rowen.values import Condition, Fact, Reader

_encode = msgspec.json.Encoder().encode

_SAID = "nullif(d.facts -> %s, 'null')"

Clause = tuple[str, tuple[Any, ...]]
"""A piece of SQL and its values."""


def facts_json(facts: Mapping[str, Fact]) -> str:
    """Return the facts of a document as their column holds them."""
    return _encode({plain(name): _plain(value) for name, value in facts.items()}).decode()


def allowed(reader: Reader, where: Sequence[Condition]) -> Clause | None:
    """Return the condition that a document may be found; None where all of a tenant's may."""
    clauses = [_meets(each) for each in where]
    if not reader.everything:
        clauses.insert(0, ("(d.access = '{}' OR d.access && %s::text[])", ([plain(each) for each in reader.groups],)))
    if not clauses:
        return None
    return " AND ".join(sql for sql, _ in clauses), tuple(value for _, values in clauses for value in values)


def _meets(condition: Condition) -> Clause:
    field, value = plain(condition.field), condition.value
    match condition.op:
        case "exists":
            return f"({_SAID} IS {'NOT ' if value else ''}NULL)", (field,)
        case "eq":
            return _equal(field, value)
        case "ne":
            sql, values = _equal(field, value)
            return f"NOT {sql}", values
        case "in":
            wanted = [_equal(field, each) for each in (value if isinstance(value, tuple) else (value,))]
            return (
                f"({' OR '.join(['false', *(sql for sql, _ in wanted)])})",
                tuple(each for _, values in wanted for each in values),
            )
        case "ge" | "le":
            return _ordered(field, value, ">=" if condition.op == "ge" else "<=")


def _equal(field: str, value: Fact) -> Clause:
    # One value is "contained" in itself and in a list that has it; a list is equal as a whole.
    sign = "=" if isinstance(value, tuple) else "@>"
    return f"coalesce({_SAID} {sign} %s::jsonb, false)", (field, _encode(_plain(value)).decode())


def _ordered(field: str, value: Fact, sign: str) -> Clause:
    if isinstance(value, tuple):
        return "false", ()
    if isinstance(value, str):
        said, wanted, kind = f"({_SAID} #>> '{{}}') COLLATE \"C\"", "%s", "string"
        values: tuple[Any, ...] = (field, field, plain(value))
    else:
        said, wanted, kind = _SAID, "%s::jsonb", "boolean" if isinstance(value, bool) else "number"
        values = (field, field, _encode(value).decode())
    return f"CASE WHEN jsonb_typeof({_SAID}) = '{kind}' THEN {said} {sign} {wanted} ELSE false END", values


def _plain(value: Fact) -> Fact:
    if isinstance(value, str):
        return plain(value)
    return tuple(plain(each) for each in value) if isinstance(value, tuple) else value
