"""A query over one table as a value: what rules make of a question."""

from typing import Literal, NamedTuple

from rowen.values import Cell

Work = Literal["count", "distinct", "sum", "avg", "min", "max", "median"]
Sign = Literal["=", "<>", "<", "<=", ">", ">=", "begins", "in"]


class Measure(NamedTuple):
    """A figure worked out of rows: how many there are, or what is done with a column of them."""

    work: Work
    column: str = ""


class Condition(NamedTuple):
    """What a row must say to count."""

    column: str
    sign: Sign
    value: Cell | tuple[Cell, ...]
    """`begins`: of a date, its year or month. `in`: several values."""


class Sort(NamedTuple):
    """By what rows, or groups, are ordered: a column, or the first measure."""

    column: str = ""
    falling: bool = False


class Query(NamedTuple):
    """Rows of a table, or figures worked out of them."""

    table: str
    columns: tuple[str, ...] = ()
    """Shown of each row or group."""
    measures: tuple[Measure, ...] = ()
    where: tuple[Condition, ...] = ()
    groups: tuple[str, ...] = ()
    sort: Sort | None = None
    top: int = 0
    """How many at most; 0 for all."""
    distinct: bool = False
