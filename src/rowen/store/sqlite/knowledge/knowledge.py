"""The knowledge of apps in one file."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rowen.store.analyse import asked
from rowen.store.blocks import head_of
from rowen.store.cutting import as_fine, build_id, digest_of
from rowen.store.facts import passage_of, path_at, readable
from rowen.store.knowledge import Build, Collection, Cut, Hit, Known, Tabled, Tie
from rowen.store.names import keys_of
from rowen.store.scan.base import allowed
from rowen.store.sqlite.file import File
from rowen.store.sqlite.knowledge import writing
from rowen.store.sqlite.knowledge.images import Images
from rowen.store.sqlite.knowledge.relations import related
from rowen.store.sqlite.knowledge.rows import (
    Held,
    groups,
    held_build,
    held_builds,
    parted,
    read_document,
    read_piece,
)
from rowen.store.sqlite.knowledge.tables import rows_of, tables_in
from rowen.values import Chunk, Condition, Document, Manifest, Mistaken, Passage, Reader, Table

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode

_BEGIN = """
INSERT OR IGNORE INTO builds
    (id, collection, manifest, state, created_ns, switched_ns, documents, chunks, snapshot, learnt)
VALUES (?, ?, ?, 'building', ?, 0, 0, 0, zeroblob(16), '{}')
"""
_COLLECTION = "SELECT number FROM collections WHERE tenant = ? AND app = ? AND name = ?"
_KNOWN = "SELECT id, uri, version, raw, read_ns FROM documents WHERE collection = ?"
_MISSING = """
SELECT d.number, d.body FROM documents d LEFT JOIN cuts c ON c.build = ? AND c.document = d.number
WHERE d.collection = ? AND (c.version IS NULL OR c.version <> d.version) ORDER BY d.id LIMIT ?
"""
_CHUNKS = (
    "SELECT start, end, context, parent_start, parent_end FROM chunks WHERE build = ? AND document = ? ORDER BY number"
)
# Without the `+`, SQLite looks through all chunks of the build for the few that are named.
_FOUND = """
SELECT k.number, k.document, k.start, k.end, k.context, k.parent_start, k.parent_end, d.access, d.body
FROM chunks k JOIN documents d ON d.number = k.document WHERE +k.build = ? AND k.number IN ({})
"""


class SqliteKnowledge:
    """Documents and builds.

    Args:
        writer: the file.
        reader: the same on a connection of its own, so that no search waits for a write.
        loader: the same once more, for what takes long.
        folder: where images of builds are saved.

    """

    def __init__(self, writer: File, reader: File, loader: File, folder: Path) -> None:
        self._writer = writer
        self._reader = reader
        self._images = Images(folder, loader, writer)

    async def open(self) -> None:
        """Settle how the file is read and written; it is open already."""
        # The upper pages of every table stay in memory: a passage is found by four look-ups.
        await self._reader.apart(lambda connection: connection.execute("PRAGMA cache_size=-24576"))
        # What was removed is overwritten, not just let go.
        await self._writer.apart(lambda connection: connection.execute("PRAGMA secure_delete=ON"))

    async def builds(self, collection: Collection) -> list[Build]:
        """Return all builds of a collection, the newest first."""

        def work(connection: sqlite3.Connection) -> list[Build]:
            number = _collection(connection, collection)
            return [held.build for held in held_builds(connection, number)] if number else []

        return await self._reader.read(work)

    async def begin(self, collection: Collection, manifest: Manifest, *, now_ns: int) -> Build:
        """Return the build of a manifest, made empty if there is none."""
        asked("", analyser=manifest.analyser)  # an unknown one is refused now, not at the first document
        id = build_id(collection, manifest)

        def work(connection: sqlite3.Connection) -> Build:
            number = writing.collection_number(connection, collection)
            connection.execute(_BEGIN, (id, number, _encode(manifest), now_ns))
            return held_build(connection, id).build

        return await self._writer.write(work)

    async def ready(self, build: str) -> None:
        """Note that a build has all documents."""

        def work(connection: sqlite3.Connection) -> None:
            held = held_build(connection, build)
            if connection.execute(_MISSING, (held.number, held.collection, 1)).fetchone() is not None:
                raise Mistaken("conflict", f"the build {build} lacks documents of its collection", place="build")
            connection.execute(
                "UPDATE builds SET state = 'ready' WHERE number = ? AND state = 'building'", (held.number,)
            )

        await self._writer.write(work)

    async def switch(self, build: str, *, now_ns: int) -> Build:
        """Let a build answer instead of the live one."""
        held = await self._reader.read(lambda connection: held_build(connection, build))
        if held.build.state in {"ready", "kept"}:
            await self._image(build, held.build.collection.tenant)  # so that the first search does not wait for it

        def work(connection: sqlite3.Connection) -> Build:
            held = held_build(connection, build)
            if held.build.state == "building":
                raise Mistaken("conflict", f"the build {build} is not ready: it lacks documents", place="build")
            if held.build.state != "live":
                connection.execute(
                    "UPDATE builds SET state = 'kept' WHERE collection = ? AND state = 'live'", (held.collection,)
                )
                connection.execute(
                    "UPDATE builds SET state = 'live', switched_ns = ? WHERE number = ?", (now_ns, held.number)
                )
            return held_build(connection, build).build

        return await self._writer.write(work)

    async def drop(self, build: str) -> None:
        """Remove a build that is not live."""

        def work(connection: sqlite3.Connection) -> int:
            held = held_build(connection, build)
            if held.build.state == "live":
                raise Mistaken("conflict", f"the build {build} is live: switch to another one first", place="build")
            for table in ("chunks", "cuts", "relations", "changes", "images"):
                connection.execute(f"DELETE FROM {table} WHERE build = ?", (held.number,))  # noqa: S608 - our own names
            connection.execute("DELETE FROM builds WHERE number = ?", (held.number,))
            return held.number

        self._images.forget(await self._writer.write(work))

    async def learn(self, build: str, learnt: Mapping[str, float]) -> None:
        """Note what was found out about a build."""

        def work(connection: sqlite3.Connection) -> None:
            held = held_build(connection, build)
            known = _encode({**held.build.learnt, **learnt}).decode()
            connection.execute("UPDATE builds SET learnt = ? WHERE number = ?", (known, held.number))

        await self._writer.write(work)

    async def known(self, collection: Collection, source: str = "") -> list[Known]:
        """Return the documents of a collection, or of one source, without their texts."""

        def work(connection: sqlite3.Connection) -> list[Known]:
            number = _collection(connection, collection)
            only, names = (" AND source = ?", (source,)) if source else ("", ())
            return [Known(*row) for row in connection.execute(f"{_KNOWN}{only} ORDER BY id", (number, *names))]

        return await self._reader.read(work)

    async def missing(self, build: str, *, limit: int = 100) -> list[Document]:
        """Return documents that the build has not cut yet."""

        def work(connection: sqlite3.Connection) -> list[Document]:
            held = held_build(connection, build)
            rows = connection.execute(_MISSING, (held.number, held.collection, limit)).fetchall()
            return [read_document(connection, number, body) for number, body in rows]

        return await self._reader.read(work)

    async def write(self, collection: Collection, document: Document, cuts: Sequence[Cut]) -> None:
        """Put a document's version and its cuts in place of what was there."""
        await self._writer.write(lambda connection: writing.write_document(connection, collection, document, cuts))

    async def fill(self, collection: Collection, cut: Cut, *, document: str, version: str) -> bool:
        """Write the cut of a document for one build, if it is still at that version."""

        def work(connection: sqlite3.Connection) -> bool:
            found = _find(connection, collection, document)
            if found is None:
                return False
            number, body = found
            if head_of(body).version != version:
                return False
            held = held_build(connection, cut.build)
            writing.put_cut(connection, held, number, read_document(connection, number, body), cut)
            return True

        return await self._writer.write(work)

    async def embedded(self, collection: Collection, manifest: Manifest, texts: Sequence[str]) -> list[bytes]:
        """Return the vectors of texts that the tenant has already, empty for the others."""

        def work(connection: sqlite3.Connection) -> list[tuple[Held, bytes] | None]:
            numbers = connection.execute("SELECT number FROM collections WHERE tenant = ?", (collection.tenant,))
            every = [held for (number,) in numbers.fetchall() for held in held_builds(connection, number)]
            usable = {held.number: held for held in every if as_fine(held.manifest, manifest)}
            found: list[tuple[Held, bytes] | None] = []
            for text in texts:
                rows = connection.execute("SELECT build, vector FROM chunks WHERE digest = ?", (digest_of(text),))
                found.append(next(((usable[build], vector) for build, vector in rows if build in usable), None))
            return found

        if not manifest.embedder or not texts:
            return [b""] * len(texts)
        return [_float32(*each) if each else b"" for each in await self._reader.read(work)]

    async def remove(self, collection: Collection, ids: Sequence[str], *, now_ns: int) -> int:
        """Remove documents everywhere."""
        return await self._writer.write(
            lambda connection: writing.remove_documents(connection, collection, ids, now_ns)
        )

    async def removed(self, collection: Collection, since_ns: int) -> list[str]:
        """Return the ids of the documents removed since a moment."""

        def work(connection: sqlite3.Connection) -> list[str]:
            number = _collection(connection, collection)
            rows = connection.execute(
                "SELECT id FROM removed WHERE collection = ? AND removed_ns >= ? ORDER BY id", (number, since_ns)
            )
            return [id for (id,) in rows]

        return await self._reader.read(work)

    async def document(self, collection: Collection, id: str, reader: Reader) -> Document | None:
        """Return a document that the reader may read."""

        def work(connection: sqlite3.Connection) -> Document | None:
            found = _find(connection, collection, id)
            if found is None or reader.tenant != collection.tenant or not readable(head_of(found[1]).access, reader):
                return None
            return read_document(connection, *found)

        return await self._reader.read(work)

    async def tables(
        self, collection: Collection, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 1_000_000
    ) -> list[Tabled]:
        """Return the tables that the reader may read."""
        if reader.tenant != collection.tenant:
            return []
        return await self._reader.read(
            lambda connection: tables_in(connection, _collection(connection, collection), reader, where, limit)
        )

    async def rows(self, collection: Collection, wanted: Sequence[Tabled], *, reader: Reader) -> list[Table | None]:
        """Return tables with their rows."""
        if reader.tenant != collection.tenant:
            return [None] * len(wanted)

        def work(connection: sqlite3.Connection) -> list[Table | None]:
            number = _collection(connection, collection)
            return [rows_of(connection, number, each, reader) for each in wanted]

        return await self._reader.apart(work)

    async def chunks(self, build: str, document: str) -> list[Chunk]:
        """Return how a build has cut a document."""

        def work(connection: sqlite3.Connection) -> list[Chunk]:
            held = held_build(connection, build)
            found = _find(connection, held.build.collection, document)
            rows = connection.execute(_CHUNKS, (held.number, found[0])).fetchall() if found else []
            return [
                Chunk(start=start, end=end, context=context, parent=None if first is None else (first, last))
                for start, end, context, first, last in rows
            ]

        return await self._reader.read(work)

    async def dense(
        self, build: str, vector: bytes, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 100
    ) -> list[Hit]:
        """Return the nearest chunks by cosine."""
        _, image = await self._image(build, reader.tenant)
        return await _apart(lambda: image.dense(vector, allowed(reader, where), limit)) if image else []

    async def lexical(
        self, build: str, question: str, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 100
    ) -> list[Hit]:
        """Return chunks by BM25."""
        held, image = await self._image(build, reader.tenant)
        terms = asked(question, analyser=held.manifest.analyser)
        return await _apart(lambda: image.lexical(terms, allowed(reader, where), limit)) if image and terms else []

    async def related(
        self, build: str, names: Sequence[str], *, reader: Reader, where: Sequence[Condition] = (), limit: int = 200
    ) -> list[Tie]:
        """Return the relations that have one of the names at either end."""
        return await self._reader.read(
            lambda connection: related(connection, held_build(connection, build), keys_of(names), reader, where, limit)
        )

    async def vectors(self, build: str, chunks: Sequence[int]) -> dict[int, bytes]:
        """Return the float32 vectors of chunks."""
        _, image = await self._image(build, None)
        return await _apart(lambda: image.vectors(chunks))

    async def passages(self, build: str, hits: Mapping[int, float], *, reader: Reader) -> dict[int, Passage]:
        """Return the passages of found chunks."""

        def work(connection: sqlite3.Connection) -> dict[int, Passage]:
            held = held_build(connection, build)
            if held.build.collection.tenant != reader.tenant:
                return {}
            found: dict[int, Passage] = {}
            heads: dict[int, Document] = {}
            for some in parted(hits):
                marks = ", ".join("?" * len(some))
                for row in connection.execute(_FOUND.format(marks), (held.number, *some)).fetchall():
                    number, document, start, end, context, first, last, access, body = row
                    if not readable(groups(access), reader):
                        continue
                    head = heads.get(document) or heads.setdefault(document, head_of(body))
                    shown = (start, end) if first is None else (first, last)
                    found[number] = passage_of(head, shown, read_piece(connection, document, *shown), hits[number]).but(
                        path=path_at(head.sections, start, end), context=context if first is None else ""
                    )
            return found

        return await self._reader.read(work)

    async def close(self) -> None:
        """Let go of the images."""
        await self._images.close()

    async def _image(self, build: str, tenant: str | None) -> tuple[Held, Any]:
        def work(connection: sqlite3.Connection) -> tuple[Held, int]:
            held = held_build(connection, build)
            (seq,) = connection.execute(
                "SELECT coalesce(max(seq), 0) FROM changes WHERE build = ?", (held.number,)
            ).fetchone()
            return held, seq

        held, seq = await self._reader.read(work)
        if tenant is not None and held.build.collection.tenant != tenant:
            return held, None
        return held, await self._images.fresh(held, seq)


async def _apart(work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work)


def _collection(connection: sqlite3.Connection, collection: Collection) -> int:
    """Return the number of a collection, 0 when there is none."""
    row = connection.execute(_COLLECTION, (collection.tenant, collection.app, collection.name)).fetchone()
    return int(row[0]) if row else 0


def _find(connection: sqlite3.Connection, collection: Collection, id: str) -> tuple[int, bytes] | None:
    row = connection.execute(
        "SELECT number, body FROM documents WHERE collection = ? AND id = ?", (_collection(connection, collection), id)
    ).fetchone()
    return (row[0], row[1]) if row else None


def _float32(held: Held, vector: bytes) -> bytes:
    if held.shape.storage == "float32":
        return vector
    numbers = writing.scanning("numbers")
    stored = numbers.np.frombuffer(vector, numbers.np.uint8)[None]
    found: bytes = numbers.unpacked(stored, held.shape).tobytes()
    return found
