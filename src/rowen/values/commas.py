"""Text of CSV as every reader here takes it in."""

import csv
import io

LONGEST = 10_000_000
"""The most characters of one field: a whole document fits, and a quotation that never ends is given up."""

# The bound of `csv` is one for the whole process: it is set once, as this is imported, and never made smaller than another set it.
# https://docs.python.org/3/library/csv.html#csv.field_size_limit
csv.field_size_limit(max(LONGEST, csv.field_size_limit()))


def lines_in(text: str) -> io.StringIO:
    """Return what a reader of `csv` reads: fields may be `LONGEST`, and lines end in any of the three ways.

    Only these end a line: `splitlines` would cut a field at U+2028, which models write.
    """
    return io.StringIO(text, newline=None)
