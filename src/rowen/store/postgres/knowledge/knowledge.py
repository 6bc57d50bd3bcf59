"""The knowledge of apps in one schema."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
from psycopg.errors import UndefinedTable

from rowen.store.analyse import asked
from rowen.store.blocks import head_of
from rowen.store.cutting import as_fine, build_id, digest_of
from rowen.store.facts import passage_of, path_at, readable
from rowen.store.knowledge import Build, Collection, Cut, Hit, Known, Tabled, Tie
from rowen.store.names import keys_of
from rowen.store.postgres.database import PostgresDatabase, Raw
from rowen.store.postgres.knowledge import search, writing
from rowen.store.postgres.knowledge.filters import allowed
from rowen.store.postgres.knowledge.relations import related
from rowen.store.postgres.knowledge.rows import (
    Held,
    builds_of,
    collection_at,
    find_document,
    gone,
    held_build,
    held_builds,
    read_document,
    read_piece,
)
from rowen.store.postgres.knowledge.schema import drop_build, make_build
from rowen.store.postgres.knowledge.tables import rows_of, tables_in
from rowen.store.postgres.knowledge.vectors import float32, need_vectors, read_as, see_vectors
from rowen.store.postgres.rows import plain, told
from rowen.values import Chunk, Condition, Document, Manifest, Mistaken, Passage, Reader, Table

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode

_BEGIN = """INSERT INTO builds (id, collection, manifest, state, created_ns, snapshot, learnt)
VALUES (%s, %s, %s, 'building', %s, %s, %s) ON CONFLICT DO NOTHING RETURNING number"""
_KNOWN = "SELECT id, uri, version, raw, read_ns FROM documents WHERE collection = %s AND %s IN ('', source) ORDER BY id"
_MISSING = """
SELECT d.number, d.body FROM documents d LEFT JOIN cuts c ON c.build = %s AND c.document = d.number
WHERE d.collection = %s AND (c.version IS NULL OR c.version <> d.version) ORDER BY d.id LIMIT %s
"""
_CHUNKS = """SELECT first, past, context, parent_first, parent_past FROM chunks
WHERE build = %s AND document = %s ORDER BY number"""
_FOUND = """
SELECT k.number, k.document, k.first, k.past, k.context, k.parent_first, k.parent_past, d.body
FROM chunks k JOIN documents d ON d.number = k.document WHERE k.build = %s AND k.number = ANY(%s)
"""
_DIGESTS = "SELECT digest, build, number FROM chunks WHERE digest = ANY(%s) AND build = ANY(%s)"


class PostgresKnowledge:
    """Documents and builds.

    Args:
        database: whose connections are used.
        exact: up to how many chunks that may be found a search for meaning looks at each.

    """

    def __init__(self, database: PostgresDatabase, *, exact: int = search.EXACT) -> None:
        self._database = database
        self._exact = exact

    async def builds(self, collection: Collection) -> list[Build]:
        """Return all builds of a collection, the newest first."""
        return await self._database.look(
            lambda raw: [held.build for held in held_builds(raw, collection_at(raw, collection))]
        )

    async def begin(self, collection: Collection, manifest: Manifest, *, now_ns: int) -> Build:
        """Return the build of a manifest, made empty if there is none.

        Raises:
            Mistaken: `extra_missing` where it has vectors and the database has no pgvector.

        """
        asked("", analyser=manifest.analyser)  # an unknown one is refused now, not at the first document
        id = build_id(collection, manifest)

        def work(raw: Raw) -> Build:
            where = writing.alone(raw, collection)
            new = raw.execute(_BEGIN, (id, where, _encode(manifest), now_ns, bytes(16), b"{}")).fetchone()
            held = held_build(raw, id)
            if new is not None:
                if held.shape.dimensions:
                    need_vectors(raw)
                make_build(raw, held.number, held.shape)
            return held.build

        return await self._database.change(work)

    async def ready(self, build: str) -> None:
        """Note that a build has all documents."""

        def work(raw: Raw) -> None:
            held = _alone(raw, build)
            if raw.execute(_MISSING, (held.number, held.collection, 1)).fetchone() is not None:
                raise Mistaken("conflict", f"the build {build} lacks documents of its collection", place="build")
            raw.execute("UPDATE builds SET state = 'ready' WHERE number = %s AND state = 'building'", (held.number,))
            raw.execute(f"ANALYZE postings_{held.number}")  # the first search is not left to guesses

        await self._database.change(work)

    async def switch(self, build: str, *, now_ns: int) -> Build:
        """Let a build answer instead of the live one."""

        def work(raw: Raw) -> Build:
            held = _alone(raw, build)
            if held.build.state == "building":
                raise Mistaken("conflict", f"the build {build} is not ready: it lacks documents", place="build")
            if held.build.state != "live":
                raw.execute(
                    "UPDATE builds SET state = 'kept' WHERE collection = %s AND state = 'live'", (held.collection,)
                )
                raw.execute(
                    "UPDATE builds SET state = 'live', switched_ns = %s WHERE number = %s", (now_ns, held.number)
                )
            return held_build(raw, build).build

        return await self._database.change(work)

    async def drop(self, build: str) -> None:
        """Remove a build that is not live."""

        def work(raw: Raw) -> None:
            held = _alone(raw, build)
            if held.build.state == "live":
                raise Mistaken("conflict", f"the build {build} is live: switch to another one first", place="build")
            for table in ("chunks", "cuts", "relations"):
                raw.execute(f"DELETE FROM {table} WHERE build = %s", (held.number,))  # noqa: S608 - our own names
            raw.execute("DELETE FROM builds WHERE number = %s", (held.number,))
            drop_build(raw, held.number)

        await self._database.change(work)

    async def learn(self, build: str, learnt: Mapping[str, float]) -> None:
        """Note what was found out about a build."""

        def work(raw: Raw) -> None:
            held = _alone(raw, build)
            known = _encode({**held.build.learnt, **learnt})
            raw.execute("UPDATE builds SET learnt = %s WHERE number = %s", (known, held.number))

        await self._database.change(work)

    async def known(self, collection: Collection, source: str = "") -> list[Known]:
        """Return the documents of a collection, or of one source, without their texts."""

        def work(raw: Raw) -> list[Known]:
            rows = raw.execute(_KNOWN, (collection_at(raw, collection), plain(source)))
            return [
                Known(told(id), told(uri), told(version), told(etag), read_ns)
                for id, uri, version, etag, read_ns in rows
            ]

        return await self._database.look(work)

    async def missing(self, build: str, *, limit: int = 100) -> list[Document]:
        """Return documents that the build has not cut yet."""

        def work(raw: Raw) -> list[Document]:
            held = held_build(raw, build)
            rows = raw.execute(_MISSING, (held.number, held.collection, limit)).fetchall()
            return [read_document(raw, number, body) for number, body in rows]

        return await self._database.look(work)

    async def write(self, collection: Collection, document: Document, cuts: Sequence[Cut]) -> None:
        """Put a document's version and its cuts in place of what was there."""
        await self._database.change(lambda raw: writing.write_document(raw, collection, document, cuts))

    async def fill(self, collection: Collection, cut: Cut, *, document: str, version: str) -> bool:
        """Write the cut of a document for one build, if it is still at that version."""

        def work(raw: Raw) -> bool:
            found = find_document(raw, writing.alone(raw, collection), document)
            if found is None or head_of(found[1]).version != version:
                return False
            held = held_build(raw, cut.build)
            writing.put_cut(raw, held, found[0], read_document(raw, *found), cut)
            return True

        return await self._database.change(work)

    async def embedded(self, collection: Collection, manifest: Manifest, texts: Sequence[str]) -> list[bytes]:
        """Return the vectors of texts that the tenant has already, empty for the others."""
        digests = [digest_of(text) for text in texts]

        def work(raw: Raw) -> dict[bytes, bytes]:
            usable = {
                held.number: held
                for held in builds_of(raw, collection.tenant)
                if held.shape.dimensions and as_fine(held.build.manifest, manifest)
            }
            places = raw.execute(_DIGESTS, (digests, list(usable))).fetchall()
            found: dict[bytes, bytes] = {}
            for number, held in usable.items():
                chunks = {chunk: bytes(digest) for digest, build, chunk in places if build == number}
                vectors = _vectors(raw, held, list(chunks)) if chunks else {}
                found |= {chunks[chunk]: vector for chunk, vector in vectors.items()}
            return found

        found = await self._database.look(work) if manifest.embedder and texts else {}
        return [found.get(digest, b"") for digest in digests]

    async def remove(self, collection: Collection, ids: Sequence[str], *, now_ns: int) -> int:
        """Remove documents everywhere."""
        return await self._database.change(lambda raw: writing.remove_documents(raw, collection, ids, now_ns))

    async def removed(self, collection: Collection, since_ns: int) -> list[str]:
        """Return the ids of the documents removed since a moment."""

        def work(raw: Raw) -> list[str]:
            rows = raw.execute(
                "SELECT id FROM removed WHERE collection = %s AND removed_ns >= %s ORDER BY id",
                (collection_at(raw, collection), since_ns),
            )
            return [told(id) for (id,) in rows]

        return await self._database.look(work)

    async def document(self, collection: Collection, id: str, reader: Reader) -> Document | None:
        """Return a document that the reader may read."""

        def work(raw: Raw) -> Document | None:
            found = find_document(raw, collection_at(raw, collection), id)
            if found is None or reader.tenant != collection.tenant or not readable(head_of(found[1]).access, reader):
                return None
            return read_document(raw, *found)

        return await self._database.look(work)

    async def tables(
        self, collection: Collection, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 1_000_000
    ) -> list[Tabled]:
        """Return the tables that the reader may read."""
        if reader.tenant != collection.tenant:
            return []
        return await self._database.look(
            lambda raw: tables_in(raw, collection_at(raw, collection), allowed(reader, where), limit)
        )

    async def rows(self, collection: Collection, wanted: Sequence[Tabled], *, reader: Reader) -> list[Table | None]:
        """Return tables with their rows."""
        if reader.tenant != collection.tenant:
            return [None] * len(wanted)

        def work(raw: Raw) -> list[Table | None]:
            number = collection_at(raw, collection)
            return [rows_of(raw, number, each, allowed(reader, ())) for each in wanted]

        return await self._database.look(work)

    async def chunks(self, build: str, document: str) -> list[Chunk]:
        """Return how a build has cut a document."""

        def work(raw: Raw) -> list[Chunk]:
            held = held_build(raw, build)
            found = find_document(raw, held.collection, document)
            rows = raw.execute(_CHUNKS, (held.number, found[0])).fetchall() if found else []
            return [
                Chunk(start=start, end=end, context=told(context), parent=None if first is None else (first, last))
                for start, end, context, first, last in rows
            ]

        return await self._database.look(work)

    async def dense(
        self, build: str, vector: bytes, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 100
    ) -> list[Hit]:
        """Return the nearest chunks by cosine."""

        def work(raw: Raw, held: Held) -> list[Hit]:
            return search.dense(raw, held, vector, allowed(reader, where), limit, exact=self._exact)

        return await self._search(build, reader, work)

    async def lexical(
        self, build: str, question: str, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 100
    ) -> list[Hit]:
        """Return chunks by BM25."""

        def work(raw: Raw, held: Held) -> list[Hit]:
            terms = asked(question, analyser=held.build.manifest.analyser)
            return search.lexical(raw, held, terms, allowed(reader, where), limit)

        return await self._search(build, reader, work)

    async def related(
        self, build: str, names: Sequence[str], *, reader: Reader, where: Sequence[Condition] = (), limit: int = 200
    ) -> list[Tie]:
        """Return the relations that have one of the names at either end."""

        def work(raw: Raw) -> list[Tie]:
            held = held_build(raw, build)
            if held.build.collection.tenant != reader.tenant:
                return []
            return related(raw, held, keys_of(names), allowed(reader, where), limit)

        return await self._database.look(work)

    async def vectors(self, build: str, chunks: Sequence[int]) -> dict[int, bytes]:
        """Return the float32 vectors of chunks."""

        def work(raw: Raw) -> dict[int, bytes]:
            held = held_build(raw, build)
            return _vectors(raw, held, chunks) if held.shape.dimensions else {}

        return await self._database.look(work)

    async def passages(self, build: str, hits: Mapping[int, float], *, reader: Reader) -> dict[int, Passage]:
        """Return the passages of found chunks."""

        def work(raw: Raw) -> dict[int, Passage]:
            held = held_build(raw, build)
            if held.build.collection.tenant != reader.tenant:
                return {}
            found: dict[int, Passage] = {}
            heads: dict[int, Document] = {}
            for row in raw.execute(_FOUND, (held.number, list(hits))).fetchall():
                number, document, start, end, context, first, last, body = row
                head = heads.get(document) or heads.setdefault(document, head_of(body))
                if readable(head.access, reader):
                    shown = (start, end) if first is None else (first, last)
                    found[number] = passage_of(head, shown, read_piece(raw, document, *shown), hits[number]).but(
                        path=path_at(head.sections, start, end), context=told(context) if first is None else ""
                    )
            return found

        return await self._database.look(work)

    async def _search(self, build: str, reader: Reader, work: Callable[[Raw, Held], list[Hit]]) -> list[Hit]:
        def look(raw: Raw) -> list[Hit]:
            held = held_build(raw, build)
            if held.build.collection.tenant != reader.tenant:
                return []
            try:
                return work(raw, held)
            except UndefinedTable:  # dropped between the two
                raise gone(build) from None

        return await self._database.look(look)


def _alone(raw: Raw, build: str) -> Held:
    """Return a build whose collection nobody else changes until the transaction ends."""
    writing.hold(raw, held_build(raw, build).collection)
    return held_build(raw, build)


def _vectors(raw: Raw, held: Held, chunks: Sequence[int]) -> dict[int, bytes]:
    see_vectors(raw)
    query = f"SELECT chunk, {read_as(held.shape)} FROM vectors_{held.number} WHERE chunk = ANY(%s)"  # noqa: S608
    return {chunk: float32(stored, held.shape) for chunk, stored in raw.execute(query, (list(chunks),))}
