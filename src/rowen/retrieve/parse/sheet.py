"""Parser: spreadsheets (XLSX, XLSM, XLSB, XLS, ODS). Each sheet is a section, each row a line that names its columns."""

import datetime as dt
import io

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from rowen.retrieve.parse.archive import opened
from rowen.retrieve.parse.base import Limits, Parsed
from rowen.retrieve.parse.rows import lines_of
from rowen.retrieve.parse.writer import Writer
from rowen.values import Mistaken


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
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for sheet in book.sheets_metadata:
            if sheet.visible != SheetVisibleEnum.Visible:
                continue
            rows = [[_said(cell) for cell in row] for row in book.get_sheet_by_name(sheet.name).to_python()]
            lines = lines_of(rows)
            if lines:
                writer.heading(1, sheet.name)
            for line in lines:
                writer.exact(line)
                writer.block()
            if writer.length > limits.text:
                raise Mistaken("document_too_large", f"the text has more than {limits.text:,} characters", place=name)
    except PasswordError as error:
        raise Mistaken("document_encrypted", "the file is protected by a password", place=name) from error
    except (CalamineError, OSError, ValueError) as error:
        raise Mistaken("document_broken", f"the spreadsheet cannot be read: {error}", place=name) from error
    return Parsed(text=writer.text, kind="table", sections=writer.sections)


def _said(cell: object) -> str:
    match cell:
        case bool():
            return "yes" if cell else "no"
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case dt.datetime() if cell.time() == dt.time():
            return cell.date().isoformat()
        case dt.datetime():
            return cell.isoformat(" ", "minutes")
        case dt.date() | dt.time():
            return cell.isoformat()
        case _:
            return str(cell)
