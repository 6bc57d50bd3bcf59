"""A table as questions are held against it: the words of its columns, and of everything that stands in them."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from rowen.retrieve.tables.words import ALIKE, NO, YES
from rowen.store.analyse.porter import stem
from rowen.values import Column, Table

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*|_|[^\w\s]")
_LONGEST = 8  # words of a value that a question may name
_VALUES = 200_000  # of one table that are known by their words

_stem = lru_cache(maxsize=20_000)(stem)  # cells of a column repeat their words


class Word(NamedTuple):
    """A word of a question."""

    text: str
    """In lower case."""
    stem: str


class Place(NamedTuple):
    """A value, and the column that has it."""

    column: str
    value: str


def words_of(text: str) -> list[Word]:
    """Return the words and numbers of a text, without signs."""
    found = [each for each in _WORD.findall(text.lower().replace("’", "'")) if each[0].isalnum()]
    plain = [each.removesuffix("'s").removesuffix("s'") if "'" in each else each for each in found]
    return [Word(each, _stem(each)) for each in plain]


class Sheet:
    """A table with its words.

    Args:
        name: as queries name it.
        table: with its rows.

    """

    def __init__(self, name: str, table: Table) -> None:
        self.name = name
        self.table = table
        self.columns: Mapping[str, Column] = {each.name: each for each in table.columns}
        self.stems: Mapping[str, tuple[str, ...]] = {
            each.name: tuple(word.stem for word in words_of(_bare(each.title))) for each in table.columns
        }
        nouns = {
            word.stem for word in words_of(f"{table.name} {table.title}".replace("_", " ")) if not word.text.isdigit()
        }
        self.nouns = frozenset(nouns.union(*(alike for alike in ALIKE if not nouns.isdisjoint(alike))))

    @cached_property
    def values(self) -> Mapping[tuple[str, ...], tuple[Place, ...]]:
        """What stands in columns of text, by the stems of its words."""
        found: dict[tuple[str, ...], dict[Place, None]] = {}
        count = 0
        for name, values in self._texts.items():
            for value in values:
                count += 1
                key = tuple(word.stem for word in words_of(value))
                if 0 < len(key) <= _LONGEST and count <= _VALUES:
                    found.setdefault(key, {})[Place(name, value)] = None
        return {key: tuple(places) for key, places in found.items()}

    @cached_property
    def parts(self) -> Mapping[str, tuple[Place, ...]]:
        """What stands in the column that names rows, by each of its words: `brenn` is Ada Brenn, where no one else is."""
        found: dict[str, dict[Place, None]] = {}
        for value in self._texts.get(self.label, ()) if self.label else ():
            for word in words_of(value):
                found.setdefault(word.stem, {})[Place(self.label, value)] = None
        return {key: tuple(places) for key, places in found.items()}

    @cached_property
    def label(self) -> str:
        """The column that tells rows apart for people: the first of text, or else of whole numbers, without a value twice."""
        for types in (("text",), ("integer",)):
            for number, column in enumerate(self.table.columns):
                values = [row[number] for row in self.table.rows]
                if (
                    column.type in types
                    and None not in values
                    and len({str(each).lower() for each in values}) == len(values)
                ):
                    return column.name
        return ""

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """The columns of figures, but the one that names rows."""
        return tuple(
            each.name for each in self.table.columns if each.type in {"integer", "number"} and each.name != self.label
        )

    @cached_property
    def dates(self) -> tuple[str, ...]:
        """The columns of days."""
        return tuple(each.name for each in self.table.columns if each.type in {"date", "time"})

    def yes(self, name: str) -> str:
        """Return how a column of yes and no says yes; empty for another column."""
        said = {each.lower(): each for each in self._texts.get(name, ())}
        if len(said) == 2 and set(said) <= YES | NO:
            return next((value for key, value in said.items() if key in YES), "")
        return ""

    @cached_property
    def _texts(self) -> Mapping[str, Sequence[str]]:
        """The different values of columns of text."""
        found: dict[str, Sequence[str]] = {}
        for number, column in enumerate(self.table.columns):
            if column.type == "text":
                found[column.name] = list(dict.fromkeys(str(row[number]) for row in self.table.rows if row[number]))
        return found


def _bare(title: str) -> str:
    """A title without the unit in brackets at its end."""
    return re.sub(r"\s*[(\[][^)\]]*[)\]]\s*$", "", title) or title
