"""Tables as questions are asked of them: columns of one type each, rows that know where they stood."""

from typing import Literal

from rowen.values.base import Value

Cell = str | int | float | None
"""What stands in one place of a table; a date or a time is its ISO 8601 text, an empty place is None."""

ColumnType = Literal["text", "integer", "number", "date", "time"]
"""`time` is a day with an hour."""


class Column(Value, frozen=True, kw_only=True):
    """One column."""

    name: str
    """As queries name it: lower case, words joined by `_`, each name once in its table."""
    title: str
    """As the table itself has it."""
    type: ColumnType = "text"
    unit: str = ""
    """What stands at all its numbers, such as `€`, `kg` or `%`; values are not converted."""


class Table(Value, frozen=True, kw_only=True):
    """One table of a document."""

    name: str
    """As queries name it."""
    title: str
    """As people know it: the sheet's, or the file's."""
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()
    places: tuple[int, ...] = ()
    """Of each row its number in the original, from 1, as a spreadsheet counts; empty where it has none."""
    part: bool = False
    """It is one of several, in documents of their own, that make a table together: a row of a database."""
    totals: int = 0
    """Rows at the end that sum the others up and are left out, so that nothing counts twice."""
