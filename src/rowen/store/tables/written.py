"""A query as SQL, with its values in it: it is shown to people, who can run it again."""

from rowen.store.tables.query import Condition, Measure, Query
from rowen.values import Cell

PLACE = "_row"
"""The column that has a row's number in its original."""


def written(query: Query) -> str:
    """Return a query as SQL."""
    shown = [*map(_name, query.columns), *map(_measure, query.measures)]
    distinct = "DISTINCT " if query.distinct else ""
    parts = [f"SELECT {distinct}{', '.join(shown)} FROM {_name(query.table)}{_where(query)}"]  # noqa: S608 - all quoted
    if query.groups:
        parts.append(f"GROUP BY {', '.join(map(_name, query.groups))}")
    if query.sort is not None:
        by = _name(query.sort.column) if query.sort.column else _measure(query.measures[0])
        then = [_name(each) for each in query.columns[:1] if _name(each) != by]  # so that equal rows have one order
        parts.append(f"ORDER BY {', '.join([by + (' DESC' if query.sort.falling else ''), *then])}")
    if query.top:
        parts.append(f"LIMIT {query.top}")
    return " ".join(parts)


def places(query: Query) -> str:
    """Return the SQL that gives the numbers of the rows that a query counts."""
    return f"SELECT {_name(PLACE)} FROM {_name(query.table)}{_where(query)} ORDER BY 1"  # noqa: S608 - quoted


def _where(query: Query) -> str:
    return f" WHERE {' AND '.join(map(_condition, query.where))}" if query.where else ""


def _measure(measure: Measure) -> str:
    column = _name(measure.column) if measure.column else "*"
    match measure.work:
        case "count":
            return "count(*)"
        case "distinct":
            return f"count(DISTINCT {column})"
        case work:
            return f"{work}({column})"


def _condition(condition: Condition) -> str:
    column, value = _name(condition.column), condition.value
    if isinstance(value, tuple):
        return f"{column} IN ({', '.join(map(_value, value))})"
    if value is None:
        return f"{column} IS {'NOT ' if condition.sign == '<>' else ''}NULL"
    if condition.sign == "begins":
        said = str(value)
        return f"substr({column}, 1, {len(said)}) = {_value(said)}"
    return f"{column} {condition.sign} {_value(value)}"


def _name(name: str) -> str:
    return (
        '"' + name.replace('"', '""') + '"' if not name.isidentifier() or not name.isascii() or name in _WORDS else name
    )


def _value(value: Cell) -> str:
    match value:
        case None:
            return "NULL"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            return repr(value)


_WORDS = frozenset(
    [
        "all",
        "and",
        "as",
        "asc",
        "between",
        "by",
        "case",
        "check",
        "column",
        "create",
        "cross",
        "current_date",
        "default",
        "delete",
        "desc",
        "distinct",
        "drop",
        "else",
        "end",
        "escape",
        "except",
        "exists",
        "filter",
        "for",
        "foreign",
        "from",
        "full",
        "group",
        "having",
        "if",
        "in",
        "index",
        "inner",
        "insert",
        "intersect",
        "into",
        "is",
        "isnull",
        "join",
        "key",
        "left",
        "like",
        "limit",
        "match",
        "natural",
        "no",
        "not",
        "notnull",
        "null",
        "of",
        "offset",
        "on",
        "or",
        "order",
        "outer",
        "over",
        "plan",
        "primary",
        "references",
        "right",
        "row",
        "rows",
        "select",
        "set",
        "table",
        "temp",
        "then",
        "to",
        "transaction",
        "trigger",
        "union",
        "unique",
        "update",
        "using",
        "values",
        "view",
        "when",
        "where",
        "window",
        "with",
    ]
)
"""Names that SQLite takes for words of its own."""
