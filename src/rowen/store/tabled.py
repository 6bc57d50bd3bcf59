"""Tables of documents as bytes: what a question is held against, and beside it the rows, which are read where they are asked."""

from collections.abc import Iterator

import msgspec
import zstandard

from rowen.store.knowledge import Tabled
from rowen.values import Document, Table, Value

_decode_table = msgspec.msgpack.Decoder(Table).decode


class _Head(Value, frozen=True, kw_only=True):
    """A table without its rows, and what is to be known of its document."""

    table: Table
    size: int
    title: str = ""
    modified_ns: int = 0


_decode_head = msgspec.json.Decoder(_Head).decode
_encode_head = msgspec.json.Encoder().encode


def written(document: Document) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield of each table of a document its place, its head and its rows."""
    for place, table in enumerate(document.tables):
        plain = table.but(rows=(), places=())
        head = _Head(table=plain, size=len(table.rows), title=document.title, modified_ns=document.modified_ns)
        yield place, _encode_head(head), zstandard.compress(msgspec.msgpack.encode(table))


def tabled(document: str, version: str, source: str, uri: str, place: int, head: bytes) -> Tabled:
    """Return a table as a store has it, without its rows."""
    told = _decode_head(head)
    return Tabled(document, version, source, uri, place, told.table, told.size, told.title, told.modified_ns)


def table_in(body: bytes) -> Table:
    """Return a table with its rows."""
    return _decode_table(zstandard.decompress(body))
