"""What a query gave as sentences: the figures exactly, of what they are, over which rows."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal

from rowen.retrieve.tables.sheet import Sheet
from rowen.store.tables import Answered, Condition, Measure, Query
from rowen.values import Cell

SHOWN = 50
"""Rows of an answer that are said; how many more there are is said too."""
_PLACES = 20  # rows that are named by their numbers
_WORKS = {
    "sum": "the sum of {}", "avg": "the average {}", "min": "the lowest {}", "max": "the highest {}", "median": "the median {}",
    "distinct": "the number of different values of {}",
}  # fmt: skip
_SIGNS = {"=": "is", "<>": "is not", ">": "is more than", ">=": "is at least", "<": "is less than", "<=": "is at most"}


def sentence(query: Query, sheet: Sheet, answered: Answered) -> str:
    """Return what a query gave as a sentence."""
    where = _where(query.where, sheet)
    if not query.measures:
        return _rows(query, sheet, answered, where)
    figure = _measure(query.measures[0], sheet)
    unit = _unit(query.measures[0], sheet)
    if not query.groups:
        value = answered.rows[0][0] if answered.rows else None
        if value is None:
            return f"No row of the table has a figure for {figure}{where}."
        return f"{figure[0].upper()}{figure[1:]}{where} is {said(value)}{unit}."
    parts = [f"{_words(row[:-1])}: {said(row[-1])}{unit}" for row in answered.rows[:SHOWN]]
    by = " and ".join(sheet.columns[each].title for each in query.groups)
    return f"{figure[0].upper()}{figure[1:]} by {by}{where}: {'; '.join(parts)}{_more(answered)}."


def plain(answered: Answered) -> str:
    """Return what a query gave that nobody here knows the meaning of: the names of its columns with their values."""
    if not answered.rows:
        return "No row of the table fits."
    rows = [
        ", ".join(f"{name} {said(value)}" for name, value in zip(answered.columns, row, strict=True))
        for row in answered.rows[:SHOWN]
    ]
    return f"{'; '.join(rows)}{_more(answered)}."


def counted(places: Answered, size: int) -> str:
    """Return which rows a figure rests on."""
    numbers = [str(row[0]) for row in places.rows[:_PLACES]]
    count = len(places.rows)
    if places.more:
        return f"Worked out over more than {count} of {size} rows."
    if count == size:
        return f"Worked out over all {size} rows."
    listed = (
        f" ({'row' if count == 1 else 'rows'} {', '.join(numbers)}{' …' if count > len(numbers) else ''})"
        if numbers
        else ""
    )
    return f"Worked out over {count} of {size} rows{listed}."


def said(value: Cell) -> str:
    """Return a value as it is written: a figure exactly, or, of more than six decimals, rounded and said so."""
    match value:
        case None:
            return "nothing"
        case str():
            return " ".join(value.split())
        case int():
            return str(value)
        case float():
            exact = Decimal(f"{value:.15g}")  # what a double holds of a decimal fraction
            if -int(exact.as_tuple().exponent) <= 6:
                return f"{exact.normalize():f}"
            rounded = round(exact, 4) if abs(exact) >= 1 else exact.normalize(Context(prec=6, rounding=ROUND_HALF_EVEN))
            return f"about {rounded:f}"


def _rows(query: Query, sheet: Sheet, answered: Answered, where: str) -> str:
    titles = [sheet.columns[each].title for each in query.columns]
    if not answered.rows:
        return f"No row of the table has a value of {' and '.join(titles)}{where}."
    units = [sheet.columns[each].unit for each in query.columns]
    parts = [
        ", ".join(
            f"{said(value)}{f' {unit}' if unit and value is not None else ''}"
            for value, unit in zip(row, units, strict=True)
        )
        for row in answered.rows[:SHOWN]
    ]
    order = ""
    if query.sort is not None and query.sort.column in sheet.columns and query.top:
        column = sheet.columns[query.sort.column]
        days = column.type in {"date", "time"}
        end = ("latest" if days else "highest") if query.sort.falling else ("earliest" if days else "lowest")
        order = f" with the {end} {column.title}"
        where = _where([each for each in query.where if each.value is not None], sheet)
    return f"{', '.join(titles)}{order}{where}: {'; '.join(parts)}{_more(answered)}."


def _measure(measure: Measure, sheet: Sheet) -> str:
    if measure.work == "count":
        return f"the number of rows of {sheet.table.title}"
    return _WORKS[measure.work].format(sheet.columns[measure.column].title)


def _unit(measure: Measure, sheet: Sheet) -> str:
    unit = sheet.columns[measure.column].unit if measure.column and measure.work != "distinct" else ""
    return f" {unit}" if unit else ""


def _where(conditions: Sequence[Condition], sheet: Sheet) -> str:
    parts = []
    for each in conditions:
        title, value = sheet.columns[each.column].title, each.value
        if isinstance(value, tuple):
            parts.append(f"{title} is {' or '.join(map(said, value))}")
        elif each.sign == "begins":
            parts.append(f"{title} is in {value}" if len(str(value)) < 10 else f"{title} is {value}")
        elif value is None:
            continue
        else:
            late = str(value).endswith(" 24")
            parts.append(f"{title} {_SIGNS[each.sign]} {said(value)[:-3] if late else said(value)}")
    return f" where {' and '.join(parts)}" if parts else ""


def _words(values: Sequence[Cell]) -> str:
    return ", ".join(map(said, values))


def _more(answered: Answered) -> str:
    over = len(answered.rows) - SHOWN
    if answered.more:
        return f"; and more than {max(0, over)} further rows"
    return f"; and {over} further rows" if over > 0 else ""
