"""What a column holds: numbers however a country writes them, dates, or text.

Where a cell can be read in two ways and nothing in its file tells which, the column stays text: a wrong number is worse
than none.
"""

import datetime as dt
import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from rowen.values import Cell, ColumnType

MISSING = frozenset({"", "-", "–", "—", "?", "n/a", "na", "n.a.", "null", "none", "nan", "#n/a", "k.a."})
"""How an empty place of a column of numbers or dates may be written."""

_MONEY = "[$€£¥₹]|USD|EUR|GBP|JPY|CHF|CNY|INR|SEK|NOK|DKK|PLN|CZK|CAD|AUD"
_ATTACHED = "%|‰|°C|°F|mg|kg|g|t|km|cm|mm|m|ml|l|h|min|ms|s|kB|MB|GB|TB|kWh|kW|W|V|Hz|GHz|MHz"
_NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+−])?\s?(?P<before>{_MONEY})?\s?(?P<inner>[-−])?"
    rf"(?P<body>\d[\d.,'’\u00a0\u202f ]*?)(?P<after>\s?(?:{_MONEY}|{_ATTACHED})|\s[^\W\d_][^\d\s]{{0,11}})?(?P<close>\))?"
)
_GROUPED = re.compile(r"\d{1,3}(?:['’\u00a0\u202f ]\d{3})+(?=[.,]|$)")
_SPACES = re.compile(r"['’\u00a0\u202f ]")
_EXACT = 15  # digits that a double holds exactly; longer ones are names, not quantities

_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_NUMERIC = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
_WORDED = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?\.?\s+([A-Za-z]{3,9})\.?,?\s+(\d{4})|([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})"
)
_HOUR = re.compile(r"(.+?)[T\s]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z)?")
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
            "september sep sept", "october oct", "november nov", "december dec",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip


class Typed(NamedTuple):
    """The cells of a column, all of its type."""

    type: ColumnType
    cells: tuple[Cell, ...]
    unit: str = ""


def decimals(cells: Iterable[object]) -> frozenset[str]:
    """Return the signs that stand before decimals in those cells that can be read in one way only: `.`, `,`, both or none."""
    found = {sign for cell in cells if isinstance(cell, str) and (sign := _evidence(cell))}
    return frozenset(found)


def typed(cells: Sequence[object], decimal: str) -> Typed:
    """Return a column's cells as its type.

    Args:
        cells: as they were read.
        decimal: the sign before decimals in this file; empty where a number such as `1,234` may be either.

    """
    said = [cell.strip() if isinstance(cell, str) else cell for cell in cells]
    full = [None if cell is None or (isinstance(cell, str) and cell.lower() in MISSING) else cell for cell in said]
    if any(cell is not None for cell in full):
        own = decimals(full)
        found = _numbers(full, next(iter(own)) if len(own) == 1 else "" if own else decimal) or _dates(full)
        if found is not None:
            return found
    return Typed("text", tuple(text_of(cell) or None for cell in said))


def text_of(cell: object) -> str:
    """Return a cell as text."""
    match cell:
        case None:
            return ""
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


def is_name(cell: object) -> bool:
    """Whether a cell may name a column: a text that is neither a number nor a date."""
    if not isinstance(cell, str) or not cell.strip() or len(cell) > 80:
        return False
    return typed([cell], ".").type == "text" and cell.strip().lower() not in MISSING


def _numbers(cells: Sequence[object], decimal: str) -> Typed | None:
    found: list[Cell] = []
    units = set()
    for cell in cells:
        match cell:
            case None:
                found.append(None)
                continue
            case bool():
                return None
            case int() | float() if math.isfinite(cell) and abs(cell) < 10**_EXACT:
                number: int | float | None = int(cell) if isinstance(cell, float) and cell.is_integer() else cell
                unit = ""
            case Decimal() if cell.is_finite() and abs(cell) < 10**_EXACT:
                number, unit = int(cell) if cell == cell.to_integral_value() else float(cell), ""
            case str():
                number, unit = _number(cell, decimal)
            case _:
                return None
        if number is None:
            return None
        found.append(number)
        units.add(unit)
    if len(units) != 1:
        return None  # 5 kg and 300 g are not to be summed up
    whole = all(isinstance(number, int) for number in found if number is not None)
    return Typed("integer" if whole else "number", tuple(found), units.pop())


def _number(cell: str, decimal: str) -> tuple[int | float | None, str]:
    """Return the number that a text is, with its unit; None for one that is none, or may be two."""
    found = _NUMBER.fullmatch(cell)
    if found is None or bool(found["open"]) is not bool(found["close"]):
        return None, ""
    body = found["body"].strip()
    plain = _plain(body, decimal)
    if plain is None or (len(plain) > 1 and plain[0] == "0" and plain[1].isdigit()):
        return None, ""  # 00123 is a name
    if len(plain.replace(".", "").lstrip("0")) > _EXACT:
        return None, ""
    below = found["open"] or found["sign"] in {"-", "−"} or found["inner"]
    value = (-1 if below else 1) * Decimal(plain)
    unit = (found["before"] or found["after"] or "").strip()
    return (float(value) if "." in plain else int(value)), unit


def _plain(body: str, decimal: str) -> str | None:
    """Return digits with a point before decimals."""
    if _SPACES.search(body):
        grouped = _GROUPED.match(body)
        if grouped is None:
            return None
        body = _SPACES.sub("", grouped[0]) + body[grouped.end() :]
        if _SPACES.search(body):
            return None
    signs = [sign for sign in body if sign in ".,"]
    if not signs:
        return body
    if not decimal:
        return None
    head, found, tail = body.rpartition(decimal)
    if not found:
        head, tail = body, ""
    group = "," if decimal == "." else "."
    if decimal in head or group in tail or (found and not tail):
        return None
    if group in head and not re.fullmatch(rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+", head):
        return None
    return head.replace(group, "") + (f".{tail}" if tail else "")


def _evidence(cell: str) -> str:
    """Return the sign before decimals that a cell proves; empty where it proves none."""
    found = _NUMBER.fullmatch(cell.strip())
    if found is None:
        return ""
    body = found["body"]
    signs = [sign for sign in body if sign in ".,"]
    if not signs:
        return ""
    last, other = signs[-1], "," if signs[-1] == "." else "."
    if other in signs:
        return last
    if len(signs) > 1:
        return other if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", body) else ""
    head, _, tail = body.partition(last)
    return "" if len(tail) == 3 and 1 <= len(head) <= 3 and head != "0" else last


def _dates(cells: Sequence[object]) -> Typed | None:
    texts = [cell for cell in cells if isinstance(cell, str)]
    first_day, first_month = _order(texts)
    if first_day and first_month:
        return None
    found: list[str | None] = []
    hours = False
    for cell in cells:
        match cell:
            case None:
                found.append(None)
                continue
            case dt.datetime():
                moment: tuple[dt.date | None, dt.time | None] = (
                    cell.date(),
                    None if cell.time() == dt.time() else cell.time(),
                )
            case dt.date():
                moment = (cell, None)
            case str():
                moment = _moment(cell, day_first=first_day, month_first=first_month)
            case _:
                return None
        day, hour = moment
        if day is None:
            return None
        hours = hours or hour is not None
        found.append(f"{day.isoformat()} {(hour or dt.time()).isoformat('seconds')}")
    cut = 19 if hours else 10
    return Typed("time" if hours else "date", tuple(each and each[:cut] for each in found))


def _order(texts: Sequence[str]) -> tuple[bool, bool]:
    """Return whether some date proves that the day comes first, and whether one proves that the month does."""
    pairs = [(int(found[1]), found[2], int(found[3])) for each in texts if (found := _NUMERIC.match(each))]
    day = any(first > 12 or sign == "." for first, sign, _ in pairs)
    return day, any(second > 12 for _, _, second in pairs)


def _moment(cell: str, *, day_first: bool, month_first: bool) -> tuple[dt.date | None, dt.time | None]:
    hour = None
    if timed := _HOUR.fullmatch(cell):
        cell = timed[1]
        try:
            hour = dt.time(int(timed[2]), int(timed[3]), int(timed[4] or 0))
        except ValueError:
            return None, None
    try:
        if found := _ISO.fullmatch(cell):
            return dt.date(int(found[1]), int(found[2]), int(found[3])), hour
        if found := _NUMERIC.fullmatch(cell):
            if not (day_first or month_first):
                return None, None  # 03/04/2026 is in March here and in April there
            day, month = (found[1], found[3]) if day_first else (found[3], found[1])
            return dt.date(int(found[4]), int(month), int(day)), hour
        if found := _WORDED.fullmatch(cell):
            day, name, year = (found[1], found[2], found[3]) if found[1] else (found[5], found[4], found[6])
            month_number = MONTHS.get(name.lower())
            return (dt.date(int(year), month_number, int(day)) if month_number else None), hour
    except ValueError:
        pass
    return None, None
