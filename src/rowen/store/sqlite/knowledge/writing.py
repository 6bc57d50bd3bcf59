"""What is written of documents and their cuts. Each function runs inside one transaction."""

import sqlite3
from array import array
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

import msgspec

from rowen.store.blocks import blocks_of, head_bytes
from rowen.store.cutting import made, mark_of, tied
from rowen.store.facts import facts_of
from rowen.store.knowledge import Collection, Cut
from rowen.store.scan.base import Shape
from rowen.store.sqlite.knowledge.rows import Held, held_builds
from rowen.store.tabled import written
from rowen.values import Document, Mistaken

_encode = msgspec.json.Encoder().encode

_COLLECTION = "INSERT OR IGNORE INTO collections (tenant, app, name) VALUES (?, ?, ?)"
_NUMBER = "SELECT number FROM collections WHERE tenant = ? AND app = ? AND name = ?"
_KNOWN = "SELECT number, version FROM documents WHERE collection = ? AND id = ?"
_INSERT = """
INSERT INTO documents (collection, id, source, uri, version, raw, read_ns, access, facts, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number
"""
_UPDATE = """
UPDATE documents SET source = ?, uri = ?, version = ?, raw = ?, read_ns = ?, access = ?, facts = ?, body = ?
WHERE number = ?
"""
_CHUNK = """
INSERT INTO chunks
    (build, document, start, end, parent_start, parent_end, digest, context, terms, counts, vector)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_RELATION = """
INSERT INTO relations (build, document, source, target, subject, name, object, inverse, start, end)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_CUT = "SELECT version, chunks FROM cuts WHERE build = ? AND document = ?"
_COUNT = """
UPDATE builds SET documents = documents + ?, chunks = chunks + ?, snapshot = ? WHERE number = ?
"""


def collection_number(connection: sqlite3.Connection, collection: Collection) -> int:
    """Return the number of a collection, which is made if it was not there."""
    place = (collection.tenant, collection.app, collection.name)
    found = connection.execute(_NUMBER, place).fetchone()
    if found is None:
        connection.execute(_COLLECTION, place)
        found = connection.execute(_NUMBER, place).fetchone()
    return int(found[0])


def write_document(
    connection: sqlite3.Connection, collection: Collection, document: Document, cuts: Sequence[Cut]
) -> None:
    """Put a document and its cuts in place of what was there."""
    where = collection_number(connection, collection)
    known = connection.execute(_KNOWN, (where, document.id)).fetchone()
    columns = (
        document.source,
        document.uri,
        document.version,
        document.raw,
        document.read_ns,
        _encode(document.access).decode(),
        _encode(facts_of(document)).decode(),
        head_bytes(document),
    )
    if known is None:
        (number,) = connection.execute(_INSERT, (where, document.id, *columns)).fetchone()
        connection.execute("DELETE FROM removed WHERE collection = ? AND id = ?", (where, document.id))
    else:
        number = known[0]
        connection.execute(_UPDATE, (*columns, number))
    changed = known is None or known[1] != document.version
    if changed:
        connection.execute("DELETE FROM texts WHERE document = ?", (number,))
        connection.executemany(
            "INSERT INTO texts VALUES (?, ?, ?)",
            [(number, at, block) for at, block in enumerate(blocks_of(document.text))],
        )
        connection.execute("DELETE FROM tables WHERE document = ?", (number,))
        connection.executemany(
            "INSERT INTO tables VALUES (?, ?, ?, ?)", [(number, *each) for each in written(document)]
        )
    given = {cut.build: cut for cut in cuts}
    for build in held_builds(connection, where):
        cut = given.pop(build.id, None)
        if cut is not None:
            put_cut(connection, build, number, document, cut)
        elif changed:
            drop_cut(connection, build, number, document.id)
    if given:
        message = f"the build {next(iter(given))} is not one of this collection"
        raise Mistaken("not_found", message, place="build")


def put_cut(connection: sqlite3.Connection, build: Held, number: int, document: Document, cut: Cut) -> None:
    """Put a document's cut in place of the one that a build had."""
    drop_cut(connection, build, number, document.id)
    chunks = list(made(document, cut, build.manifest))
    vectors = _stored([each.vector for each in chunks], build.shape)
    connection.executemany(
        _CHUNK,
        [
            (
                build.number,
                number,
                each.chunk.start,
                each.chunk.end,
                *(each.chunk.parent or (None, None)),
                each.digest,
                each.chunk.context,
                array("I", each.bag.terms).tobytes(),
                bytes(each.bag.counts),
                vector,
            )
            for each, vector in zip(chunks, vectors, strict=True)
        ],
    )
    connection.executemany(
        _RELATION,
        [
            (
                build.number,
                number,
                source,
                target,
                each.subject,
                each.name,
                each.object,
                each.inverse,
                each.start,
                each.end,
            )
            for each, source, target in tied(document, cut)
        ],
    )
    connection.execute("INSERT INTO cuts VALUES (?, ?, ?, ?)", (build.number, number, document.version, len(chunks)))
    _counted(connection, build.number, 1, len(chunks), mark_of(document.id, document.version))
    _note(connection, build.number, number)


def drop_cut(connection: sqlite3.Connection, build: Held, number: int, id: str) -> None:
    """Remove a document's cut from a build."""
    had = connection.execute(_CUT, (build.number, number)).fetchone()
    if had is None:
        return
    for table in ("cuts", "chunks", "relations"):
        connection.execute(f"DELETE FROM {table} WHERE build = ? AND document = ?", (build.number, number))  # noqa: S608 - our own names
    _counted(connection, build.number, -1, -had[1], mark_of(id, had[0]))
    _note(connection, build.number, number)


def remove_documents(connection: sqlite3.Connection, collection: Collection, ids: Iterable[str], now_ns: int) -> int:
    """Remove documents from everywhere; return how many there were."""
    where = collection_number(connection, collection)
    builds = held_builds(connection, where)
    count = 0
    for id in ids:
        known = connection.execute(_KNOWN, (where, id)).fetchone()
        if known is None:
            continue
        for build in builds:
            drop_cut(connection, build, known[0], id)
        connection.execute("DELETE FROM texts WHERE document = ?", (known[0],))
        connection.execute("DELETE FROM tables WHERE document = ?", (known[0],))
        connection.execute("DELETE FROM documents WHERE number = ?", (known[0],))
        connection.execute("INSERT OR REPLACE INTO removed VALUES (?, ?, ?)", (where, id, now_ns))
        count += 1
    return count


def _counted(connection: sqlite3.Connection, build: int, documents: int, chunks: int, mark: int) -> None:
    (snapshot,) = connection.execute("SELECT snapshot FROM builds WHERE number = ?", (build,)).fetchone()
    snapshot = (int.from_bytes(snapshot) ^ mark).to_bytes(16)
    connection.execute(_COUNT, (documents, chunks, snapshot, build))


def _note(connection: sqlite3.Connection, build: int, document: int) -> None:
    (seq,) = connection.execute("UPDATE clock SET seq = seq + 1 RETURNING seq").fetchone()
    connection.execute("INSERT OR REPLACE INTO changes VALUES (?, ?, ?)", (build, document, seq))


def _stored(vectors: list[bytes], shape: Shape) -> list[bytes]:
    if shape.storage == "float32" or not shape.dimensions:
        return vectors
    packed: Any = scanning("numbers").packed
    stored: list[bytes] = packed(b"".join(vectors), shape)
    return stored


def scanning(name: str) -> Any:
    """Return a module of the scan, which needs NumPy.

    Raises:
        Mistaken: `extra_missing`.

    """
    try:
        return import_module(f"rowen.store.scan.{name}")
    except ModuleNotFoundError as error:
        message = f"searching what an app knows needs `pip install rowen[rag]` ({error.name} is missing)"
        raise Mistaken("extra_missing", message, place="store") from error
