"""A plain English question as a query, by rules: every word must name something, and all of it must mean one thing.

What the rules are not sure of they refuse, for a wrong figure is worse than none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rowen.retrieve.tables.mentions import Mention, Unsure, mentions
from rowen.retrieve.tables.sheet import Sheet, Word
from rowen.retrieve.tables.words import IGNORED, ONCE, PIECES, PLACES, PLAIN_VERBS
from rowen.store.tables import Condition, Measure, Query, Sort
from rowen.store.tables.query import Work

_ASKING = frozenset(("which", "what", "who", "whose", "list", "show", "name", "give", "find"))


class Planned(NamedTuple):
    """A query that a question asks for, and how many of its words it rests on."""

    query: Query
    weight: int


def planned(question: str, sheet: Sheet) -> Planned:
    """Return what a question asks of a table.

    Raises:
        Unsure: it may mean something else, or nothing here.

    """
    words, found = mentions(question, sheet)
    own = [each for each in found if each.kind in {"column", "value", "noun", "asked"}]
    if not own:
        raise Unsure("it names nothing of the table")
    reading = _Reading(sheet, words, found)
    query = reading.query()
    return Planned(query, sum(each.end - each.start for each in own))


@dataclass(slots=True)
class _Reading:
    """One question under way: what is understood leaves `left`; all must have left in the end."""

    sheet: Sheet
    words: Sequence[Word]
    left: list[Mention]
    where: list[Condition] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    noun: bool = False
    pieces: bool = False
    """Whether things are counted of which a row may have several: how many rakes."""

    def query(self) -> Query:
        self.noun = self._drop("noun")
        self._compared()
        self._dated()
        self._equal()
        self._valued()
        self._grouped()
        common = self._take("common")
        works = self._works()
        most = self._take("most")
        adjective = self._take("adjective")
        asked = self._take("asked")
        self._drop("unit")
        if len([*works, *([most] if most else []), *([adjective] if adjective else [])]) > (
            2 if most or adjective else 1
        ):
            raise Unsure("it asks for several figures at once")
        if common is not None:
            query = self._common()
        elif adjective is not None:
            query = self._ranked(adjective, works, self._meant(adjective))
        elif most is not None:
            query = self._ranked(most, works, "")
        elif works:
            query = self._worked(works[0])
        else:
            query = self._looked_up(asked)
        self.left = [each for each in self.left if each.kind != "sorted" and not self._is_verb(each)]
        if self.left:
            said = " ".join(word.text for word in self.words[self.left[0].start : self.left[0].end])
            raise Unsure(f'it is not clear what "{said}" is to do with it')
        return query

    def _works(self) -> list[Mention]:
        """Take what is to be worked out: `the median number of species` is a median, `how many in total` a count."""
        works = self._all("work")
        counts = [each for each in works if each.work == "count"]
        others = [each for each in works if each.work != "count"]
        if len(counts) == len(others) == 1:
            following = self._touching(counts[0].end, after=True)
            if (
                following is not None
                and following.kind == "column"
                and self._is_figure(following)
                and counts[0].start > others[0].start
            ):
                return others
            if others[0].work == "sum":
                return counts
        return works

    def _rows(self) -> None:
        """Take the column that names rows where it stands for them: the average area of a meadow."""
        for each in [each for each in self.left if each.kind == "column" and each.columns == (self.sheet.label,)]:
            if not self.words[each.end - 1].text.endswith(("ed", "ing")):
                self.noun = True
                self.left.remove(each)

    def _is_verb(self, mention: Mention) -> bool:
        """Whether a word that also names a column may be but the verb of the question: the quantity of rakes ordered."""
        return mention.kind == "column" and all(
            self.words[at].stem in PLAIN_VERBS for at in range(mention.start, mention.end)
        )

    # What must hold.

    def _compared(self) -> None:
        """Take `more than 10 units`, `salary above 60000`, `between 10 and 20 kg`, `after 2021`."""
        for sign in self._all("sign"):
            value = self._next(sign, {"number", "day"})
            if value is None:
                raise Unsure("it compares with something that is no figure")
            self._compare(sign, value, sign.end)
        for between in self._all("between"):
            one = self._next(between, {"number", "day"})
            other = self._next(one, {"number", "day"}) if one is not None else None
            if one is None or other is None or one.kind != other.kind:
                raise Unsure("it is not clear what it is between")
            self.left = [each for each in self.left if each is not one]
            column = self._beside(between, other)
            self.where.append(self._condition(column, ">=", one))
            self.where.append(self._condition(column, "<=", other))
            self.left = [each for each in self.left if each is not other]

    def _compare(self, sign: Mention, value: Mention, end: int) -> None:
        column = self._beside(sign, value)
        self.where.append(self._condition(column, sign.sign, value))
        self.left = [each for each in self.left if each is not value]
        if end > value.start and sign.end != end:
            raise Unsure("it compares with something else")

    def _condition(self, column: str, sign: str, value: Mention) -> Condition:
        is_day = self.sheet.columns[column].type in {"date", "time"}
        if value.day is not None and is_day:
            late = " 24" if self.sheet.columns[column].type == "time" else ""
            match sign:
                case ">":
                    return Condition(column, ">", value.day.last + late)
                case ">=":
                    return Condition(column, ">=", value.day.first)
                case "<":
                    return Condition(column, "<", value.day.first)
                case "<=":
                    return Condition(column, "<=", value.day.last + late)
                case _:
                    return Condition(column, "begins", value.day.begins)
        number = int(value.number) if float(value.number).is_integer() else value.number
        if is_day or (value.kind == "day" and not value.number):
            raise Unsure("a day and a figure do not compare")
        if sign not in {"=", ">", ">=", "<", "<="}:
            raise Unsure("it compares in a way that is not known")
        return Condition(column, sign, number)  # type: ignore[arg-type]  # seen one line above

    def _beside(self, sign: Mention, value: Mention) -> str:
        """Return the column that a comparison is about: the one right after its figure or right before it, or the only one."""
        wanted = self.sheet.dates if value.kind == "day" and not self._figure(value) else self.sheet.numbers
        for neighbour in (self._touching(value.end, after=True), self._touching(sign.start, after=False)):
            if neighbour is None or neighbour.kind not in {"column", "unit"}:
                continue
            fitting = [name for name in neighbour.columns if name in (*wanted, *self.sheet.numbers, *self.sheet.dates)]
            if len(fitting) == 1:
                self.left.remove(neighbour)
                return fitting[0]
        if len(wanted) == 1:
            return wanted[0]
        raise Unsure("it is not clear which column is compared")

    def _figure(self, value: Mention) -> bool:
        """Whether what may be a year stands for a mere figure, since the table has no days."""
        return bool(value.number) and not self.sheet.dates

    def _dated(self) -> None:
        """Take `in March 2025`, which holds of the only column of days, or the one beside it."""
        for day in self._all("day"):
            if self._figure(day):
                self.left.append(day._replace(kind="number"))
                self.left.sort(key=lambda each: each.start)
                continue
            beside = self._touching(day.start, after=False) or self._touching(day.end, after=True)
            named = [name for name in (beside.columns if beside else ()) if name in self.sheet.dates]
            if len(named) == 1 and beside is not None:
                self.left.remove(beside)
            elif len(self.sheet.dates) == 1:
                named = list(self.sheet.dates)
            if len(named) != 1:
                raise Unsure("it is not clear which column the day is of")
            self.where.append(self._condition(named[0], "=", day))

    def _equal(self) -> None:
        """Take `order 1009`, `quantity of 10`, `12 species`: a column of figures beside a figure."""
        for number in [each for each in self.left if each.kind == "number"]:
            before, after = self._touching(number.start, after=False), self._touching(number.end, after=True)
            if any(each is not None and each.kind in {"most", "adjective"} for each in (before, after)):
                continue  # the top 3
            for neighbour in (before, after):
                if neighbour is None or neighbour.kind not in {"column", "unit"} or neighbour not in self.left:
                    continue
                fitting = [each for each in neighbour.columns if self.sheet.columns[each].type in {"integer", "number"}]
                if len(fitting) == 1:
                    self.where.append(self._condition(fitting[0], "=", number))
                    self.left = [each for each in self.left if each not in {number, neighbour}]
                    break

    def _valued(self) -> None:
        """Take values, and the names of their columns beside them; several of one column are alternatives."""
        wanted: dict[str, list[str]] = {}
        values = [each for each in self.left if each.kind == "value"]
        for value in values:
            beside = [self._touching(value.start, after=False), self._touching(value.end, after=True)]
            named = {name for each in beside if each is not None and each.kind == "column" for name in each.columns}
            places = [each for each in value.places if each.column in named] or list(value.places)
            if len({each.column for each in places}) != 1 or len({each.value.lower() for each in places}) != 1:
                said = " ".join(word.text for word in self.words[value.start : value.end])
                raise Unsure(f'"{said}" may be several things')
            column = places[0].column
            wanted.setdefault(column, []).append(places[0].value)
            for each in beside:
                asks = each is not None and each.start and self.words[each.start - 1].text in {"which", "what"}
                if (
                    each is not None
                    and each.kind == "column"
                    and column in each.columns
                    and each in self.left
                    and not asks
                ):
                    self.left.remove(each)
        self.pieces = any(
            self._counts(work, values) for work in self.left if work.kind == "work" and work.work == "count"
        )
        self._all("value")
        for column, chosen in wanted.items():
            self.where.append(
                Condition(column, "=", chosen[0]) if len(chosen) == 1 else Condition(column, "in", tuple(chosen))
            )
        if len({each.column for each in self.where}) > 1 and "or" in {word.text for word in self.words}:
            raise Unsure("it is not clear what the alternatives are")

    def _counts(self, work: Mention, values: Sequence[Mention]) -> bool:
        """Whether what is counted is a value, not rows that have it: how many rakes, but not how many open orders."""
        counted = self._touching(work.end, after=True)
        if counted not in values or counted is None:
            return False
        following = self.words[counted.end].stem if counted.end < len(self.words) else ""
        label = self.sheet.stems[self.sheet.label] if self.sheet.label else ()
        return following not in {*self.sheet.nouns, *label}

    def _grouped(self) -> None:
        """Take `per department`, `by region`, `in each city`; `by price` in a ranking is what is ranked by."""
        for group in self._all("group"):
            column = self._next(group, {"column"})
            if column is None:
                if self.noun:
                    continue  # the average per order
                raise Unsure("it is not clear by what it is parted")
            name = self._one(column)
            if name in self.sheet.numbers and self.words[group.start].text == "by":
                continue  # left for the ranking
            if name == self.sheet.label and self.words[group.start].text in {"per", "each", "every"}:
                self.left.remove(column)
                continue  # each row is such a one
            self.groups.append(name)
            self.left.remove(column)

    # What is asked for.

    def _worked(self, work: Mention) -> Query:
        if work.work == "count":
            return self._counted(work)
        name = self._measured()
        if (
            name
            and work.work != "median"
            and work.work == "sum"
            and not set(self.sheet.stems[name]).isdisjoint(ONCE)
            and self._one_row
        ):
            return Query(self.sheet.name, columns=(name,), where=tuple(self.where))
        return self._figures((Measure(work.work, name),))

    @property
    def _one_row(self) -> bool:
        return any(each.column == self.sheet.label and each.sign == "=" for each in self.where)

    def _counted(self, work: Mention) -> Query:
        column = self._next(work, {"column"})
        if column is not None and self._touching(work.end, after=True) is column:
            name = self._one(column)
            self.left.remove(column)
            if name in self.sheet.numbers:
                if not set(self.sheet.stems[name]).isdisjoint(ONCE):
                    raise Unsure("how many of them there are is not what the column says")
                return self._figures((Measure("sum", name),))
            if name != self.sheet.label:
                return self._figures((Measure("distinct", name),))
            self.noun = True
        if self.pieces:
            pieces = [each for each in self.sheet.numbers if PIECES.issuperset(self.sheet.stems[each])]
            if len(pieces) == 1:
                return self._figures((Measure("sum", pieces[0]),))
        self._affirmed()
        if not (self.noun or self.where or self.groups or self._people(work)):
            raise Unsure("it is not clear what is counted")
        return self._figures((Measure("count"),))

    def _people(self, work: Mention) -> bool:
        return work.end < len(self.words) and self.words[work.end].text in {"times", "people", "items"}

    def _affirmed(self) -> None:
        """Take `are remote`: of a column of yes and no, those that say yes."""
        for column in [each for each in self.left if each.kind == "column" and len(each.columns) == 1]:
            if yes := self.sheet.yes(column.columns[0]):
                self.where.append(Condition(column.columns[0], "=", yes))
                self.left.remove(column)

    def _figures(self, measures: tuple[Measure, ...]) -> Query:
        groups = tuple(self.groups)
        self._affirmed()
        self._rows()
        if not groups and (asking := self._asking()) is not None and measures[0].work == "count":
            raise Unsure(f'it is not clear what "{asking}" is to be counted by')
        sort = Sort(groups[0]) if groups else None
        return Query(self.sheet.name, groups, measures, tuple(self.where), groups, sort)

    def _ranked(self, rank: Mention, works: Sequence[Mention], named: str) -> Query:
        """Return the first of rows, or of groups, by a figure; or that figure alone, where nobody asks whose it is."""
        falling = rank.meant.falling if rank.meant is not None else rank.falling
        top = self._top(rank)
        asking = self._asking(rank)
        self._rows()
        name = named or self._measured(but=asking, optional=True)
        work: Work | None = works[0].work if works else None
        if work == "count":
            raise Unsure("it counts and ranks at once")
        self._affirmed()
        if not name and rank.kind == "most" and asking is not None and asking != self.sheet.label:
            if not (self.noun and self.words[rank.start].text in {"most", "fewest", "least"}):
                raise Unsure("it is not clear what it is ranked by")
            return self._by_groups(asking, Measure("count"), top, falling=falling)
        if not name:
            raise Unsure("it is not clear what it is ranked by")
        if asking is not None and asking != self.sheet.label:
            if work is not None:
                return self._by_groups(asking, Measure(work, name), top, falling=falling)
            much = rank.kind == "most" and self.words[rank.start].text in {"most", "fewest", "least"}
            if much and name in self.sheet.numbers and set(self.sheet.stems[name]).isdisjoint(ONCE):
                return self._by_groups(asking, Measure("sum", name), top, falling=falling)
        if work is not None:
            raise Unsure("it is not clear of what the largest is meant")
        if asking is None and not self.noun and top == 1 and rank.kind == "most" and not self._who:
            self._none_grouped_wrongly()
            return self._figures((Measure("max" if falling else "min", name),))
        if self.groups:
            raise Unsure("a ranking inside of groups is more than one query")
        whose = asking or self.sheet.label
        if not whose:
            raise Unsure("nothing in the table says whose figure it is")
        where = (*self.where, Condition(name, "<>", None))
        distinct = whose != self.sheet.label
        return Query(self.sheet.name, (whose, name), (), where, (), Sort(name, falling), top, distinct=distinct)

    def _by_groups(self, group: str, measure: Measure, top: int, *, falling: bool) -> Query:
        if self.groups:
            raise Unsure("it is parted in two ways")
        return Query(self.sheet.name, (group,), (measure,), tuple(self.where), (group,), Sort("", falling), top)

    def _none_grouped_wrongly(self) -> None:
        if len(self.groups) > 1:
            raise Unsure("it is parted in two ways")

    def _common(self) -> Query:
        columns = self._all("column")
        if len(columns) != 1:
            raise Unsure("it is not clear what is most common")
        return self._by_groups(self._one(columns[0]), Measure("count"), 1, falling=True)

    def _looked_up(self, asked: Mention | None) -> Query:
        named = self._all("column")
        shown = [self._one(each) for each in named if not self._is_verb(each)] or [self._one(each) for each in named]
        if asked is not None:
            shown.append(self._one(asked))
        if not shown and self.words and self.words[0].text == "when" and len(self.sheet.dates) == 1:
            shown = [self.sheet.dates[0]]
        if not shown and self.words and self.words[0].text == "where":
            shown = [name for name, own in self.sheet.stems.items() if not PLACES.isdisjoint(own)][:2]
            if len(shown) != 1:
                raise Unsure("it is not clear which column says where")
        if not self.where:
            if len(shown) != 1 or self.words[0].text not in _ASKING or self._much:
                raise Unsure("it asks for no figure and names no row")
            return Query(self.sheet.name, (shown[0],), (), (), (), Sort(shown[0]), 0, distinct=True)
        if self.groups:
            raise Unsure("it is parted, and nothing is worked out")
        if self._much and len(shown) == 1 and shown[0] in self.sheet.numbers:
            name = shown[0]
            if set(self.sheet.stems[name]).isdisjoint(ONCE) and not self._one_row:
                return Query(self.sheet.name, (), (Measure("sum", name),), tuple(self.where))
            shown = [name]
        if not shown and self.noun and self.sheet.label and self.words[0].text in {*_ASKING, "who"}:
            shown = [self.sheet.label]
        if not shown and self._who and self.sheet.label:
            shown = [self.sheet.label]
        if not shown:
            raise Unsure("it does not say what of the row is asked for")
        one = any(each.column == self.sheet.label and each.sign == "=" for each in self.where)
        label = () if one or not self.sheet.label else (self.sheet.label,)
        if any(name in self.sheet.numbers for name in shown) and not one:
            columns, distinct = tuple(dict.fromkeys((*self._whose(), *shown))), True
        else:
            columns, distinct = (
                tuple(dict.fromkeys((*label, *shown) if shown == list(label) or one else shown)),
                not one,
            )
        return Query(self.sheet.name, columns, (), tuple(self.where), (), None, 0, distinct=distinct)

    def _whose(self) -> tuple[str, ...]:
        return tuple(each.column for each in self.where if each.sign in {"=", "in"})

    # How words stand to each other.

    @property
    def _much(self) -> bool:
        return any(
            one.text == "how" and two.text == "much" for one, two in zip(self.words, self.words[1:], strict=False)
        )

    @property
    def _who(self) -> bool:
        return bool(self.words) and self.words[0].text == "who"

    def _asking(self, rank: Mention | None = None) -> str | None:
        """Take the column right after `which` or `what`, or after a ranking (`top 3 products`); or the label for `who`."""
        for mention in self.left:
            if mention.kind == "column" and mention.start:
                before = self._back(mention.start, rank)
                if before in {"which", "what", "whose", "list", "show", "name", "top"} and not self._is_figure(mention):
                    self.left.remove(mention)
                    return self._one(mention)
        if self._who or (self.noun and self.words[0].text in {"which", "what", "list", "show", "name", "top", "give"}):
            return self.sheet.label or None
        return None

    def _is_figure(self, mention: Mention) -> bool:
        return len(mention.columns) == 1 and mention.columns[0] in self.sheet.numbers

    def _back(self, at: int, rank: Mention | None) -> str:
        """Return the word before a place, over articles, figures and rankings."""
        at -= 1
        while at > 0 and (
            self.words[at].text in {"the", "a", "an", "is", "are", "different"}
            or self.words[at].text.isdigit()
            or (rank is not None and rank.start <= at < rank.end)
            or any(each.kind == "number" and each.start <= at < each.end for each in self.left)
        ):
            at -= 1
        return self.words[at].text if at >= 0 else ""

    def _top(self, rank: Mention) -> int:
        for number in self._all("number"):
            if abs(number.start - rank.end) <= 1 or abs(rank.start - number.end) <= 1:
                if number.number != int(number.number) or not 0 < number.number <= 100:
                    raise Unsure("so many cannot be ranked")
                return int(number.number)
            self.left.append(number)
        return 1

    def _measured(self, *, but: str | None = None, optional: bool = False) -> str:
        """Take the column of figures that something is worked out of."""
        named = [each for each in self.left if each.kind == "column"]
        fitting = [
            (
                each,
                [
                    name
                    for name in each.columns
                    if name in (*self.sheet.numbers, *(self.sheet.dates if optional else ()))
                ],
            )
            for each in named
        ]
        fitting = [(each, names) for each, names in fitting if names and names != [but]]
        if len(fitting) == 1 and len(fitting[0][1]) == 1:
            self.left.remove(fitting[0][0])
            return fitting[0][1][0]
        if len(fitting) > 1 or (fitting and len(fitting[0][1]) > 1):
            raise Unsure("it is not clear which column is worked with")
        if optional:
            return ""
        raise Unsure("it does not name the column of figures")

    def _meant(self, adjective: Mention) -> str:
        """Return the column that an adjective is about: one that is called so, or the only one of days for `latest`."""
        meant = adjective.meant
        assert meant is not None
        named = [name for name, own in self.sheet.stems.items() if not meant.columns.isdisjoint(own)]
        fitting = [name for name in named if name in (*self.sheet.numbers, *self.sheet.dates)]
        if not fitting and "date" in meant.columns and len(self.sheet.dates) == 1:
            fitting = list(self.sheet.dates)
        beside = [
            each
            for each in self.left
            if each.kind == "column" and len(each.columns) == 1 and each.columns[0] in fitting
        ]
        if len(beside) == 1:
            fitting = [beside[0].columns[0]]
            self.left.remove(beside[0])
        if len(fitting) != 1:
            raise Unsure("it is not clear which column it is ranked by")
        return fitting[0]

    def _one(self, mention: Mention) -> str:
        if len(mention.columns) != 1:
            said = " ".join(word.text for word in self.words[mention.start : mention.end])
            raise Unsure(f'"{said}" may be several columns')
        return mention.columns[0]

    def _touching(self, at: int, *, after: bool) -> Mention | None:
        """Return the mention that begins at a place, or ends there, with nothing but words without a meaning between."""
        step = 1 if after else -1
        place = at if after else at - 1
        while 0 <= place < len(self.words):
            for each in self.left:
                if each.start <= place < each.end:
                    return each
            if self.words[place].text not in IGNORED and self.words[place].stem not in PLAIN_VERBS:
                return None
            place += step
        return None

    def _next(self, mention: Mention, kinds: set[str]) -> Mention | None:
        """Return the mention that follows another, if it is of one of the kinds."""
        following = self._touching(mention.end, after=True)
        return following if following is not None and following.kind in kinds else None

    def _take(self, kind: str) -> Mention | None:
        found = self._all(kind)
        if len(found) > 1:
            raise Unsure("it asks for several figures at once")
        return found[0] if found else None

    def _all(self, kind: str) -> list[Mention]:
        found = [each for each in self.left if each.kind == kind]
        self.left = [each for each in self.left if each.kind != kind]
        return found

    def _drop(self, kind: str) -> bool:
        return bool(self._all(kind))
