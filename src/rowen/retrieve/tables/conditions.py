"""What must hold of rows that a question asks about: comparisons, days, values, and by what they are parted."""

from collections.abc import Sequence

from rowen.retrieve.tables.mentions import Mention, Unsure
from rowen.retrieve.tables.reading import Reading
from rowen.store.tables import Condition


def narrow(it: Reading) -> None:
    """Take what must hold, and the groups, out of what is left of a question.

    Raises:
        Unsure: it may mean several things.

    """
    _compared(it)
    _dated(it)
    _equal(it)
    _valued(it)
    _grouped(it)


def _compared(it: Reading) -> None:
    """Take `more than 10 units`, `salary above 60000`, `between 10 and 20 kg`, `after 2021`."""
    for sign in it.every("sign"):
        value = it.following(sign, {"number", "day"})
        if value is None:
            raise Unsure("it compares with something that is no figure")
        it.where.append(_condition(it, _beside(it, sign, value), sign.sign, value))
        it.left = [each for each in it.left if each is not value]
    for between in it.every("between"):
        one = it.following(between, {"number", "day"})
        other = it.following(one, {"number", "day"}) if one is not None else None
        if one is None or other is None or one.kind != other.kind:
            raise Unsure("it is not clear what it is between")
        it.left = [each for each in it.left if each is not one]
        column = _beside(it, between, other)
        it.where.append(_condition(it, column, ">=", one))
        it.where.append(_condition(it, column, "<=", other))
        it.left = [each for each in it.left if each is not other]


def _condition(it: Reading, column: str, sign: str, value: Mention) -> Condition:
    is_day = it.sheet.columns[column].type in {"date", "time"}
    if value.day is not None and is_day:
        late = " 24" if it.sheet.columns[column].type == "time" else ""
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


def _beside(it: Reading, sign: Mention, value: Mention) -> str:
    """Return the column that a comparison is about: the one right after its figure or right before it, or the only one."""
    wanted = it.sheet.dates if value.kind == "day" and not _figure(it, value) else it.sheet.numbers
    for neighbour in (it.touching(value.end, after=True), it.touching(sign.start, after=False)):
        if neighbour is None or neighbour.kind not in {"column", "unit"}:
            continue
        fitting = [name for name in neighbour.columns if name in (*wanted, *it.sheet.numbers, *it.sheet.dates)]
        if len(fitting) == 1:
            it.left.remove(neighbour)
            return fitting[0]
    if len(wanted) == 1:
        return wanted[0]
    raise Unsure("it is not clear which column is compared")


def _figure(it: Reading, value: Mention) -> bool:
    """Whether what may be a year stands for a mere figure, since the table has no days."""
    return bool(value.number) and not it.sheet.dates


def _dated(it: Reading) -> None:
    """Take `in March 2025`, which holds of the only column of days, or the one beside it."""
    for day in it.every("day"):
        if _figure(it, day):
            it.left.append(day._replace(kind="number"))
            it.left.sort(key=lambda each: each.start)
            continue
        beside = it.touching(day.start, after=False) or it.touching(day.end, after=True)
        named = [name for name in (beside.columns if beside else ()) if name in it.sheet.dates]
        if len(named) == 1 and beside is not None:
            it.left.remove(beside)
        elif len(it.sheet.dates) == 1:
            named = list(it.sheet.dates)
        if len(named) != 1:
            raise Unsure("it is not clear which column the day is of")
        it.where.append(_condition(it, named[0], "=", day))


def _equal(it: Reading) -> None:
    """Take `order 1009`, `quantity of 10`, `12 species`: a column of figures beside a figure."""
    for number in [each for each in it.left if each.kind == "number"]:
        before, after = it.touching(number.start, after=False), it.touching(number.end, after=True)
        if any(each is not None and each.kind in {"most", "adjective"} for each in (before, after)):
            continue  # the top 3
        for neighbour in (before, after):
            if neighbour is None or neighbour.kind not in {"column", "unit"} or neighbour not in it.left:
                continue
            fitting = [each for each in neighbour.columns if it.sheet.columns[each].type in {"integer", "number"}]
            if len(fitting) == 1:
                it.where.append(_condition(it, fitting[0], "=", number))
                it.left = [each for each in it.left if each not in {number, neighbour}]
                break


def _valued(it: Reading) -> None:
    """Take values, and the names of their columns beside them; several of one column are alternatives."""
    wanted: dict[str, list[str]] = {}
    values = [each for each in it.left if each.kind == "value"]
    for value in values:
        beside = [it.touching(value.start, after=False), it.touching(value.end, after=True)]
        named = {name for each in beside if each is not None and each.kind == "column" for name in each.columns}
        places = [each for each in value.places if each.column in named] or list(value.places)
        if len({each.column for each in places}) != 1 or len({each.value.lower() for each in places}) != 1:
            said = " ".join(word.text for word in it.words[value.start : value.end])
            raise Unsure(f'"{said}" may be several things')
        column = places[0].column
        wanted.setdefault(column, []).append(places[0].value)
        for each in beside:
            asks = each is not None and each.start and it.words[each.start - 1].text in {"which", "what"}
            if each is not None and each.kind == "column" and column in each.columns and each in it.left and not asks:
                it.left.remove(each)
    it.pieces = any(_counts(it, work, values) for work in it.left if work.kind == "work" and work.work == "count")
    it.every("value")
    for column, chosen in wanted.items():
        it.where.append(
            Condition(column, "=", chosen[0]) if len(chosen) == 1 else Condition(column, "in", tuple(chosen))
        )
    if len({each.column for each in it.where}) > 1 and "or" in {word.text for word in it.words}:
        raise Unsure("it is not clear what the alternatives are")


def _counts(it: Reading, work: Mention, values: Sequence[Mention]) -> bool:
    """Whether what is counted is a value, not rows that have it: how many rakes, but not how many open orders."""
    counted = it.touching(work.end, after=True)
    if counted not in values or counted is None:
        return False
    following = it.words[counted.end].stem if counted.end < len(it.words) else ""
    label = it.sheet.stems[it.sheet.label] if it.sheet.label else ()
    return following not in {*it.sheet.nouns, *label}


def _grouped(it: Reading) -> None:
    """Take `per department`, `by region`, `in each city`; `by price` in a ranking is what is ranked by."""
    for group in it.every("group"):
        column = it.following(group, {"column"})
        if column is None:
            if it.noun:
                continue  # the average per order
            raise Unsure("it is not clear by what it is parted")
        name = it.column(column)
        if name in it.sheet.numbers and it.words[group.start].text == "by":
            continue  # left for the ranking
        if name == it.sheet.label and it.words[group.start].text in {"per", "each", "every"}:
            it.left.remove(column)
            continue  # each row is such a one
        it.groups.append(name)
        it.left.remove(column)
