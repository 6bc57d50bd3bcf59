"""Values as ClickHouse's SQL has them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

SCALE = 38
"""Digits after the point of money."""

# https://clickhouse.com/docs/sql-reference/syntax#string
_ESCAPED = str.maketrans({"\\": "\\\\", "'": "\\'", "\0": "\\0"})


def filled(query: str, values: Sequence[Any]) -> str:
    """Return a query with a value in place of each question mark, of which it has no others."""
    first, *rest = query.split("?")
    return first + "".join(f"{literal(value)}{piece}" for value, piece in zip(values, rest, strict=True))


def literal(value: Any) -> str:
    """Return a value as SQL: for a sequence what may stand after `IN`, an empty list for an empty one."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{value.translate(_ESCAPED)}'"
        case Decimal():
            return f"toDecimal256('{value}', {SCALE})"
        case int() | float():
            return repr(value)
        case _:
            return f"({', '.join(map(literal, value))})" if len(value) else "[]"
