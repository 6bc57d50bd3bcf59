"""Tables of documents, for those who may read them."""

from rowen.store.knowledge import Tabled
from rowen.store.postgres.database import Raw
from rowen.store.postgres.knowledge.filters import Clause
from rowen.store.postgres.rows import plain, told
from rowen.store.tabled import table_in, tabled
from rowen.values import Table

_TABLES = """
SELECT d.id, d.version, d.source, d.uri, t.place, t.head
FROM documents d JOIN tables t ON t.document = d.number WHERE d.collection = %s {} ORDER BY d.id, t.place LIMIT %s
"""
_ROWS = """
SELECT t.body FROM documents d JOIN tables t ON t.document = d.number
WHERE d.collection = %s AND d.id = %s AND d.version = %s AND t.place = %s {}
"""


def tables_in(raw: Raw, collection: int, may: Clause | None, limit: int) -> list[Tabled]:
    """Return the tables of a collection that may be found."""
    rows = raw.execute(
        _TABLES.format(f"AND {may[0]}" if may else ""), (collection, *(may[1] if may else ()), max(0, limit))
    )
    return [
        tabled(told(id), told(version), told(source), told(uri), place, bytes(head))
        for id, version, source, uri, place, head in rows
    ]


def rows_of(raw: Raw, collection: int, one: Tabled, may: Clause | None) -> Table | None:
    """Return a table with its rows, if it is still there and may be found."""
    place = (collection, plain(one.document), plain(one.version), one.place)
    row = raw.execute(_ROWS.format(f"AND {may[0]}" if may else ""), (*place, *(may[1] if may else ()))).fetchone()
    return table_in(bytes(row[0])) if row is not None else None
