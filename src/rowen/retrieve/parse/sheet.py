"""Parser: spreadsheets (XLSX, XLSM, XLSB, XLS, ODS). Each sheet is a section, each row a line that names its columns."""

import io
import re
from pathlib import PurePosixPath

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from rowen.retrieve.parse.archive import opened
from rowen.retrieve.parse.base import Limits, Parsed
from rowen.retrieve.parse.grid import Line, Untabled, table_of
from rowen.retrieve.parse.rows import lines_of
from rowen.retrieve.parse.typed import text_of
from rowen.retrieve.parse.writer import Writer
from rowen.values import Mistaken, Table

_DEFAULT = re.compile(r"(?i)(?:sheet|tabelle|feuil|hoja|foglio|blad)\s?\d+")
"""What programs call sheets that nobody named."""


def parse(data: bytes, name: str, limits: Limits) -> Parsed:
    """Return the values of all sheets that are not hidden; of formulas, what they gave when the file was saved.

    Raises:
        Mistaken: `document_bomb`, `document_encrypted`, `document_broken`, `document_too_large`.

    """
    if data.startswith(b"PK"):
        with opened(data, limits) as archive:
            for part in sorted(archive.names):
                archive.read(part)  # counted here, since the reader below unpacks without a bound
    writer = Writer()
    tables: list[Table] = []
    untabled = False
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for sheet in book.sheets_metadata:
            if sheet.visible != SheetVisibleEnum.Visible:
                continue
            opened_sheet = book.get_sheet_by_name(sheet.name)
            rows = opened_sheet.to_python()
            lines = lines_of([[text_of(cell) for cell in row] for row in rows])
            if lines:
                writer.heading(1, sheet.name)
                first = (opened_sheet.start or (0, 0))[0] + 1
                try:
                    title = sheet.name if not _DEFAULT.fullmatch(sheet.name) else PurePosixPath(name).stem
                    tables.append(table_of([Line(place, row) for place, row in enumerate(rows, first)], title))
                except Untabled:
                    untabled = untabled or len(lines) > 1  # a sheet of one note was never meant as a table
            for line in lines:
                writer.exact(line)
                writer.block()
            if writer.length > limits.text:
                raise Mistaken("document_too_large", f"the text has more than {limits.text:,} characters", place=name)
    except PasswordError as error:
        raise Mistaken("document_encrypted", "the file is protected by a password", place=name) from error
    except (CalamineError, OSError, ValueError) as error:
        raise Mistaken("document_broken", f"the spreadsheet cannot be read: {error}", place=name) from error
    flags = ("untabled",) if untabled else ()
    return Parsed(text=writer.text, kind="table", sections=writer.sections, flags=flags, tables=tuple(tables))
