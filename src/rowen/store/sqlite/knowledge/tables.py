"""Tables of documents, for those who may read them."""

import sqlite3
from collections.abc import Sequence
from itertools import islice

import msgspec

from rowen.store.facts import meets, readable
from rowen.store.knowledge import Tabled
from rowen.store.sqlite.knowledge.rows import groups
from rowen.store.tabled import table_in, tabled
from rowen.values import Condition, Reader, Table

_TABLES = """
SELECT d.id, d.version, d.source, d.uri, t.place, t.head, d.access, d.facts
FROM documents d JOIN tables t ON t.document = d.number WHERE d.collection = ? ORDER BY d.id, t.place
"""
_ROWS = """
SELECT d.access, t.body FROM documents d JOIN tables t ON t.document = d.number
WHERE d.collection = ? AND d.id = ? AND d.version = ? AND t.place = ?
"""


def tables_in(
    connection: sqlite3.Connection, collection: int, reader: Reader, where: Sequence[Condition], limit: int
) -> list[Tabled]:
    """Return the tables of a collection that a reader may read."""
    found = (
        tabled(*told)
        for *told, access, facts in connection.execute(_TABLES, (collection,))
        if readable(groups(access), reader)
        and (not where or all(meets(msgspec.json.decode(facts), each) for each in where))
    )
    return list(islice(found, max(0, limit)))


def rows_of(connection: sqlite3.Connection, collection: int, one: Tabled, reader: Reader) -> Table | None:
    """Return a table with its rows, if it is still there."""
    row = connection.execute(_ROWS, (collection, one.document, one.version, one.place)).fetchone()
    return table_in(row[1]) if row is not None and readable(groups(row[0]), reader) else None
