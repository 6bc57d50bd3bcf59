"""Rows of knowledge as values."""

from typing import Any, NamedTuple

import msgspec

from rowen.store.blocks import head_of, piece_of, span_of, text_of
from rowen.store.knowledge import Build, Collection
from rowen.store.postgres.database import Raw
from rowen.store.postgres.rows import plain, told
from rowen.store.scan.base import Shape
from rowen.values import Document, Manifest, Mistaken

_manifest = msgspec.json.Decoder(Manifest).decode
_learnt = msgspec.json.Decoder(dict[str, float]).decode

_BUILD = """
SELECT b.number, b.id, c.tenant, c.app, c.name, b.manifest, b.state, b.created_ns, b.switched_ns, b.documents, b.chunks,
    b.snapshot, b.learnt, b.collection, b.filled, b.length
FROM builds b JOIN collections c ON c.number = b.collection WHERE"""


class Held(NamedTuple):
    """A build with its numbers in the database."""

    number: int
    collection: int
    build: Build
    filled: int
    """Documents that have chunks."""
    length: int
    """Terms of all chunks."""

    @property
    def shape(self) -> Shape:
        """How its vectors are kept."""
        manifest = self.build.manifest
        return Shape(manifest.storage, manifest.dimensions if manifest.embedder else 0)


def gone(build: str) -> Mistaken:
    """Return the problem that a build is not there."""
    return Mistaken("not_found", f"there is no build {build}: it was dropped, or never begun", place="build")


def held_build(raw: Raw, id: str) -> Held:
    """Return a build.

    Raises:
        Mistaken: `not_found`.

    """
    row = raw.execute(f"{_BUILD} b.id = %s", (plain(id),)).fetchone()
    if row is None:
        raise gone(id)
    return _held(row)


def held_builds(raw: Raw, collection: int) -> list[Held]:
    """Return the builds of a collection, the newest first."""
    rows = raw.execute(f"{_BUILD} b.collection = %s ORDER BY b.created_ns DESC, b.number DESC", (collection,))
    return [_held(row) for row in rows.fetchall()]


def builds_of(raw: Raw, tenant: str) -> list[Held]:
    """Return all builds of a tenant."""
    return [_held(row) for row in raw.execute(f"{_BUILD} c.tenant = %s", (plain(tenant),)).fetchall()]


def collection_at(raw: Raw, collection: Collection) -> int:
    """Return the number of a collection, 0 when there is none."""
    place = (plain(collection.tenant), plain(collection.app), plain(collection.name))
    row = raw.execute("SELECT number FROM collections WHERE tenant = %s AND app = %s AND name = %s", place).fetchone()
    return int(row[0]) if row else 0


def find_document(raw: Raw, collection: int, id: str) -> tuple[int, bytes] | None:
    """Return the number of a document, and its head."""
    row = raw.execute(
        "SELECT number, body FROM documents WHERE collection = %s AND id = %s", (collection, plain(id))
    ).fetchone()
    return (row[0], row[1]) if row else None


def read_document(raw: Raw, number: int, body: bytes) -> Document:
    """Return a document with its text."""
    blocks = raw.execute("SELECT body FROM texts WHERE document = %s ORDER BY block", (number,))
    return head_of(body).but(text=text_of(block for (block,) in blocks))


def read_piece(raw: Raw, number: int, start: int, end: int) -> str:
    """Return `text[start:end]` of a document."""
    blocks = raw.execute(
        "SELECT body FROM texts WHERE document = %s AND block BETWEEN %s AND %s ORDER BY block",
        (number, *span_of(start, end)),
    )
    return piece_of((block for (block,) in blocks), start, end)


def _held(row: tuple[Any, ...]) -> Held:
    number, id, tenant, app, name, manifest, state, created, switched, documents, chunks, snapshot, learnt, *rest = row
    build = Build(
        id=id,
        collection=Collection(tenant=told(tenant), app=told(app), name=told(name)),
        manifest=_manifest(manifest),
        state=state,
        created_ns=created,
        switched_ns=switched,
        documents=documents,
        chunks=chunks,
        snapshot=snapshot.hex(),
        learnt=_learnt(learnt),
    )
    return Held(number, rest[0], build, rest[1], rest[2])
