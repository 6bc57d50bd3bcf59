"""Parser: tables as text (CSV, TSV), whatever separates their columns."""

import csv
from itertools import islice
from pathlib import PurePosixPath

from rowen.retrieve.parse.base import Limits, Parsed
from rowen.retrieve.parse.decode import decoded
from rowen.retrieve.parse.grid import Line, Untabled, table_of
from rowen.retrieve.parse.rows import lines_of
from rowen.values import Mistaken, Table
from rowen.values.commas import lines_in

_SEPARATORS = ",;\t|"
_LOOKED_AT = 50


def parse(data: bytes, name: str, _: Limits) -> Parsed:
    """Return a table's rows as lines, and as the table they are.

    Raises:
        Mistaken: `document_broken`.

    """
    found = decoded(data)
    try:
        separator = _separator(found.text)
        rows = list(csv.reader(lines_in(found.text), delimiter=separator))
    except csv.Error as error:
        raise Mistaken("document_broken", f"the table cannot be read: {error}", place=name) from error
    flags = ("recoded",) if found.encoding else ()
    lines = [Line(place, row) for place, row in enumerate(rows, 1)]
    try:
        # Where a comma stands before decimals, columns are parted by semicolons.
        tables: tuple[Table, ...] = (
            table_of(lines, PurePosixPath(name).stem, decimal="" if separator == ";" else "."),
        )
    except Untabled:
        tables, flags = (), (*flags, "untabled")
    return Parsed(text="\n".join(lines_of(rows)), kind="table", flags=flags, tables=tables)


def _separator(text: str) -> str:
    """Return what gives the first rows the same number of columns, as many as possible."""
    head = "".join(islice(lines_in(text), _LOOKED_AT))

    def worth(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(lines_in(head), delimiter=separator) if row]
        if not widths or max(widths) < 2:
            return (0.0, 0)
        common = max(set(widths), key=widths.count)
        return (widths.count(common) / len(widths), common) if common > 1 else (0.0, 0)

    return max(_SEPARATORS, key=worth)
