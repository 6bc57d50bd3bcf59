"""Rows of `knowledge.db` as values."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from rowen.store.blocks import head_of, piece_of, span_of, text_of
from rowen.store.knowledge import Build, BuildState, Collection
from rowen.store.scan.base import Described, Row, Shape
from rowen.values import Document, Manifest, Mistaken

_manifest = msgspec.json.Decoder(Manifest).decode
_groups = msgspec.json.Decoder(tuple[str, ...]).decode
_learnt = msgspec.json.Decoder(dict[str, float]).decode

_BUILD = """
SELECT b.number, b.id, c.tenant, c.app, c.name, b.manifest, b.state, b.created_ns, b.switched_ns, b.documents, b.chunks,
    b.snapshot, b.learnt, b.collection
FROM builds b JOIN collections c ON c.number = b.collection WHERE
"""
_LISTED = 500  # parameters of one statement


class Held(NamedTuple):
    """A build with its numbers in the file."""

    number: int
    collection: int
    build: Build

    @property
    def id(self) -> str:
        """Its id."""
        return self.build.id

    @property
    def manifest(self) -> Manifest:
        """How it is made."""
        return self.build.manifest

    @property
    def shape(self) -> Shape:
        """How its vectors are kept."""
        manifest = self.build.manifest
        return Shape(manifest.storage, manifest.dimensions if manifest.embedder else 0)


def held_build(connection: sqlite3.Connection, id: str) -> Held:
    """Return a build.

    Raises:
        Mistaken: `not_found`.

    """
    row = connection.execute(f"{_BUILD} b.id = ?", (id,)).fetchone()
    if row is None:
        raise Mistaken("not_found", f"there is no build {id}: it was dropped, or never begun", place="build")
    return _held(row)


def held_builds(connection: sqlite3.Connection, collection: int) -> list[Held]:
    """Return the builds of a collection, the newest first."""
    rows = connection.execute(f"{_BUILD} b.collection = ? ORDER BY b.created_ns DESC, b.number DESC", (collection,))
    return [_held(row) for row in rows]


def read_document(connection: sqlite3.Connection, number: int, body: bytes) -> Document:
    """Return a document with its text."""
    blocks = connection.execute("SELECT body FROM texts WHERE document = ? ORDER BY block", (number,))
    return head_of(body).but(text=text_of(block for (block,) in blocks))


def read_piece(connection: sqlite3.Connection, number: int, start: int, end: int) -> str:
    """Return `text[start:end]` of a document."""
    blocks = connection.execute(
        "SELECT body FROM texts WHERE document = ? AND block BETWEEN ? AND ? ORDER BY block",
        (number, *span_of(start, end)),
    )
    return piece_of((block for (block,) in blocks), start, end)


def groups(access: str) -> tuple[str, ...]:
    """Return an access list."""
    return _groups(access)


def described(connection: sqlite3.Connection, collection: int) -> Iterator[Described]:
    """Yield what filters need to know of the documents of a collection."""
    lists: dict[str, tuple[str, ...]] = {}
    for number, access, facts in connection.execute(
        "SELECT number, access, facts FROM documents WHERE collection = ?", (collection,)
    ):
        if access not in lists:
            lists[access] = _groups(access)
        yield Described(number, lists[access], facts.encode())


def described_of(connection: sqlite3.Connection, documents: Sequence[int]) -> Iterator[Described]:
    """Yield what filters need to know of some documents."""
    for some in parted(documents):
        for number, access, facts in connection.execute(
            f"SELECT number, access, facts FROM documents WHERE number IN ({_marks(some)})",  # noqa: S608 - marks alone
            some,
        ):
            yield Described(number, _groups(access), facts.encode())


def chunk_rows(connection: sqlite3.Connection, build: int) -> Iterator[Row]:
    """Yield all chunks of a build."""
    for row in connection.execute(
        "SELECT number, document, vector, terms, counts FROM chunks WHERE build = ? ORDER BY document, number", (build,)
    ):
        yield Row(*row)


def chunk_rows_of(connection: sqlite3.Connection, build: int, documents: Sequence[int]) -> Iterator[Row]:
    """Yield the chunks of some documents in a build."""
    for some in parted(documents):
        for row in connection.execute(
            f"SELECT number, document, vector, terms, counts FROM chunks WHERE build = ? AND document IN ({_marks(some)})",  # noqa: S608 - marks alone
            (build, *some),
        ):
            yield Row(*row)


def parted(items: Iterable[int]) -> Iterator[list[int]]:
    """Yield items in lists of what one statement takes."""
    every = list(items)
    for at in range(0, len(every), _LISTED):
        yield every[at : at + _LISTED]


def _marks(items: Sequence[int]) -> str:
    return ", ".join("?" * len(items))


def _held(row: tuple[int, str, str, str, str, bytes, BuildState, int, int, int, int, bytes, str, int]) -> Held:
    number, id, tenant, app, name, manifest, state, created, switched, documents, chunks, snapshot, learnt, at = row
    build = Build(
        id=id,
        collection=Collection(tenant=tenant, app=app, name=name),
        manifest=_manifest(manifest),
        state=state,
        created_ns=created,
        switched_ns=switched,
        documents=documents,
        chunks=chunks,
        snapshot=snapshot.hex(),
        learnt=_learnt(learnt),
    )
    return Held(number, at, build)
