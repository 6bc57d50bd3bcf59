"""What a question names: columns, values, figures, days, and what is to be done with them. A word that names nothing is told."""

import calendar
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from rowen.retrieve.parse.typed import MONTHS
from rowen.retrieve.tables.sheet import Place, Sheet, Word, words_of
from rowen.retrieve.tables.words import (
    ADJECTIVES,
    ALIKE,
    ASKED,
    COMMON,
    COUNTS,
    GROUPED,
    IGNORED,
    LEAST,
    MEANS,
    MEDIANS,
    MORE,
    MOST,
    NEGATIONS,
    NUMBERS,
    PLAIN_VERBS,
    POLITE,
    SORTED,
    SUMS,
    Meant,
)
from rowen.store.tables.query import Sign, Work

_LONGEST = 8
_YEARS = range(1900, 2101)


class Unsure(Exception):
    """The rules do not understand a question well enough to answer it; says why."""


class Day(NamedTuple):
    """A day, a month or a year, as its first and last day."""

    first: str
    last: str
    begins: str
    """What all days in it begin with."""


Kind = Literal[
    "column", "value", "work", "most", "adjective", "asked", "sign", "between", "number", "day", "group", "common", "sorted",
    "noun", "unit",
]  # fmt: skip


class Mention(NamedTuple):
    """Some words of a question, and what they name."""

    kind: Kind
    start: int
    end: int
    columns: tuple[str, ...] = ()
    """Of a column, a unit or what is asked: any of them may be meant."""
    places: tuple[Place, ...] = ()
    work: Work = "count"
    sign: Sign = "="
    meant: Meant | None = None
    number: float = 0
    day: Day | None = None
    falling: bool = True
    rank: int = 0
    """Of two mentions of as many words, which is meant."""


def mentions(question: str, sheet: Sheet) -> tuple[list[Word], list[Mention]]:
    """Return a question's words, and what they name, in reading order; no word is in two mentions.

    Raises:
        Unsure: a word names nothing, or two things.

    """
    words = words_of(question)
    found = sorted(_found(words, sheet), key=lambda each: (-(each.end - each.start), -each.rank, each.start))
    taken: list[Mention] = []
    used: set[int] = set()
    said = [each for each in found if each.kind == "column"]
    for each in found:
        # `mown first`, of a column `First mown on`, asks for the first of them.
        again = each.kind == "column" and any(
            other.columns == each.columns and other.start != each.start for other in said
        )
        if again and (words[each.start].text,) in ADJECTIVES and each.end == each.start + 1:
            continue
        if used.isdisjoint(range(each.start, each.end)):
            taken.append(each)
            used.update(range(each.start, each.end))
    texts = [word.text for word in words]
    polite = {
        at + more
        for phrase in POLITE
        for at in range(len(words))
        if tuple(texts[at : at + len(phrase)]) == phrase
        for more in range(len(phrase))
    }
    for at, word in enumerate(words):
        if at in used or at in polite:
            continue
        if word.text in NEGATIONS or word.text.endswith("n't"):
            raise Unsure(f'"{word.text}" turns the question around')
        if word.text not in IGNORED and word.stem not in PLAIN_VERBS:
            raise Unsure(f'"{word.text}" names nothing in the table')
    return words, sorted(taken, key=lambda each: each.start)


def _found(words: Sequence[Word], sheet: Sheet) -> Iterator[Mention]:
    stems, texts = [word.stem for word in words], [word.text for word in words]
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + _LONGEST) + 1):
            key = tuple(stems[start:end])
            if all(text in IGNORED for text in texts[start:end]):
                # On shelf A: a word that says nothing is a value where it stands behind its column's name.
                column = stems[start - 1] if start else ""
                named = tuple(each for each in sheet.values.get(key, ()) if column in sheet.stems[each.column])
                if named:
                    yield Mention("value", start, end, places=named, rank=8)
                yield from _phrases(tuple(texts[start:end]), start, end, sheet)
                continue
            if places := sheet.values.get(key):
                yield Mention("value", start, end, places=places, rank=8)
            if columns := tuple(name for name, own in sheet.stems.items() if own == key):
                yield Mention("column", start, end, columns=columns, rank=9)
            elif columns := _partly(key, sheet):
                yield Mention("column", start, end, columns=columns, rank=6)
            yield from _phrases(tuple(texts[start:end]), start, end, sheet)
        yield from _single(words, start, sheet)
        yield from _days(texts, start)


def _partly(key: tuple[str, ...], sheet: Sheet) -> tuple[str, ...]:
    """Return the columns whose titles have these words among others, or a word for the same thing."""
    found = [name for name, own in sheet.stems.items() if any(own[at : at + len(key)] == key for at in range(len(own)))]
    if not found and len(key) == 1:
        alike = [each for each in ALIKE if key[0] in each]
        found = [name for name, own in sheet.stems.items() if any(not each.isdisjoint(own) for each in alike)]
    return tuple(found)


def _phrases(key: tuple[str, ...], start: int, end: int, sheet: Sheet) -> Iterator[Mention]:
    works: tuple[tuple[Work, tuple[tuple[str, ...], ...]], ...] = (
        ("count", COUNTS), ("sum", SUMS), ("avg", MEANS), ("median", MEDIANS),
    )  # fmt: skip
    for work, phrases in works:
        if key in phrases:
            yield Mention("work", start, end, work=work, rank=5)
    if key in COMMON:
        yield Mention("common", start, end, rank=5)
    if key in MORE:
        yield Mention("sign", start, end, sign=MORE[key], rank=5)
    if key in ADJECTIVES:
        yield Mention("adjective", start, end, meant=ADJECTIVES[key], rank=5)
    if key in ASKED:
        columns = tuple(name for name, own in sheet.stems.items() if not ASKED[key].isdisjoint(own))
        if columns:
            yield Mention("asked", start, end, columns=columns, rank=7)
    if len(key) == 1:
        (word,) = key
        if word in MOST or word in LEAST:
            yield Mention("most", start, end, falling=word in MOST, rank=4)
        if word == "between":
            yield Mention("between", start, end, rank=5)
        if word in GROUPED:
            yield Mention("group", start, end, rank=5)
        if word in SORTED and word != "order":
            yield Mention("sorted", start, end, rank=2)


def _single(words: Sequence[Word], at: int, sheet: Sheet) -> Iterator[Mention]:
    """Yield what one word may name."""
    text, stem = words[at]
    if text in NUMBERS or text[0].isdecimal():
        number = NUMBERS.get(text) if text in NUMBERS else _number(text)
        if number is not None and text != "one":
            yield Mention("number", at, at + 1, number=number, rank=3)
    if stem in sheet.nouns and text not in IGNORED:
        yield Mention("noun", at, at + 1, rank=5)
    if places := sheet.parts.get(stem, ()):
        yield Mention("value", at, at + 1, places=places, rank=1)
    if columns := tuple(each.name for each in sheet.table.columns if each.unit and each.unit.lower() == text):
        yield Mention("unit", at, at + 1, columns=columns, rank=4)


def _days(texts: Sequence[str], at: int) -> Iterator[Mention]:
    """Yield the day, the month or the year that begins at a word."""
    one, two, three = (*texts[at : at + 3], "", "", "")[:3]
    if len(one) in {7, 10} and one[4] == "-":
        parts = [int(part) for part in one.split("-")]
        if found := _day(*parts):
            yield Mention("day", at, at + 1, day=found, rank=7)
    month = MONTHS.get(one)
    if month and _year(two) and (found := _day(_year(two), month)):
        yield Mention("day", at, at + 2, day=found, rank=7)
    if month and two.isdecimal() and _year(three) and (found := _day(_year(three), month, int(two))):
        yield Mention("day", at, at + 3, day=found, rank=7)
    if one.isdecimal() and MONTHS.get(two) and _year(three) and (found := _day(_year(three), MONTHS[two], int(one))):
        yield Mention("day", at, at + 3, day=found, rank=7)
    if _year(one) and (found := _day(_year(one))):
        yield Mention("day", at, at + 1, day=found, number=float(one), rank=4)


def _day(year: int, month: int = 0, day: int = 0) -> Day | None:
    if month > 12 or (month and day > calendar.monthrange(year, month)[1]):
        return None
    if day:
        whole = f"{year:04}-{month:02}-{day:02}"
        return Day(whole, whole, whole)
    if month:
        begins = f"{year:04}-{month:02}"
        return Day(f"{begins}-01", f"{begins}-{calendar.monthrange(year, month)[1]:02}", begins)
    return Day(f"{year:04}-01-01", f"{year:04}-12-31", f"{year:04}")


def _year(text: str) -> int:
    return int(text) if len(text) == 4 and text.isdecimal() and int(text) in _YEARS else 0


def _number(text: str) -> float | None:
    """Return a number as questions have it: `1,000` is a thousand, `1.5` one and a half."""
    head, *groups = text.split(",")
    if groups and not all(len(each.split(".")[0]) == 3 for each in groups):
        return None
    try:
        number = float(head + "".join(groups))
    except ValueError:
        return None
    return int(number) if number.is_integer() else number
