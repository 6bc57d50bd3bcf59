"""The way from a question to a passage that a table gives: which tables, a query over them, its answer with what it rests on."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rowen.retrieve.parse.grid import together
from rowen.retrieve.tables.mentions import Unsure
from rowen.retrieve.tables.model import modelled
from rowen.retrieve.tables.rules import planned
from rowen.retrieve.tables.sheet import Sheet, words_of
from rowen.retrieve.tables.told import counted, plain, sentence
from rowen.retrieve.tables.words import IGNORED
from rowen.store.knowledge import Collection, Knowledge, Tabled
from rowen.store.tables import Answered, Opened, Query, places, written
from rowen.values import AskModel, Clock, Condition, Fact, Passage, Problem, Reader, Table

TABLES = 40
"""Tables that one question is held against; of more, those whose names and columns have most of its words."""
HEADS = 20_000
"""Tables that are looked at for one question; of more, rows of databases make none, since each of them is one here."""
CELLS = 2_000_000
"""Cells of all tables that are kept at hand."""
READERS = 1_000
"""Readers of whom is kept what they found last, so that a table that is gone for one is let go of."""
_SHOWN = 6  # tables that a model is shown
_TIES = 20  # rows beyond those that were asked for, which may be equal to the last of them


_Key = tuple[tuple[str, str, int], ...]
_Place = tuple[Collection, Reader, tuple[Condition, ...]]


class Told(NamedTuple):
    """What tables say to a question, and what the trace tells of it."""

    passage: Passage | None
    facts: dict[str, Fact]


@dataclass(frozen=True, slots=True)
class _Held:
    """A table at hand: with the documents that it is of, its words, and a database of it alone."""

    heads: tuple[Tabled, ...]
    sheet: Sheet
    opened: Opened
    cells: int


class Tables:
    """Answers questions about numbers in the tables of what an app knows.

    Args:
        knowledge: where they are.
        clock: for the time that a query may take.
        model: the model that writes queries where rules are not sure; empty for rules alone.
        most: tables that are looked at for one question.
        readers: of how many is kept what they found last.

    """

    def __init__(
        self, knowledge: Knowledge, clock: Clock, *, model: str = "", most: int = HEADS, readers: int = READERS
    ) -> None:
        self._knowledge = knowledge
        self._clock = clock
        self._model = model
        self._most = most
        self._readers = readers
        self._kept: OrderedDict[_Key, _Held] = OrderedDict()
        self._seen: OrderedDict[_Place, set[_Key]] = OrderedDict()
        self._lock = asyncio.Lock()

    async def __call__(
        self,
        collection: Collection,
        question: str,
        *,
        reader: Reader,
        where: tuple[Condition, ...] = (),
        recent: Sequence[str] = (),
        ask: AskModel | None = None,
    ) -> Told | None:
        """Return what the tables that a reader may read say to a question; None where there are none.

        Args:
            collection: whose tables.
            question: as it was asked.
            reader: for whom.
            where: what their documents must say.
            recent: what was said before; for the model alone.
            ask: asks a model.

        Raises:
            Problem: what the store raises. What the model or a query does wrong is told in the facts.

        """
        heads = await self._knowledge.tables(collection, reader=reader, where=where, limit=self._most + 1)
        if len(heads) > self._most:
            heads = [
                head for head in heads[: self._most] if not head.table.part
            ]  # a table without some of its rows counts wrong
        if not heads:
            self._noticed((collection, reader, where), set())
            return None
        parted = wholes(heads)
        chosen = _nearest(question, parted)
        held = await self._held(collection, reader, where, parted, chosen)
        facts: dict[str, Fact] = {"tables": len(held)}
        if len(parted) > len(chosen):
            facts["not_read"] = len(parted) - len(chosen)
        try:
            passage = await asyncio.to_thread(_by_rules, question, held)
            return Told(passage, {**facts, "way": "rules"})
        except Unsure as unsure:
            facts["unsure"] = _without_words(str(unsure))
        except Problem as problem:
            facts["refused"] = _without_words(problem.message)
        if ask is None or not self._model:
            return Told(None, facts)
        return await self._by_model(question, recent, held, facts, ask)

    async def _by_model(
        self, question: str, recent: Sequence[str], held: Sequence[_Held], facts: dict[str, Fact], ask: AskModel
    ) -> Told:
        near = [each for each in held if _names(question, each.sheet)][:_SHOWN]
        if not near:
            return Told(None, facts)
        named = _named(near)
        opened = await asyncio.to_thread(Opened, {name: each.sheet.table for name, each in named.items()}, self._clock)
        try:
            sheets = {name: each.sheet for name, each in named.items()}
            found = await modelled(question, recent, sheets, opened, ask=ask, name=self._model)
        except Problem as problem:
            return Told(None, {**facts, "way": "model", "refused": _without_words(problem.message)})
        finally:
            await asyncio.to_thread(opened.close)
        if found is None:
            return Told(None, {**facts, "way": "model", "refused": "the model holds that the tables do not answer"})
        read = [each for name, each in named.items() if name.lower() in found.answered.read]
        passage = _passage(read, plain(found.answered), "", found.sql)
        return Told(passage, {**facts, "way": "model", "rows": len(found.answered.rows), "repaired": found.repaired})

    async def _held(
        self,
        collection: Collection,
        reader: Reader,
        where: tuple[Condition, ...],
        parted: Sequence[tuple[Tabled, ...]],
        chosen: Sequence[tuple[Tabled, ...]],
    ) -> list[_Held]:
        """Return tables at hand, read where they are not; what this reader no longer finds is let go of."""
        async with self._lock:
            self._noticed((collection, reader, where), {_key(each) for each in parted})
            found = []
            for heads in chosen:
                key = _key(heads)
                if key not in self._kept:
                    tables = await self._knowledge.rows(collection, heads, reader=reader)
                    there = [(head, table) for head, table in zip(heads, tables, strict=True) if table is not None]
                    if not there:
                        continue  # changed since it was listed
                    self._kept[key] = await asyncio.to_thread(_opened, there, self._clock)
                self._kept.move_to_end(key)
                found.append(self._kept[key])
            while len(self._kept) > len(found) and sum(each.cells for each in self._kept.values()) > CELLS:
                self._let_go(next(iter(self._kept)))
            return found

    def _noticed(self, place: _Place, now: set[_Key]) -> None:
        """Note what a reader finds now, and let go of what he found before and does no longer."""
        for gone in self._seen.pop(place, set()) - now:
            self._let_go(gone)
        if now:
            self._seen[place] = now
        if len(self._seen) > self._readers:
            # That one of his is gone would be noticed by nobody any more, so it is let go of now; this reader's are there.
            for forgotten in self._seen.popitem(last=False)[1] - now:
                self._let_go(forgotten)

    def _let_go(self, key: _Key) -> None:
        # Not closed: another question may be under way in it. The rows go with the last that holds it.
        self._kept.pop(key, None)


def _opened(there: Sequence[tuple[Tabled, Table]], clock: Clock) -> _Held:
    table = there[0][1] if len(there) == 1 else together([table for _, table in there])
    heads = tuple(head for head, _ in there)
    return _Held(
        heads, Sheet(table.name, table), Opened({table.name: table}, clock), len(table.rows) * len(table.columns)
    )


def _by_rules(question: str, held: Sequence[_Held]) -> Passage:
    """Return what the one table says that a question can be about.

    Raises:
        Unsure: the rules do not understand it, or two tables may be meant.

    """
    plans, why = [], "it names nothing of the tables"
    least = -1
    for each in held:
        try:
            plans.append((planned(question, each.sheet), each))
        except Unsure as unsure:
            near = _names(question, each.sheet)
            if near > least:
                least, why = near, str(unsure)
    plans.sort(key=lambda each: -each[0].weight)
    if not plans:
        raise Unsure(why)
    if len(plans) > 1 and plans[0][0].weight == plans[1][0].weight:
        raise Unsure("two tables may be meant")
    plan, one = plans[0]
    query, answered = answered_by(plan.query, one.opened)
    rows = one.opened.ask(places(query), rows=200)
    return _passage(
        [one], sentence(query, one.sheet, answered), counted(rows, len(one.sheet.table.rows)), written(query)
    )


def answered_by(query: Query, opened: Opened) -> tuple[Query, Answered]:
    """Return what a query gives, with as many rows more as are equal to the last one of a ranking."""
    if not query.top:
        return query, opened.ask(written(query))
    rows = opened.ask(written(query._replace(top=query.top + _TIES))).rows
    top = query.top
    while 0 < top < len(rows) and rows[top][-1] == rows[top - 1][-1]:
        top += 1
    if top == query.top + _TIES:
        raise Unsure("too many rows are equal")
    query = query._replace(top=top)
    return query, opened.ask(written(query))


def _passage(read: Sequence[_Held], said: str, rest: str, sql: str) -> Passage:
    """Return what was worked out as a passage of the document that the first of the tables is of."""
    head = read[0].heads[0]
    whole = "; ".join(f"“{each.sheet.table.title}” ({_where_from(each)})" for each in read)
    about = f"Table{'s' if len(read) > 1 else ''} {whole}."
    left = [f"{each.sheet.table.totals} rows of totals are left out." for each in read if each.sheet.table.totals]
    lines = [said, " ".join(part for part in (about, rest, *left) if part), f"Query: {sql}"]
    return Passage(
        document=head.document,
        version=head.version,
        source=head.source,
        uri=head.uri,
        title=head.title,
        path=(read[0].sheet.table.title,),
        start=0,
        end=0,
        text="\n".join(lines),
        score=1.0,
        legs={"table": 1.0},
        modified_ns=head.modified_ns,
        query=sql,
    )


def _where_from(held: _Held) -> str:
    first = held.heads[0]
    return first.uri if not first.table.part else first.source


def wholes(heads: Sequence[Tabled]) -> list[tuple[Tabled, ...]]:
    """Return tables with those together that are rows of one table, each in a document of its own."""
    found: dict[tuple[object, ...], list[Tabled]] = {}
    for head in heads:
        names = tuple(each.name for each in head.table.columns)
        key = (head.source, head.table.name, names) if head.table.part else (head.document, head.place)
        found.setdefault(key, []).append(head)
    return [tuple(each) for each in found.values()]


def _nearest(question: str, parted: Sequence[tuple[Tabled, ...]]) -> list[tuple[Tabled, ...]]:
    """Return the tables whose names and columns have most of a question's words, so many as may be held against it."""
    asked = {word.stem for word in words_of(question) if word.text not in IGNORED}

    def shared(heads: tuple[Tabled, ...]) -> int:
        table = heads[0].table
        said = " ".join((table.name.replace("_", " "), table.title, *(each.title for each in table.columns)))
        return len(asked.intersection(word.stem for word in words_of(said)))

    chosen: list[tuple[Tabled, ...]] = []
    cells = 0
    for heads in sorted(parted, key=lambda each: -shared(each)):
        cells += sum(each.size for each in heads) * len(heads[0].table.columns)
        if len(chosen) < TABLES and (cells <= CELLS or not chosen):
            chosen.append(heads)
    return chosen


def _names(question: str, sheet: Sheet) -> int:
    """Return how many words of a question a table has: in its name, its columns, or as values."""
    words = [word for word in words_of(question) if word.text not in IGNORED]
    columns = {stem for own in sheet.stems.values() for stem in own}
    runs = sum(
        len(key)
        for size in range(1, 4)
        for at in range(len(words) - size + 1)
        if (key := tuple(word.stem for word in words[at : at + size])) in sheet.values
    )
    return runs + sum(word.stem in columns or word.stem in sheet.nouns or word.stem in sheet.parts for word in words)


def _named(held: Sequence[_Held]) -> Mapping[str, _Held]:
    """Return tables by names of which each is there once."""
    found: dict[str, _Held] = {}
    for each in held:
        name, again = each.sheet.name, 2
        while name in found:
            name, again = f"{each.sheet.name}_{again}", again + 1
        found[name] = each
    return found


def _key(heads: Sequence[Tabled]) -> _Key:
    return tuple((each.document, each.version, each.place) for each in heads)


def _without_words(reason: str) -> str:
    """A reason without the words of a question that it quotes: those are in the request, where masks see them."""
    return re.sub(r"[\"'][^\"']*[\"']", "…", reason)
