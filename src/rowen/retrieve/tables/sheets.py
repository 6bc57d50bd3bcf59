"""Tables as people look at them: which there are for a reader, how their columns were read, and their first rows."""

from rowen.retrieve.parse.grid import together
from rowen.retrieve.tables.look import wholes
from rowen.store.knowledge import Collection, Knowledge, Tabled
from rowen.values import Cell, Column, Mistaken, Reader, Value

_FIRST = 10  # rows that are shown


class Listed(Value, frozen=True, kw_only=True):
    """One table, without its rows. Rows of a database that are documents of their own are one table together."""

    id: str
    """Of the document, or the first of them, and the table's place in it: `DOCUMENT.0`."""
    name: str
    """As queries name it."""
    title: str
    source: str
    uri: str
    """Of its document; empty where it is of many."""
    document: str
    documents: int = 1
    rows: int
    totals: int = 0
    """Rows that sum others up, and are left out."""
    columns: tuple[Column, ...]


class Sheet(Value, frozen=True, kw_only=True):
    """One table with some of its rows."""

    table: Listed
    access: tuple[str, ...] = ()
    """Groups of which a reader needs one; empty for everybody. Of many documents that of the first."""
    first: tuple[tuple[Cell, ...], ...]
    """Its first rows."""


async def listed(knowledge: Knowledge, collection: Collection, reader: Reader) -> list[Listed]:
    """Return the tables that a reader may read, by their names."""
    heads = await knowledge.tables(collection, reader=reader)
    return sorted(map(_listed, wholes(heads)), key=lambda each: (each.name, each.id))


async def sheet(knowledge: Knowledge, collection: Collection, id: str, reader: Reader) -> Sheet:
    """Return a table with its first rows.

    Raises:
        Mistaken: `not_found` for one that is not there, or that he may not read.

    """
    heads = next((each for each in wholes(await knowledge.tables(collection, reader=reader)) if _id(each) == id), ())
    some = heads[:_FIRST]
    document = await knowledge.document(collection, some[0].document, reader) if some else None
    found = [each for each in await knowledge.rows(collection, some, reader=reader) if each is not None]
    if document is None or not found:
        raise Mistaken("not_found", "there is no such table, or you may not read it", place="table")
    whole = found[0] if len(heads) == 1 else together(found)
    return Sheet(table=_listed(heads), access=document.access, first=whole.rows[:_FIRST])


def _id(heads: tuple[Tabled, ...]) -> str:
    return f"{heads[0].document}.{heads[0].place}"


def _listed(heads: tuple[Tabled, ...]) -> Listed:
    first = heads[0]
    return Listed(
        id=_id(heads),
        name=first.table.name,
        title=first.table.title,
        source=first.source,
        uri="" if first.table.part else first.uri,
        document=first.document,
        documents=len(heads),
        rows=sum(each.size for each in heads),
        totals=first.table.totals,
        columns=first.table.columns,
    )
