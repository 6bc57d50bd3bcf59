"""Rows of cells as a table that questions can be asked of: its header found, its columns named and typed, its totals left out."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rowen.retrieve.parse.typed import Typed, decimals, is_name, text_of, typed
from rowen.values import Column, Table

LARGEST = 1_000_000
"""Cells of a table at most; a larger one is text alone."""

_HEADER = 20  # rows among which the header is looked for
_YEARS = range(1900, 2101)
_TOTAL = frozenset(
    [
        "total",
        "totals",
        "sum",
        "sums",
        "grand-total",
        "overall-total",
        "average",
        "mean",
        "gesamt",
        "gesamtsumme",
        "summe",
        "durchschnitt",
    ]
)
_SUBTOTAL = frozenset(("subtotal", "sub-total", "zwischensumme"))
_NOTE = re.compile(r"(?i)(?:source|sources|note|notes|quelle|anmerkung)\b|[*†¹]")
_UNIT = re.compile(r"(.*\S)\s*[(\[]([^)\]]{1,12})[)\]]")


class Line(NamedTuple):
    """One row, with its number in the original."""

    place: int
    cells: Sequence[object]


class Untabled(ValueError):
    """The rows are no table: said why."""


def table_of(lines: Sequence[Line], title: str, *, decimal: str = ".") -> Table:
    """Return the table that rows are.

    Args:
        lines: in reading order.
        title: of the sheet or the file.
        decimal: the sign before decimals where the rows prove none; empty when it is not known.

    Raises:
        Untabled: there is no header, or rows do not fit it.

    """
    filled = [Line(line.place, line.cells) for line in lines if any(map(text_of, line.cells))]
    at = _header(filled)
    header, body = filled[at].cells, filled[at + 1 :]
    wide = (
        max((number for line in filled[at:] for number, cell in enumerate(line.cells) if text_of(cell)), default=0) + 1
    )
    unnamed = [number for number in range(wide) if number >= len(header) or not text_of(header[number])]
    if len(unnamed) > 1 or (unnamed and unnamed[0] != 0):
        raise Untabled("rows have more places than the header has names")
    body, totals = _without_totals(body)
    if wide * len(body) > LARGEST:
        raise Untabled(f"it has more than {LARGEST:,} cells")
    if wide < 2 or not body:
        raise Untabled("there are no rows below the header" if wide > 1 else "it has one column")
    signs = decimals(cell for line in body for cell in line.cells)
    sign = next(iter(signs)) if len(signs) == 1 else "" if signs else decimal
    columns, cells = [], []
    titles = [text_of(header[number]).strip() if number not in unnamed else "" for number in range(wide)]
    names = _names(titles)
    for number in range(wide):
        column = typed([line.cells[number] if number < len(line.cells) else None for line in body], sign)
        told = _UNIT.fullmatch(titles[number]) if column.type in {"integer", "number"} and not column.unit else None
        unit = told[2] if told else column.unit
        columns.append(Column(name=names[number], title=titles[number] or names[number], type=column.type, unit=unit))
        cells.append(column.cells)
    caption = next((text_of(_only(line)) for line in filled[:at] if _only(line)), "")
    return Table(
        name=named(title),
        title=caption or title,
        columns=tuple(columns),
        rows=tuple(zip(*cells, strict=True)),
        places=tuple(line.place for line in body),
        totals=totals,
    )


def table_of_record(record: Mapping[str, object], title: str) -> Table:
    """Return the table of one row of a database, which types its columns itself; of texts, only dates are told."""
    names = _names(list(record))
    found = [_of_database(value) for value in record.values()]
    columns = tuple(
        Column(name=name, title=said, type=column.type) for name, said, column in zip(names, record, found, strict=True)
    )
    return Table(
        name=named(title), title=title, columns=columns, rows=(tuple(column.cells[0] for column in found),), part=True
    )


def together(tables: Sequence[Table]) -> Table:
    """Return tables of the same columns as one, whose columns have the types that fit all of them."""
    first = tables[0]
    rows = [row for table in tables for row in table.rows]
    columns, cells = [], []
    for number, column in enumerate(first.columns):
        values = [row[number] for row in rows]
        types = {table.columns[number].type for table in tables if any(row[number] is not None for row in table.rows)}
        if types <= {"integer", "number"}:
            type_ = "number" if "number" in types else "integer" if types else column.type
        elif len(types) == 1:
            type_ = next(iter(types))
        else:
            type_, values = "text", [None if value is None else text_of(value) for value in values]
        columns.append(column.but(type=type_))
        cells.append(values)
    return first.but(columns=tuple(columns), rows=tuple(zip(*cells, strict=True)), places=())


def named(title: str) -> str:
    """Return a title as queries name it."""
    plain = re.sub(r"\W+", "_", title.lower()).strip("_")[:60].rstrip("_") or "table"
    return f"t_{plain}" if plain[0].isdigit() else plain


def _header(lines: Sequence[Line]) -> int:
    """Return which row names the columns: the first that names all of those that have something below it."""
    for at, line in enumerate(lines[:_HEADER]):
        below = lines[at + 1 :]
        wide = [number for number, cell in enumerate(line.cells) if text_of(cell)]
        if len(wide) < 2 or not below:
            continue
        years = [number for number in wide if _is_year(line.cells[number])]
        if not all(number in years or is_name(line.cells[number]) for number in wide) or len(years) == len(wide):
            continue
        if years and (len(years) < 2 or any(_is_year(_cell(each, number)) for each in below for number in years)):
            continue
        usual = sorted(sum(1 for cell in each.cells if text_of(cell)) for each in below)[len(below) // 2]
        if len(wide) + 1 >= usual:
            return at
    raise Untabled("no row names the columns")


def _without_totals(body: Sequence[Line]) -> tuple[list[Line], int]:
    """Return the rows without sums over them, and without notes below them; and how many sums there were."""
    rows = list(body)
    totals = 0
    while rows:
        label, only = _label(rows[-1]), _only(rows[-1])
        if label.rstrip(":").replace(" ", "-") in _TOTAL:
            totals += 1
        elif not (only and (_NOTE.match(text_of(only)) or len(text_of(only).split()) > 3)):
            break
        rows.pop()
    kept = [row for row in rows if _label(row).split(" ")[0].rstrip(":") not in _SUBTOTAL]
    return kept, totals + len(rows) - len(kept)


def _label(line: Line) -> str:
    return next((text_of(cell).strip().lower() for cell in line.cells if text_of(cell).strip()), "")


def _only(line: Line) -> object:
    """The one cell of a row that has one; None of all others."""
    there = [cell for cell in line.cells if text_of(cell).strip()]
    return there[0] if len(there) == 1 else None


def _cell(line: Line, number: int) -> object:
    return line.cells[number] if number < len(line.cells) else None


def _is_year(cell: object) -> bool:
    said = text_of(cell).strip()
    return len(said) == 4 and said.isdecimal() and int(said) in _YEARS


def _of_database(value: object) -> Typed:
    if isinstance(value, bytes | memoryview):
        return Typed("text", (None,))
    column = typed([value], ".")
    if isinstance(value, str) and column.type not in {"date", "time"}:
        return Typed("text", (value,))
    return column


def _names(titles: Sequence[str]) -> list[str]:
    """Return what queries name the columns: short where that is clear, each once."""
    short = [named(told[1] if (told := _UNIT.fullmatch(title)) else title) if title else "column" for title in titles]
    names: list[str] = []
    for number, (name, title) in enumerate(zip(short, titles, strict=True)):
        whole = named(title) if short.count(name) > 1 and title else name
        fresh, again = whole, 2
        while fresh in names or fresh in short[:number]:
            fresh, again = f"{whole}_{again}", again + 1
        names.append(fresh)
    return names
