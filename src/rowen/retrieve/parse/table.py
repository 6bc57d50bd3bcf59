"""Parser: tables as text (CSV, TSV), whatever separates their columns."""

import csv
import io

from rowen.retrieve.parse.base import Limits, Parsed
from rowen.retrieve.parse.decode import decoded
from rowen.retrieve.parse.rows import lines_of
from rowen.values import Mistaken

_SEPARATORS = ",;\t|"
_LOOKED_AT = 50


def parse(data: bytes, name: str, _: Limits) -> Parsed:
    """Return a table's rows as lines.

    Raises:
        Mistaken: `document_broken`.

    """
    found = decoded(data)
    csv.field_size_limit(10_000_000)
    try:
        rows = list(csv.reader(io.StringIO(found.text), delimiter=_separator(found.text)))
    except csv.Error as error:
        raise Mistaken("document_broken", f"the table cannot be read: {error}", place=name) from error
    return Parsed(text="\n".join(lines_of(rows)), kind="table", title="", flags=("recoded",) if found.encoding else ())


def _separator(text: str) -> str:
    """Return what gives the first rows the same number of columns, as many as possible."""
    head = "\n".join(text.split("\n", _LOOKED_AT)[:_LOOKED_AT])

    def worth(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(io.StringIO(head), delimiter=separator) if row]
        if not widths or max(widths) < 2:
            return (0.0, 0)
        common = max(set(widths), key=widths.count)
        return (widths.count(common) / len(widths), common) if common > 1 else (0.0, 0)

    return max(_SEPARATORS, key=worth)
