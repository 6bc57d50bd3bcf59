"""A plain English question as a query, by rules: every word must name something, and all of it must mean one thing.

What the rules are not sure of they refuse, for a wrong figure is worse than none.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rowen.retrieve.tables.conditions import narrow
from rowen.retrieve.tables.mentions import Mention, Unsure, mentions
from rowen.retrieve.tables.reading import Reading
from rowen.retrieve.tables.sheet import Sheet
from rowen.retrieve.tables.words import ONCE, PIECES, PLACES
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
    query = _query(Reading(sheet, words, found))
    return Planned(query, sum(each.end - each.start for each in own))


def _query(it: Reading) -> Query:
    it.noun = it.drop("noun")
    narrow(it)
    common = it.take("common")
    works = _works(it)
    most = it.take("most")
    adjective = it.take("adjective")
    asked = it.take("asked")
    it.drop("unit")
    if len([*works, *([most] if most else []), *([adjective] if adjective else [])]) > (2 if most or adjective else 1):
        raise Unsure("it asks for several figures at once")
    if common is not None:
        query = _common(it)
    elif adjective is not None:
        query = _ranked(it, adjective, works, _meant(it, adjective))
    elif most is not None:
        query = _ranked(it, most, works, "")
    elif works:
        query = _worked(it, works[0])
    else:
        query = _looked_up(it, asked)
    it.left = [each for each in it.left if each.kind != "sorted" and not it.is_verb(each)]
    if it.left:
        said = " ".join(word.text for word in it.words[it.left[0].start : it.left[0].end])
        raise Unsure(f'it is not clear what "{said}" is to do with it')
    return query


def _works(it: Reading) -> list[Mention]:
    """Take what is to be worked out: `the median number of species` is a median, `how many in total` a count."""
    works = it.every("work")
    counts = [each for each in works if each.work == "count"]
    others = [each for each in works if each.work != "count"]
    if len(counts) == len(others) == 1:
        following = it.touching(counts[0].end, after=True)
        if (
            following is not None
            and following.kind == "column"
            and it.is_figure(following)
            and counts[0].start > others[0].start
        ):
            return others
        if others[0].work == "sum":
            return counts
    return works


def _rows(it: Reading) -> None:
    """Take the column that names rows where it stands for them: the average area of a meadow."""
    for each in [each for each in it.left if each.kind == "column" and each.columns == (it.sheet.label,)]:
        if not it.words[each.end - 1].text.endswith(("ed", "ing")):
            it.noun = True
            it.left.remove(each)


def _worked(it: Reading, work: Mention) -> Query:
    if work.work == "count":
        return _counted(it, work)
    name = _measured(it)
    if work.work == "sum" and not set(it.sheet.stems[name]).isdisjoint(ONCE) and _one_row(it):
        return Query(it.sheet.name, columns=(name,), where=tuple(it.where))
    return _figures(it, (Measure(work.work, name),))


def _one_row(it: Reading) -> bool:
    return any(each.column == it.sheet.label and each.sign == "=" for each in it.where)


def _counted(it: Reading, work: Mention) -> Query:
    column = it.following(work, {"column"})
    if column is not None and it.touching(work.end, after=True) is column:
        name = it.column(column)
        it.left.remove(column)
        if name in it.sheet.numbers:
            if not set(it.sheet.stems[name]).isdisjoint(ONCE):
                raise Unsure("how many of them there are is not what the column says")
            return _figures(it, (Measure("sum", name),))
        if name != it.sheet.label:
            return _figures(it, (Measure("distinct", name),))
        it.noun = True
    if it.pieces:
        pieces = [each for each in it.sheet.numbers if PIECES.issuperset(it.sheet.stems[each])]
        if len(pieces) == 1:
            return _figures(it, (Measure("sum", pieces[0]),))
    _affirmed(it)
    if not (it.noun or it.where or it.groups or _people(it, work)):
        raise Unsure("it is not clear what is counted")
    return _figures(it, (Measure("count"),))


def _people(it: Reading, work: Mention) -> bool:
    return work.end < len(it.words) and it.words[work.end].text in {"times", "people", "items"}


def _affirmed(it: Reading) -> None:
    """Take `are remote`: of a column of yes and no, those that say yes."""
    for column in [each for each in it.left if each.kind == "column" and len(each.columns) == 1]:
        if yes := it.sheet.yes(column.columns[0]):
            it.where.append(Condition(column.columns[0], "=", yes))
            it.left.remove(column)


def _figures(it: Reading, measures: tuple[Measure, ...]) -> Query:
    groups = tuple(it.groups)
    _affirmed(it)
    _rows(it)
    if not groups and (asking := _asking(it)) is not None and measures[0].work == "count":
        raise Unsure(f'it is not clear what "{asking}" is to be counted by')
    sort = Sort(groups[0]) if groups else None
    return Query(it.sheet.name, groups, measures, tuple(it.where), groups, sort)


def _ranked(it: Reading, rank: Mention, works: Sequence[Mention], named: str) -> Query:
    """Return the first of rows, or of groups, by a figure; or that figure alone, where nobody asks whose it is."""
    falling = rank.meant.falling if rank.meant is not None else rank.falling
    top = _top(it, rank)
    asking = _asking(it, rank)
    _rows(it)
    name = named or _measured(it, but=asking, optional=True)
    work: Work | None = works[0].work if works else None
    if work == "count":
        raise Unsure("it counts and ranks at once")
    _affirmed(it)
    if not name and rank.kind == "most" and asking is not None and asking != it.sheet.label:
        if not (it.noun and it.words[rank.start].text in {"most", "fewest", "least"}):
            raise Unsure("it is not clear what it is ranked by")
        return _by_groups(it, asking, Measure("count"), top, falling=falling)
    if not name:
        raise Unsure("it is not clear what it is ranked by")
    if asking is not None and asking != it.sheet.label:
        if work is not None:
            return _by_groups(it, asking, Measure(work, name), top, falling=falling)
        much = rank.kind == "most" and it.words[rank.start].text in {"most", "fewest", "least"}
        if much and name in it.sheet.numbers and set(it.sheet.stems[name]).isdisjoint(ONCE):
            return _by_groups(it, asking, Measure("sum", name), top, falling=falling)
    if work is not None:
        raise Unsure("it is not clear of what the largest is meant")
    if asking is None and not it.noun and top == 1 and rank.kind == "most" and not it.who:
        _none_grouped_wrongly(it)
        return _figures(it, (Measure("max" if falling else "min", name),))
    if it.groups:
        raise Unsure("a ranking inside of groups is more than one query")
    whose = asking or it.sheet.label
    if not whose:
        raise Unsure("nothing in the table says whose figure it is")
    where = (*it.where, Condition(name, "<>", None))
    distinct = whose != it.sheet.label
    return Query(it.sheet.name, (whose, name), (), where, (), Sort(name, falling), top, distinct=distinct)


def _by_groups(it: Reading, group: str, measure: Measure, top: int, *, falling: bool) -> Query:
    if it.groups:
        raise Unsure("it is parted in two ways")
    return Query(it.sheet.name, (group,), (measure,), tuple(it.where), (group,), Sort("", falling), top)


def _none_grouped_wrongly(it: Reading) -> None:
    if len(it.groups) > 1:
        raise Unsure("it is parted in two ways")


def _common(it: Reading) -> Query:
    columns = it.every("column")
    if len(columns) != 1:
        raise Unsure("it is not clear what is most common")
    return _by_groups(it, it.column(columns[0]), Measure("count"), 1, falling=True)


def _looked_up(it: Reading, asked: Mention | None) -> Query:
    named = it.every("column")
    shown = [it.column(each) for each in named if not it.is_verb(each)] or [it.column(each) for each in named]
    if asked is not None:
        shown.append(it.column(asked))
    if not shown and it.words and it.words[0].text == "when" and len(it.sheet.dates) == 1:
        shown = [it.sheet.dates[0]]
    if not shown and it.words and it.words[0].text == "where":
        shown = [name for name, own in it.sheet.stems.items() if not PLACES.isdisjoint(own)][:2]
        if len(shown) != 1:
            raise Unsure("it is not clear which column says where")
    if not it.where:
        if len(shown) != 1 or it.words[0].text not in _ASKING or it.much:
            raise Unsure("it asks for no figure and names no row")
        return Query(it.sheet.name, (shown[0],), (), (), (), Sort(shown[0]), 0, distinct=True)
    if it.groups:
        raise Unsure("it is parted, and nothing is worked out")
    if it.much and len(shown) == 1 and shown[0] in it.sheet.numbers:
        name = shown[0]
        if set(it.sheet.stems[name]).isdisjoint(ONCE) and not _one_row(it):
            return Query(it.sheet.name, (), (Measure("sum", name),), tuple(it.where))
        shown = [name]
    if not shown and it.noun and it.sheet.label and it.words[0].text in {*_ASKING, "who"}:
        shown = [it.sheet.label]
    if not shown and it.who and it.sheet.label:
        shown = [it.sheet.label]
    if not shown:
        raise Unsure("it does not say what of the row is asked for")
    one = any(each.column == it.sheet.label and each.sign == "=" for each in it.where)
    label = () if one or not it.sheet.label else (it.sheet.label,)
    if any(name in it.sheet.numbers for name in shown) and not one:
        columns, distinct = tuple(dict.fromkeys((*_whose(it), *shown))), True
    else:
        columns, distinct = (
            tuple(dict.fromkeys((*label, *shown) if shown == list(label) or one else shown)),
            not one,
        )
    return Query(it.sheet.name, columns, (), tuple(it.where), (), None, 0, distinct=distinct)


def _whose(it: Reading) -> tuple[str, ...]:
    return tuple(each.column for each in it.where if each.sign in {"=", "in"})


def _asking(it: Reading, rank: Mention | None = None) -> str | None:
    """Take the column right after `which` or `what`, or after a ranking (`top 3 products`); or the label for `who`."""
    for mention in it.left:
        if mention.kind == "column" and mention.start:
            before = _back(it, mention.start, rank)
            if before in {"which", "what", "whose", "list", "show", "name", "top"} and not it.is_figure(mention):
                it.left.remove(mention)
                return it.column(mention)
    if it.who or (it.noun and it.words[0].text in {"which", "what", "list", "show", "name", "top", "give"}):
        return it.sheet.label or None
    return None


def _back(it: Reading, at: int, rank: Mention | None) -> str:
    """Return the word before a place, over articles, figures and rankings."""
    at -= 1
    while at > 0 and (
        it.words[at].text in {"the", "a", "an", "is", "are", "different"}
        or it.words[at].text.isdigit()
        or (rank is not None and rank.start <= at < rank.end)
        or any(each.kind == "number" and each.start <= at < each.end for each in it.left)
    ):
        at -= 1
    return it.words[at].text if at >= 0 else ""


def _top(it: Reading, rank: Mention) -> int:
    for number in it.every("number"):
        if abs(number.start - rank.end) <= 1 or abs(rank.start - number.end) <= 1:
            if number.number != int(number.number) or not 0 < number.number <= 100:
                raise Unsure("so many cannot be ranked")
            return int(number.number)
        it.left.append(number)
    return 1


def _measured(it: Reading, *, but: str | None = None, optional: bool = False) -> str:
    """Take the column of figures that something is worked out of."""
    named = [each for each in it.left if each.kind == "column"]
    fitting = [
        (
            each,
            [name for name in each.columns if name in (*it.sheet.numbers, *(it.sheet.dates if optional else ()))],
        )
        for each in named
    ]
    fitting = [(each, names) for each, names in fitting if names and names != [but]]
    if len(fitting) == 1 and len(fitting[0][1]) == 1:
        it.left.remove(fitting[0][0])
        return fitting[0][1][0]
    if len(fitting) > 1 or (fitting and len(fitting[0][1]) > 1):
        raise Unsure("it is not clear which column is worked with")
    if optional:
        return ""
    raise Unsure("it does not name the column of figures")


def _meant(it: Reading, adjective: Mention) -> str:
    """Return the column that an adjective is about: one that is called so, or the only one of days for `latest`."""
    meant = adjective.meant
    assert meant is not None
    named = [name for name, own in it.sheet.stems.items() if not meant.columns.isdisjoint(own)]
    fitting = [name for name in named if name in (*it.sheet.numbers, *it.sheet.dates)]
    if not fitting and "date" in meant.columns and len(it.sheet.dates) == 1:
        fitting = list(it.sheet.dates)
    beside = [
        each for each in it.left if each.kind == "column" and len(each.columns) == 1 and each.columns[0] in fitting
    ]
    if len(beside) == 1:
        fitting = [beside[0].columns[0]]
        it.left.remove(beside[0])
    if len(fitting) != 1:
        raise Unsure("it is not clear which column it is ranked by")
    return fitting[0]
