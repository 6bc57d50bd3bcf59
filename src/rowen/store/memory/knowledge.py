"""What apps know, in dicts; searched by looking at everything, in plain Python: what the other drivers are held against."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from operator import mul
from typing import NamedTuple

from rowen.store.analyse import Bag, asked
from rowen.store.cutting import as_fine, build_id, digest_of, made, mark_of, tied
from rowen.store.facts import facts_of, meets, passage_of, path_at, readable
from rowen.store.knowledge import Build, Collection, Cut, Hit, Known, Tabled, Tie
from rowen.store.names import keys_of
from rowen.store.scan.rarity import ABOVE, K1, B, most, rarity
from rowen.values import Chunk, Condition, Document, Manifest, Mistaken, Passage, Reader, Relation, Table


class _Terms(NamedTuple):
    counts: Counter[int]
    """How often each stands there."""
    length: int
    """Of all together, which is asked for at every question."""

    @classmethod
    def of(cls, counts: Counter[int]) -> "_Terms":
        return cls(counts, counts.total())


@dataclass(slots=True)
class _Held:
    document: str
    chunk: Chunk
    vector: "array[float]"
    terms: _Terms
    digest: bytes


@dataclass(slots=True)
class _Index:
    build: Build
    cuts: dict[str, str] = field(default_factory=dict)
    """The version that was cut, by document."""
    chunks: dict[int, _Held] = field(default_factory=dict)
    terms: dict[str, _Terms] = field(default_factory=dict)
    """Of all chunks of a document."""
    relations: dict[str, list[tuple[Relation, str, str]]] = field(default_factory=dict)
    """With the keys of both ends, by document in the order they were written."""


class MemoryKnowledge:
    """Documents and builds."""

    def __init__(self) -> None:
        self._documents: defaultdict[Collection, dict[str, Document]] = defaultdict(dict)
        self._removed: defaultdict[Collection, dict[str, int]] = defaultdict(dict)
        self._indexes: dict[str, _Index] = {}
        self._numbers = count(1)

    async def builds(self, collection: Collection) -> list[Build]:
        """Return all builds of a collection, the newest first."""
        found = [self._told(index) for index in self._indexes.values() if index.build.collection == collection]
        found.reverse()
        found.sort(key=lambda build: -build.created_ns)
        return found

    async def begin(self, collection: Collection, manifest: Manifest, *, now_ns: int) -> Build:
        """Return the build of a manifest, made empty if there is none."""
        asked("", analyser=manifest.analyser)
        id = build_id(collection, manifest)
        if id not in self._indexes:
            build = Build(id=id, collection=collection, manifest=manifest, created_ns=now_ns)
            self._indexes[id] = _Index(build)
        return self._told(self._indexes[id])

    async def ready(self, build: str) -> None:
        """Note that a build has all documents."""
        index = self._index(build)
        if await self.missing(build, limit=1):
            raise Mistaken("conflict", f"the build {build} lacks documents of its collection", place="build")
        if index.build.state == "building":
            index.build = index.build.but(state="ready")

    async def switch(self, build: str, *, now_ns: int) -> Build:
        """Let a build answer instead of the live one."""
        index = self._index(build)
        if index.build.state == "building":
            raise Mistaken("conflict", f"the build {build} is not ready: it lacks documents", place="build")
        if index.build.state != "live":
            for other in self._of(index.build.collection):
                if other.build.state == "live":
                    other.build = other.build.but(state="kept")
            index.build = index.build.but(state="live", switched_ns=now_ns)
        return self._told(index)

    async def drop(self, build: str) -> None:
        """Remove a build that is not live."""
        if self._index(build).build.state == "live":
            raise Mistaken("conflict", f"the build {build} is live: switch to another one first", place="build")
        del self._indexes[build]

    async def learn(self, build: str, learnt: Mapping[str, float]) -> None:
        """Note what was found out about a build."""
        index = self._index(build)
        index.build = index.build.but(learnt={**index.build.learnt, **learnt})

    async def known(self, collection: Collection, source: str = "") -> list[Known]:
        """Return the documents of a collection, or of one source, without their texts."""
        return [
            Known(each.id, each.uri, each.version, each.raw, each.read_ns)
            for _, each in sorted(self._documents[collection].items())
            if source in {"", each.source}
        ]

    async def missing(self, build: str, *, limit: int = 100) -> list[Document]:
        """Return documents that the build has not cut yet."""
        index = self._index(build)
        every = sorted(self._documents[index.build.collection].items())
        return [each.but(tables=()) for id, each in every if index.cuts.get(id) != each.version][:limit]

    async def write(self, collection: Collection, document: Document, cuts: Sequence[Cut]) -> None:
        """Put a document's version and its cuts in place of what was there."""
        given = {cut.build: cut for cut in cuts}
        for id in given:
            if id not in self._indexes or self._indexes[id].build.collection != collection:
                raise Mistaken("not_found", f"the build {id} is not one of this collection", place="build")
        worked = [
            (index, self._cut(index, document, given[index.build.id]), list(tied(document, given[index.build.id])))
            for index in self._of(collection)
            if index.build.id in given
        ]
        old = self._documents[collection].get(document.id)
        if old is None or old.version != document.version:
            for index in self._of(collection):
                self._uncut(index, document.id)
        self._documents[collection][document.id] = document
        self._removed[collection].pop(document.id, None)
        for index, held, relations in worked:
            self._put(index, document, held, relations)

    async def fill(self, collection: Collection, cut: Cut, *, document: str, version: str) -> bool:
        """Write the cut of a document for one build, if it is still at that version."""
        known = self._documents[collection].get(document)
        if known is None or known.version != version:
            return False
        index = self._index(cut.build)
        self._put(index, known, self._cut(index, known, cut), list(tied(known, cut)))
        return True

    async def embedded(self, collection: Collection, manifest: Manifest, texts: Sequence[str]) -> list[bytes]:
        """Return the vectors of texts that the tenant has already, empty for the others."""
        known = {
            held.digest: held.vector.tobytes()
            for index in self._indexes.values()
            if index.build.collection.tenant == collection.tenant and as_fine(index.build.manifest, manifest)
            for held in index.chunks.values()
        }
        return [known.get(digest_of(text), b"") if manifest.embedder else b"" for text in texts]

    async def remove(self, collection: Collection, ids: Sequence[str], *, now_ns: int) -> int:
        """Remove documents everywhere."""
        gone = [id for id in ids if self._documents[collection].pop(id, None) is not None]
        for id in gone:
            self._removed[collection][id] = now_ns
            for index in self._of(collection):
                self._uncut(index, id)
        return len(gone)

    async def removed(self, collection: Collection, since_ns: int) -> list[str]:
        """Return the ids of the documents removed since a moment."""
        return sorted(id for id, at_ns in self._removed[collection].items() if at_ns >= since_ns)

    async def document(self, collection: Collection, id: str, reader: Reader) -> Document | None:
        """Return a document that the reader may read."""
        found = self._documents[collection].get(id)
        may = found is not None and reader.tenant == collection.tenant and readable(found.access, reader)
        return found.but(tables=()) if found is not None and may else None

    async def tables(
        self, collection: Collection, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 1_000_000
    ) -> list[Tabled]:
        """Return the tables that the reader may read."""
        if reader.tenant != collection.tenant:
            return []
        return [
            Tabled(
                id,
                each.version,
                each.source,
                each.uri,
                place,
                table.but(rows=(), places=()),
                len(table.rows),
                each.title,
                each.modified_ns,
            )
            for id, each in sorted(self._documents[collection].items())
            if readable(each.access, reader) and all(meets(facts_of(each), one) for one in where)
            for place, table in enumerate(each.tables)
        ][: max(0, limit)]

    async def rows(self, collection: Collection, wanted: Sequence[Tabled], *, reader: Reader) -> list[Table | None]:
        """Return tables with their rows."""
        found: list[Table | None] = []
        for each in wanted:
            document = self._documents[collection].get(each.document)
            there = document is not None and document.version == each.version and reader.tenant == collection.tenant
            may = document is not None and there and readable(document.access, reader)
            found.append(document.tables[each.place] if document is not None and may else None)
        return found

    async def chunks(self, build: str, document: str) -> list[Chunk]:
        """Return how a build has cut a document."""
        return [held.chunk for held in self._index(build).chunks.values() if held.document == document]

    async def dense(
        self, build: str, vector: bytes, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 100
    ) -> list[Hit]:
        """Return the nearest chunks by cosine."""
        question = array("f", vector)

        def cosine(held: _Held) -> float | None:
            if len(held.vector) != len(question) or not question:
                return None
            products: float = sum(map(mul, held.vector, question))
            return products

        return self._best(self._index(build), cosine, reader, where, limit, 1.0)

    async def lexical(
        self, build: str, question: str, *, reader: Reader, where: Sequence[Condition] = (), limit: int = 100
    ) -> list[Hit]:
        """Return chunks by BM25."""
        index = self._index(build)
        weights, mean = _weighed(index, asked(question, analyser=index.build.manifest.analyser))
        mean_above = sum(each.length for each in index.terms.values()) / max(1, len(index.terms)) or 1.0

        def bm25(held: _Held) -> float | None:
            own = _bm25(held.terms, weights, mean)
            return own + ABOVE * _bm25(index.terms[held.document], weights, mean_above) if own else None

        return self._best(index, bm25, reader, where, limit, most(weights))

    async def related(
        self, build: str, names: Sequence[str], *, reader: Reader, where: Sequence[Condition] = (), limit: int = 200
    ) -> list[Tie]:
        """Return the relations that have one of the names at either end."""
        index, wanted = self._index(build), set(keys_of(names))
        found = []
        for id, relations in index.relations.items():
            if not self._meets(index, id, reader, where):
                continue
            for relation, *ends in relations:
                if not wanted.isdisjoint(ends):
                    chunks = [
                        number
                        for number, held in index.chunks.items()
                        if held.document == id and held.chunk.start <= relation.start < held.chunk.end
                    ]
                    found.append(Tie(relation, id, tuple(chunks)))
        return found[: max(0, limit)]

    async def vectors(self, build: str, chunks: Sequence[int]) -> dict[int, bytes]:
        """Return the float32 vectors of chunks."""
        held = self._index(build).chunks
        return {number: held[number].vector.tobytes() for number in chunks if number in held and held[number].vector}

    async def passages(self, build: str, hits: Mapping[int, float], *, reader: Reader) -> dict[int, Passage]:
        """Return the passages of found chunks."""
        index = self._index(build)
        found: dict[int, Passage] = {}
        for number, score in hits.items():
            held = index.chunks.get(number)
            document = self._may(index, held.document, reader) if held else None
            if held is not None and document is not None:
                chunk = held.chunk
                shown = chunk.parent or (chunk.start, chunk.end)
                found[number] = passage_of(document, shown, document.text[shown[0] : shown[1]], score).but(
                    path=path_at(document.sections, chunk.start, chunk.end),
                    context="" if chunk.parent else chunk.context,
                )
        return found

    def _best(
        self,
        index: _Index,
        scored: Callable[[_Held], float | None],
        reader: Reader,
        where: Sequence[Condition],
        limit: int,
        highest: float,
    ) -> list[Hit]:
        found = []
        may = {id: self._meets(index, id, reader, where) for id in index.cuts}
        for number, held in index.chunks.items():
            if may[held.document]:
                score = scored(held)
                if score is not None:
                    found.append(Hit(number, score, highest))
        return sorted(found, key=lambda hit: (-hit.score, hit.chunk))[: max(0, limit)]

    def _meets(self, index: _Index, id: str, reader: Reader, where: Sequence[Condition]) -> bool:
        document = self._may(index, id, reader)
        if document is None:
            return False
        facts = facts_of(document) if where else {}
        return all(meets(facts, each) for each in where)

    def _may(self, index: _Index, id: str, reader: Reader) -> Document | None:
        collection = index.build.collection
        document = self._documents[collection].get(id)
        may = document is not None and collection.tenant == reader.tenant and readable(document.access, reader)
        return document if may else None

    def _of(self, collection: Collection) -> list[_Index]:
        return [index for index in self._indexes.values() if index.build.collection == collection]

    def _index(self, build: str) -> _Index:
        if build not in self._indexes:
            raise Mistaken("not_found", f"there is no build {build}: it was dropped, or never begun", place="build")
        return self._indexes[build]

    def _cut(self, index: _Index, document: Document, cut: Cut) -> list[_Held]:
        return [
            _Held(document.id, each.chunk, array("f", each.vector), _terms(each.bag), each.digest)
            for each in made(document, cut, index.build.manifest)
        ]

    def _put(
        self,
        index: _Index,
        document: Document,
        chunks: Sequence[_Held],
        relations: list[tuple[Relation, str, str]],
    ) -> None:
        self._uncut(index, document.id)
        if relations:
            index.relations[document.id] = relations
        index.cuts[document.id] = document.version
        index.chunks |= {next(self._numbers): held for held in chunks}
        if chunks:
            index.terms[document.id] = _Terms.of(sum((held.terms.counts for held in chunks), Counter()))

    def _uncut(self, index: _Index, document: str) -> None:
        if index.cuts.pop(document, None) is None:
            return
        index.relations.pop(document, None)
        index.terms.pop(document, None)
        index.chunks = {number: held for number, held in index.chunks.items() if held.document != document}

    def _told(self, index: _Index) -> Build:
        snapshot = 0
        for document, version in index.cuts.items():
            snapshot ^= mark_of(document, version)
        return index.build.but(
            documents=len(index.cuts), chunks=len(index.chunks), snapshot=snapshot.to_bytes(16).hex()
        )


def _terms(bag: Bag) -> _Terms:
    return _Terms.of(Counter(dict(zip(bag.terms, bag.counts, strict=True))))


def _bm25(terms: _Terms, weights: Mapping[int, float], mean: float) -> float:
    there = weights.keys() & terms.counts.keys()
    if not there:
        return 0.0
    damped = K1 * (1 - B + B * terms.length / mean)
    # In the order of the question, so that the same sum comes out.
    return sum(
        [
            weight * (K1 + 1) * terms.counts[term] / (terms.counts[term] + damped)
            for term, weight in weights.items()
            if term in there
        ]
    )


def _weighed(index: _Index, terms: Mapping[int, float]) -> tuple[dict[int, float], float]:
    """Return the terms' weights by how rare they are, and the mean length of a chunk."""
    total = len(index.chunks)
    found = dict.fromkeys(terms, 0)
    for held in index.chunks.values():
        for term in terms.keys() & held.terms.counts.keys():
            found[term] += 1
    length = sum([held.terms.length for held in index.chunks.values()])
    return rarity(terms, found, total), max(1.0, length / total) if total else 1.0
