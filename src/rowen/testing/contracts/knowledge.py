"""What every store must do with knowledge. Subclass it with a fixture `store`; `numpy` is needed where the driver needs it."""

import asyncio
import random
from array import array
from collections.abc import Sequence
from hashlib import sha256
from itertools import count
from math import sqrt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.store.base import Store
from rowen.store.knowledge import Build, Collection, Cut
from rowen.values import (
    Broken,
    Chunk,
    Column,
    ColumnType,
    Condition,
    Document,
    Manifest,
    Mistaken,
    Reader,
    Relation,
    Section,
    Table,
)

EVERYBODY = Reader(tenant="acme")
HOUSE = Reader(tenant="acme", everything=True)
WIDE = 16
_collections = count(1)
_ALLOWED = (HealthCheck.function_scoped_fixture, HealthCheck.differing_executors)  # each example has its own collection


def a_collection(tenant: str = "acme") -> Collection:
    """Return a collection that no other test has."""
    return Collection(tenant=tenant, app="handbook", name=f"docs{next(_collections)}")


def a_manifest(**fields: Any) -> Manifest:
    """Return how an index is made, with vectors of 16 numbers."""
    return Manifest(**{"chunker": "whole", "context": "none", "embedder": "letters", "dimensions": WIDE, **fields})


def a_document(id: str, text: str, **fields: Any) -> Document:
    """Return a document; its version follows from what it says."""
    document = Document(**{"id": id, "source": "files", "uri": f"{id}.md", "version": "", "text": text, **fields})
    return document.but(version=sha256(repr(document).encode()).hexdigest())


def letters(text: str) -> bytes:
    """Return a vector of a text: how often each of 16 classes of letters occurs."""
    counts = [1e-3] * WIDE
    for letter in text.lower():
        counts[ord(letter) % WIDE] += 1
    norm = sqrt(sum(x * x for x in counts))
    return array("f", [x / norm for x in counts]).tobytes()


def a_cut(
    build: Build, document: Document, size: int = 0, *, relations: tuple[Relation, ...] = (), **fields: Any
) -> Cut:
    """Return a document cut into pieces of `size` characters (0: whole), with their vectors."""
    size = size or max(1, len(document.text))
    chunks = tuple(
        Chunk(start=at, end=min(len(document.text), at + size), **fields) for at in range(0, len(document.text), size)
    )
    vectors = b"".join(letters(chunk.said(document.text)) for chunk in chunks) if build.manifest.embedder else b""
    return Cut(build.id, chunks, vectors, relations)


def a_relation(subject: str, name: str, object: str, start: int = 0, *, inverse: str = "back") -> Relation:
    """Return a relation that is said in one character."""
    return Relation(subject=subject, name=name, object=object, inverse=inverse, start=start, end=start + 1)


async def put(store: Store, build: Build, *documents: Document, size: int = 0) -> None:
    """Write documents and their cuts."""
    for document in documents:
        await store.knowledge.write(build.collection, document, [a_cut(build, document, size)])


async def found(
    store: Store,
    build: Build,
    question: str,
    *,
    reader: Reader = EVERYBODY,
    where: Sequence[Condition] = (),
    limit: int = 100,
) -> dict[str, list[str]]:
    """Return the texts that each way of searching finds, best first."""
    dense = await store.knowledge.dense(build.id, letters(question), reader=reader, where=where, limit=limit)
    lexical = await store.knowledge.lexical(build.id, question, reader=reader, where=where, limit=limit)
    ways = {}
    for name, hits in (("dense", dense), ("lexical", lexical)):
        passages = await store.knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=reader)
        ways[name] = [passages[hit.chunk].text for hit in hits if hit.chunk in passages]
    return ways


def a_table(name: str, rows: int) -> Table:
    """Return a table of so many rows, with every kind of cell."""
    types: tuple[tuple[str, ColumnType], ...] = (
        ("what", "text"), ("pieces", "integer"), ("price", "number"), ("day", "date"),
    )  # fmt: skip
    columns = tuple(
        Column(name=each, title=each.title(), type=type, unit="€" if type == "number" else "") for each, type in types
    )
    cells = tuple((f"Größe {at}\0", at or None, at / 10, f"2026-01-{at + 1:02}") for at in range(rows))
    return Table(name=name, title=name.title(), columns=columns, rows=cells, places=tuple(range(2, rows + 2)))


class KnowledgeContract:
    """Documents, builds, and what a search finds in them."""

    async def a_build(self, store: Store, **fields: Any) -> Build:
        return await store.knowledge.begin(a_collection(), a_manifest(**fields), now_ns=1)

    async def test_tables_are_handed_out_to_those_who_may_read_their_document(self, store: Store) -> None:
        build = await self.a_build(store)
        everybodys = a_document(
            "d1", "prices", tables=(a_table("prices", 3), a_table("fees", 2)), title="P", modified_ns=5
        )
        staffs = a_document(
            "d2", "salaries", tables=(a_table("salaries", 4),), access=("staff",), metadata={"year": 2026}
        )
        await put(store, build, everybodys, staffs)

        async def names(reader: Reader, *where: Condition) -> list[str]:
            found = await store.knowledge.tables(build.collection, reader=reader, where=where)
            rows = await store.knowledge.rows(build.collection, found, reader=reader)
            assert [
                each.table.but(rows=rows.rows, places=rows.places)
                for each, rows in zip(found, rows, strict=True)
                if rows
            ] == rows
            return [each.table.name for each in found]

        assert await names(EVERYBODY) == ["prices", "fees"]
        assert await names(Reader(tenant="acme", groups=("staff",))) == ["prices", "fees", "salaries"]
        assert await names(HOUSE, Condition(field="year", value=2026)) == ["salaries"]
        assert await names(Reader(tenant="other", everything=True)) == []
        for limit, many in ((0, 0), (2, 2), (3, 3), (9, 3)):
            assert len(await store.knowledge.tables(build.collection, reader=HOUSE, limit=limit)) == many
        (first, *_) = await store.knowledge.tables(build.collection, reader=EVERYBODY)
        assert (first.document, first.version, first.uri, first.size) == ("d1", everybodys.version, "d1.md", 3)
        assert (first.title, first.modified_ns, first.table.rows) == ("P", 5, ())

    async def test_rows_of_a_table_are_those_of_the_version_that_was_listed(self, store: Store) -> None:
        build = await self.a_build(store)
        old = a_document("d1", "prices", tables=(a_table("prices", 3),))
        await put(store, build, old)
        listed = await store.knowledge.tables(build.collection, reader=HOUSE)
        hidden = a_document("d1", "prices", tables=(a_table("prices", 4),), access=("staff",))

        assert await store.knowledge.rows(build.collection, listed, reader=HOUSE) == list(old.tables)
        await put(store, build, hidden)
        assert await store.knowledge.rows(build.collection, listed, reader=HOUSE) == [None]
        newer = await store.knowledge.tables(build.collection, reader=HOUSE)
        assert await store.knowledge.rows(build.collection, newer, reader=EVERYBODY) == [None]
        assert await store.knowledge.rows(build.collection, newer, reader=HOUSE) == list(hidden.tables)

    async def test_no_row_stays_of_a_table_whose_document_is_removed_or_has_none_any_more(self, store: Store) -> None:
        build = await self.a_build(store)
        await put(store, build, *(a_document(id, "prices", tables=(a_table("prices", 3),)) for id in ("d1", "d2")))
        listed = await store.knowledge.tables(build.collection, reader=HOUSE)

        await store.knowledge.remove(build.collection, ["d1"], now_ns=1)
        await put(store, build, a_document("d2", "prices"))

        assert await store.knowledge.tables(build.collection, reader=HOUSE) == []
        assert await store.knowledge.rows(build.collection, listed, reader=HOUSE) == [None, None]

    async def test_a_document_comes_back_as_it_was_written(self, store: Store) -> None:
        build = await self.a_build(store)
        text = "Größe 日本語 \U0001f600\n" * 5_000
        document = a_document(
            "d1",
            text,
            title="T",
            kind="markdown",
            language="de",
            sections=(Section(start=0, end=10, level=1, title="A"),),
            metadata={"year": 2026, "tags": ("a", "b"), "draft": False},
            access=("staff",),
            raw="etag",
            modified_ns=5,
            read_ns=6,
            flags=("junk",),
        )

        await store.knowledge.write(build.collection, document, [a_cut(build, document, 1_000)])

        assert await store.knowledge.document(build.collection, "d1", HOUSE) == document
        assert await store.knowledge.document(build.collection, "d1", EVERYBODY) is None
        assert await store.knowledge.document(build.collection, "d1", HOUSE.but(tenant="other")) is None
        (known,) = await store.knowledge.known(build.collection, "files")
        assert (known.id, known.uri, known.version, known.raw, known.read_ns) == (
            "d1",
            "d1.md",
            document.version,
            "etag",
            6,
        )
        assert await store.knowledge.known(build.collection, "elsewhere") == []

    async def test_every_passage_is_exactly_its_piece_of_the_document(self, store: Store) -> None:
        build = await self.a_build(store)
        document = a_document("d1", "".join(f"Satz {n} über 日本 \U0001f600. " for n in range(6_000)))
        await put(store, build, document, size=777)

        hits = await store.knowledge.dense(build.id, letters("Satz"), reader=EVERYBODY, limit=1_000)
        passages = await store.knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=EVERYBODY)

        assert len(passages) == len(await store.knowledge.chunks(build.id, "d1"))
        assert all(each.text == document.text[each.start : each.end] for each in passages.values())

    async def test_a_passage_says_where_it_stands_and_shows_its_parent(self, store: Store) -> None:
        build = await self.a_build(store)
        document = a_document(
            "d1",
            "# Leave\nGeneral.\n## Parents\nTwelve weeks of leave.\n",
            title="Handbook",
            sections=(
                Section(start=0, end=51, level=1, title="Leave"),
                Section(start=17, end=51, level=2, title="Parents"),
            ),
            metadata={"year": 2026},
        )
        small = Chunk(start=28, end=40, context="Handbook", parent=(17, 51))
        plain = Chunk(start=28, end=40, context="Handbook")
        await store.knowledge.write(
            build.collection, document, [Cut(build.id, (small, plain), letters("twelve") + letters("weeks"))]
        )

        hits = await store.knowledge.lexical(build.id, "twelve weeks", reader=EVERYBODY)
        passages = await store.knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=EVERYBODY)

        first, second = (passages[hit.chunk] for hit in sorted(hits))
        assert (first.start, first.end, first.context) == (17, 51, "")
        assert (second.text, second.context) == ("Twelve weeks", "Handbook")
        assert first.path == second.path == ("Leave", "Parents")
        assert (second.title, second.metadata, second.uri) == ("Handbook", {"year": 2026}, "d1.md")

    async def test_the_words_of_a_question_find_their_chunk_and_rare_ones_weigh_more(self, store: Store) -> None:
        build = await self.a_build(store)
        await put(
            store,
            build,
            a_document("a", "The policy covers holidays of employees."),
            a_document("b", "The policy covers parking."),
            a_document("c", "The policy covers holidaying abroad, and insurance."),
        )

        texts = (await found(store, build, "What is the policy for holiday insurance?"))["lexical"]

        assert texts[0].startswith("The policy covers holidaying")
        assert texts[1].startswith("The policy covers holidays")

    async def test_what_says_more_of_a_question_is_nearer_to_the_most_there_could_be(self, store: Store) -> None:
        build = await self.a_build(store)
        words = ("parking", "leave", "salary", "travel")
        texts = ["parking", "parking leave", " ".join(words), " ".join(words * 40)]
        await put(
            store, build, *(a_document(f"d{at}", text) for at, text in enumerate(texts)), a_document("x", "other")
        )

        hits = await store.knowledge.lexical(build.id, " ".join(words), reader=EVERYBODY)
        near = await store.knowledge.dense(build.id, letters("parking"), reader=EVERYBODY)

        passages = await store.knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=EVERYBODY)
        shares = {passages[hit.chunk].text: hit.score / hit.most for hit in hits}
        assert [shares[text] for text in texts] == sorted(shares.values())
        assert 0 < shares[texts[0]] < 0.3
        assert 0.8 < shares[texts[-1]] < 1
        assert {hit.most for hit in near} == {1.0}

    @pytest.mark.parametrize("question", ["", " ", '"', "a AND (b OR", "*", "\x00", "NEAR/2", "日", "-", "ß" * 500])
    async def test_any_text_is_a_question(self, store: Store, question: str) -> None:
        build = await self.a_build(store)
        await put(store, build, a_document("a", "something"))

        assert await store.knowledge.lexical(build.id, question, reader=EVERYBODY) == []

    async def test_a_change_replaces_what_was_found_before(self, store: Store) -> None:
        build = await self.a_build(store)
        await put(store, build, a_document("a", "the old sentence"), a_document("b", "another text"))
        before = await found(store, build, "sentence")

        await put(store, build, a_document("a", "the new sentence"))
        after = await found(store, build, "sentence")

        assert before["lexical"] == ["the old sentence"]
        assert after["lexical"] == ["the new sentence"]
        assert sorted(after["dense"]) == ["another text", "the new sentence"]

    async def test_what_was_removed_is_found_by_no_way_and_leaves_a_tombstone(self, store: Store) -> None:
        build = await self.a_build(store)
        await put(store, build, a_document("a", "secret plan"), a_document("b", "public plan"))
        hits = await store.knowledge.lexical(build.id, "plan", reader=EVERYBODY)

        gone = await store.knowledge.remove(build.collection, ["a", "never there"], now_ns=7)

        assert gone == 1
        assert await found(store, build, "secret plan") == {"dense": ["public plan"], "lexical": ["public plan"]}
        late = await store.knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=EVERYBODY)
        assert [each.text for each in late.values()] == ["public plan"]
        assert await store.knowledge.document(build.collection, "a", HOUSE) is None
        assert await store.knowledge.chunks(build.id, "a") == []
        assert await store.knowledge.removed(build.collection, 7) == ["a"]
        assert await store.knowledge.removed(build.collection, 8) == []
        assert (await store.knowledge.embedded(build.collection, build.manifest, ["secret plan"])) == [b""]

    async def test_a_document_that_comes_back_has_no_tombstone(self, store: Store) -> None:
        build = await self.a_build(store)
        await put(store, build, a_document("a", "plan"))
        await store.knowledge.remove(build.collection, ["a"], now_ns=7)

        await put(store, build, a_document("a", "plan"))

        assert await store.knowledge.removed(build.collection, 0) == []
        assert (await found(store, build, "plan"))["lexical"] == ["plan"]

    async def test_a_build_is_begun_once_and_knows_what_it_lacks(self, store: Store) -> None:
        build = await self.a_build(store)
        await store.knowledge.write(build.collection, a_document("b", "two"), [])
        await store.knowledge.write(build.collection, a_document("a", "one"), [])

        again = await store.knowledge.begin(build.collection, build.manifest, now_ns=99)
        missing = await store.knowledge.missing(build.id, limit=1)
        with pytest.raises(Mistaken, match="lacks documents"):
            await store.knowledge.ready(build.id)

        assert again == build
        assert [each.text for each in missing] == ["one"]

    async def test_a_build_is_filled_without_bringing_back_what_changed_meanwhile(self, store: Store) -> None:
        build = await self.a_build(store)
        old, removed = a_document("a", "old"), a_document("b", "removed")
        for document in (old, removed):
            await store.knowledge.write(build.collection, document, [])
        await store.knowledge.write(build.collection, a_document("a", "new"), [])
        await store.knowledge.remove(build.collection, ["b"], now_ns=1)

        filled = [
            await store.knowledge.fill(build.collection, a_cut(build, each), document=each.id, version=each.version)
            for each in (old, removed, a_document("a", "new"))
        ]

        assert filled == [False, False, True]
        assert (await found(store, build, "new old removed"))["dense"] == ["new"]
        await store.knowledge.ready(build.id)

    async def test_a_build_without_a_cut_for_a_change_loses_the_old_one(self, store: Store) -> None:
        first = await self.a_build(store)
        second = await store.knowledge.begin(first.collection, a_manifest(chunker="other"), now_ns=2)
        document = a_document("a", "text")
        await store.knowledge.write(first.collection, document, [a_cut(first, document), a_cut(second, document)])

        await put(store, second, a_document("a", "changed"))

        assert (await found(store, first, "text changed"))["dense"] == []
        assert (await found(store, second, "text changed"))["dense"] == ["changed"]
        assert [each.text for each in await store.knowledge.missing(first.id)] == ["changed"]

    async def test_the_same_version_again_leaves_the_other_builds_alone(self, store: Store) -> None:
        first = await self.a_build(store)
        document = a_document("a", "text")
        await put(store, first, document)
        second = await store.knowledge.begin(first.collection, a_manifest(chunker="other"), now_ns=2)

        await put(store, second, document)

        assert (await found(store, first, "text"))["lexical"] == ["text"]
        assert (await found(store, second, "text"))["lexical"] == ["text"]

    async def test_a_ready_build_takes_over_and_the_old_one_can_still_be_asked(self, store: Store) -> None:
        old = await self.a_build(store)
        document = a_document("a", "text")
        await put(store, old, document)
        await store.knowledge.ready(old.id)
        live = await store.knowledge.switch(old.id, now_ns=5)
        new = await store.knowledge.begin(old.collection, a_manifest(chunker="other"), now_ns=6)
        with pytest.raises(Mistaken, match="not ready"):
            await store.knowledge.switch(new.id, now_ns=7)
        await put(store, new, document)
        await store.knowledge.ready(new.id)

        switched = await store.knowledge.switch(new.id, now_ns=8)
        states = [(each.id, each.state) for each in await store.knowledge.builds(old.collection)]

        assert (live.state, live.switched_ns, switched.state, switched.switched_ns) == ("live", 5, "live", 8)
        assert states == [(new.id, "live"), (old.id, "kept")]
        assert (await found(store, old, "text"))["lexical"] == ["text"]
        assert (await store.knowledge.switch(old.id, now_ns=9)).state == "live"

    async def test_a_dropped_build_is_gone_and_a_live_one_cannot_be(self, store: Store) -> None:
        build = await self.a_build(store)
        await put(store, build, a_document("a", "text"))
        await store.knowledge.ready(build.id)
        await store.knowledge.switch(build.id, now_ns=2)
        other = await store.knowledge.begin(build.collection, a_manifest(chunker="other"), now_ns=3)
        await put(store, other, a_document("a", "text"))

        await store.knowledge.drop(other.id)
        with pytest.raises(Mistaken, match="is live"):
            await store.knowledge.drop(build.id)
        with pytest.raises(Mistaken, match="no build"):
            await store.knowledge.lexical(other.id, "text", reader=EVERYBODY)

        assert [each.id for each in await store.knowledge.builds(build.collection)] == [build.id]
        begun = await store.knowledge.begin(build.collection, other.manifest, now_ns=4)
        assert (begun.documents, begun.chunks) == (0, 0)
        assert (await found(store, begun, "text"))["lexical"] == []

    async def test_a_snapshot_names_what_could_be_found(self, store: Store) -> None:
        first, second = await self.a_build(store), await self.a_build(store)
        one, two = a_document("a", "one"), a_document("b", "two")

        await put(store, first, one, two)
        await put(store, second, two, a_document("a", "before"), one)
        (left,), (right,) = [await store.knowledge.builds(each.collection) for each in (first, second)]
        await put(store, second, a_document("a", "changed"))
        (changed,) = await store.knowledge.builds(second.collection)

        assert (left.documents, left.chunks) == (right.documents, right.chunks) == (2, 2)
        assert left.snapshot == right.snapshot != changed.snapshot

    async def test_what_was_learnt_of_a_build_is_kept(self, store: Store) -> None:
        build = await self.a_build(store)

        await store.knowledge.learn(build.id, {"weight": 0.25, "questions": 40})
        await store.knowledge.learn(build.id, {"weight": 0.5})

        (kept,) = await store.knowledge.builds(build.collection)
        assert kept.learnt == {"weight": 0.5, "questions": 40}

    async def test_a_text_that_was_embedded_costs_nothing_again_within_its_tenant(self, store: Store) -> None:
        build = await self.a_build(store)
        await put(store, build, a_document("a", "the same text"))
        other = a_manifest(chunker="other")
        tenant = a_collection("umbrella")

        same = await store.knowledge.embedded(build.collection, other, ["the same text", "a new text"])
        finer = await store.knowledge.embedded(build.collection, other.but(embedder="words"), ["the same text"])
        theirs = await store.knowledge.embedded(tenant, other, ["the same text"])

        assert same == [letters("the same text"), b""]
        assert finer == theirs == [b""]

    async def test_vectors_of_another_length_are_refused_and_nothing_is_written(self, store: Store) -> None:
        build = await self.a_build(store)

        with pytest.raises(Broken):
            await store.knowledge.write(
                build.collection, a_document("a", "text"), [Cut(build.id, (Chunk(start=0, end=4),), b"1234")]
            )

        assert await store.knowledge.known(build.collection) == []

    async def test_a_relation_is_found_from_both_ends_with_the_chunks_that_tell_it(self, store: Store) -> None:
        build = await self.a_build(store)
        document = a_document("a", "Ada Brenn. Her mother is Lia Brenn.")
        mother, other = (
            a_relation("Ada Brenn", "mother", "Lia Brenn", 11),
            a_relation("Teo", "employer", "Orvo Works", 0),
        )
        cut = a_cut(build, document, 11, relations=(mother, other))
        await store.knowledge.write(build.collection, document, [cut])

        forth = await store.knowledge.related(build.id, ["ada  BRENN"], reader=EVERYBODY)
        back = await store.knowledge.related(build.id, ["Lia Brenn’s", "nobody", "!"], reader=EVERYBODY)
        passages = await store.knowledge.passages(build.id, dict.fromkeys(back[0].chunks, 1.0), reader=EVERYBODY)

        assert forth == back
        assert [(tie.relation, tie.document) for tie in back] == [(mother, "a")]
        assert [each.text for each in passages.values()] == ["Her mother "]
        assert await store.knowledge.related(build.id, ["Brenn", ""], reader=EVERYBODY) == []

    async def test_relations_go_with_their_document_and_with_their_build(self, store: Store) -> None:
        first = await self.a_build(store)
        second = await store.knowledge.begin(first.collection, a_manifest(chunker="other"), now_ns=2)

        async def write(id: str, said: str) -> None:
            document = a_document(id, f"{id} {said}")
            relations = (a_relation("Ada", said, id),)
            cuts = [a_cut(build, document, relations=relations) for build in (first, second)]
            await store.knowledge.write(first.collection, document, cuts)

        async def told(build: Build) -> list[tuple[str, str]]:
            ties = await store.knowledge.related(build.id, ["ada"], reader=HOUSE)
            return [(tie.document, tie.relation.name) for tie in ties]

        for id in "abc":
            await write(id, "old")
        await write("b", "new")
        await store.knowledge.remove(first.collection, ["a"], now_ns=3)
        changed = a_document("c", "another text")
        await store.knowledge.write(first.collection, changed, [a_cut(first, changed)])
        after = await told(first), await told(second)
        await store.knowledge.drop(second.id)

        assert after == ([("b", "new")], [("b", "new")])
        assert await told(first) == [("b", "new")]
        with pytest.raises(Mistaken):
            await told(second)

    async def test_relations_of_documents_that_a_reader_may_not_read_are_not_there_for_him(self, store: Store) -> None:
        build = await self.a_build(store)
        for id, access in (("a", ()), ("b", ("hr",)), ("c", ("it", "hr")), ("d", ("it",))):
            document = a_document(id, "text", access=access, metadata={"draft": id == "c"})
            relations = (a_relation("Ada", "knows", id),)
            await store.knowledge.write(build.collection, document, [a_cut(build, document, relations=relations)])

        async def seen(reader: Reader, *where: Condition, limit: int = 10) -> str:
            ties = await store.knowledge.related(build.id, ["Ada"], reader=reader, where=where, limit=limit)
            return "".join(tie.document for tie in ties)

        hr = Reader(tenant="acme", groups=("hr",))
        assert await seen(EVERYBODY) == "a"
        assert await seen(hr) == "abc"
        assert await seen(hr, limit=2) == "ab"
        assert await seen(hr, Condition(field="draft", value=False)) == "ab"
        assert await seen(hr, Condition(field="draft", value=False), limit=1) == "a"
        assert await seen(HOUSE) == "abcd"
        assert await seen(Reader(tenant="other", everything=True)) == ""

    async def test_a_relation_outside_its_document_is_refused_and_nothing_is_written(self, store: Store) -> None:
        build = await self.a_build(store)
        document = a_document("a", "text")
        cut = a_cut(build, document, relations=(a_relation("Ada", "knows", "Teo", 4),))

        with pytest.raises(Broken):
            await store.knowledge.write(build.collection, document, [cut])

        assert await store.knowledge.known(build.collection) == []

    async def test_a_cut_for_a_build_of_another_collection_is_refused_and_nothing_is_written(
        self, store: Store
    ) -> None:
        build, other = await self.a_build(store), await self.a_build(store)
        document = a_document("a", "text")

        with pytest.raises(Mistaken, match="not one of this collection"):
            await store.knowledge.write(build.collection, document, [a_cut(build, document), a_cut(other, document)])

        assert await store.knowledge.known(build.collection) == []
        assert (await found(store, build, "text"))["dense"] == []

    async def test_an_unknown_analyser_is_refused(self, store: Store) -> None:
        with pytest.raises(Mistaken, match="no analyser"):
            await self.a_build(store, analyser="klingon")

    async def test_an_index_without_an_embedder_is_searched_by_words(self, store: Store) -> None:
        build = await self.a_build(store, embedder="", dimensions=0)
        await put(store, build, a_document("a", "plain words"))

        assert await found(store, build, "words") == {"dense": [], "lexical": ["plain words"]}

    @pytest.mark.parametrize("storage", ["float32", "float16", "int8", "binary"])
    async def test_vectors_are_found_in_every_storage(self, store: Store, storage: str) -> None:
        chance = random.Random(7)
        build = await self.a_build(store, storage=storage, dimensions=64)
        rows = [_direction(chance, 64) for _ in range(50)]
        data = b"".join(array("f", row).tobytes() for row in rows)
        chunks = tuple(Chunk(start=at, end=at + 1) for at in range(50))
        await store.knowledge.write(build.collection, a_document("a", "x" * 50), [Cut(build.id, chunks, data)])

        hits = await store.knowledge.dense(build.id, array("f", rows[17]).tobytes(), reader=EVERYBODY, limit=1)
        passages = await store.knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=EVERYBODY)
        vectors = await store.knowledge.vectors(build.id, [hit.chunk for hit in hits])

        assert [each.start for each in passages.values()] == [17]
        assert [len(each) for each in vectors.values()] == [4 * 64]
        kept = array("f", next(iter(vectors.values())))
        assert sum(a * b for a, b in zip(kept, rows[17], strict=True)) > (0.7 if storage == "binary" else 0.99)

    @pytest.mark.parametrize(
        ("condition", "ids"),
        [
            (Condition(field="year", value=2026), "a"),
            (Condition(field="year", op="ne", value=2026), "bcd"),
            (Condition(field="year", op="in", value=("2026", "x")), ""),
            (Condition(field="year", op="ge", value=2025.5), "a"),
            (Condition(field="year", op="le", value=2025), "b"),
            (Condition(field="year", op="ge", value="2025"), ""),
            (Condition(field="tags", value="x"), "ab"),
            (Condition(field="tags", op="in", value=("y", "z")), "b"),
            (Condition(field="draft", value=True), "c"),
            (Condition(field="draft", value=1), ""),
            (Condition(field="draft", op="exists"), "c"),
            (Condition(field="draft", op="exists", value=False), "abd"),
            (Condition(field="source", value="wiki"), "d"),
            (Condition(field="uri", op="in", value=("a.md", "b.md")), "ab"),
            (Condition(field="kind", value="code"), "d"),
        ],
    )
    async def test_a_condition_lets_through_what_meets_it(self, store: Store, condition: Condition, ids: str) -> None:
        build = await self.a_build(store)
        await put(
            store,
            build,
            a_document("a", "text a", metadata={"year": 2026, "tags": ("x",)}),
            a_document("b", "text b", metadata={"year": 2025, "tags": ("x", "y")}),
            a_document("c", "text c", metadata={"draft": True}),
            a_document("d", "text d", source="wiki", kind="code", metadata={"source": "files"}),
            a_document(
                "e", "nothing of that", metadata={"year": "never", "draft": "maybe", "tags": ()}, access=("none",)
            ),
        )

        ways = await found(store, build, "text", where=[condition])

        assert {way: sorted(text[-1] for text in texts) for way, texts in ways.items()} == {
            "dense": sorted(ids),
            "lexical": sorted(ids),
        }

    @settings(max_examples=20, deadline=None, suppress_health_check=_ALLOWED)
    @given(
        lists=st.lists(st.sets(st.sampled_from("xyz")), min_size=1, max_size=12),
        groups=st.sets(st.sampled_from("xyzw")),
        limit=st.integers(1, 20),
        change=st.booleans(),
    )
    async def test_what_a_reader_may_not_read_surfaces_by_no_way_and_takes_no_place(
        self, store: Store, lists: list[set[str]], groups: set[str], limit: int, change: bool
    ) -> None:
        build = await self.a_build(store)
        documents = [
            a_document(f"d{n}", f"plan number {n}", access=tuple(sorted(each))) for n, each in enumerate(lists)
        ]
        await put(store, build, *documents)
        if change:  # lists are turned round: what was open may be closed now
            await found(store, build, "plan")
            documents = [
                a_document(each.id, each.text, access=tuple(sorted(access)))
                for each, access in zip(documents, reversed(lists), strict=True)
            ]
            await put(store, build, *documents)
        reader = Reader(tenant="acme", groups=tuple(sorted(groups)))

        ways = await found(store, build, "plan number", reader=reader, limit=limit)
        everything = await store.knowledge.dense(build.id, letters("plan"), reader=HOUSE)
        by_number = await store.knowledge.passages(
            build.id, {hit.chunk: hit.score for hit in everything}, reader=reader
        )
        strangers = await found(store, build, "plan number", reader=Reader(tenant="other", everything=True))

        may = sorted(each.text for each in documents if not each.access or groups.intersection(each.access))
        assert {way: len(texts) for way, texts in ways.items()} == dict.fromkeys(ways, min(limit, len(may)))
        assert all(set(texts) <= set(may) for texts in ways.values())
        assert sorted(each.text for each in by_number.values()) == may
        assert strangers == {"dense": [], "lexical": []}

    @pytest.mark.parametrize("storage", ["float32", "float16", "int8"])
    @pytest.mark.parametrize("one_in", [1, 10, 100])
    async def test_filters_lose_nothing(self, store: Store, one_in: int, storage: str) -> None:
        chance = random.Random(one_in)
        build = await self.a_build(store, storage=storage, dimensions=32)
        vectors: dict[int, list[float]] = {}
        for n in range(60):
            document = a_document(
                f"d{n}", "x" * 20, metadata={"nth": n % 10}, access=("few",) if n % 10 else ("few", "one")
            )
            rows = [_direction(chance, 32) for _ in range(20)]
            vectors |= {n * 20 + at: row for at, row in enumerate(rows)}
            chunks = tuple(Chunk(start=at, end=at + 1) for at in range(20))
            data = b"".join(array("f", row).tobytes() for row in rows)
            await store.knowledge.write(build.collection, document, [Cut(build.id, chunks, data)])
        where = [Condition(field="nth", op="le", value={1: 9, 10: 0, 100: 0}[one_in])]
        reader = Reader(tenant="acme", groups=("few",))
        if one_in == 100:  # one document in a hundred, as near as 60 have it
            where.append(Condition(field="uri", value="d30.md"))

        recalls = []
        for _ in range(10):
            question = _direction(chance, 32)
            hits = await store.knowledge.dense(
                build.id, array("f", question).tobytes(), reader=reader, where=where, limit=10
            )
            passages = await store.knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=reader)
            got = {int(each.document[1:]) * 20 + each.start for each in passages.values()}
            may = [n for n in vectors if {1: True, 10: n // 20 % 10 == 0, 100: n // 20 == 30}[one_in]]
            best = sorted(may, key=lambda n: -sum(a * b for a, b in zip(vectors[n], question, strict=True)))[:10]
            recalls.append(len(got & set(best)) / 10)

        assert sum(recalls) / len(recalls) >= 0.98

    async def test_no_search_fails_while_builds_are_switched(self, store: Store) -> None:
        first = await self.a_build(store)
        second = await store.knowledge.begin(first.collection, a_manifest(chunker="other"), now_ns=2)
        for n in range(20):
            document = a_document(f"d{n}", f"plan {n}")
            await store.knowledge.write(first.collection, document, [a_cut(first, document), a_cut(second, document)])
        for build in (first, second):
            await store.knowledge.ready(build.id)
        await store.knowledge.switch(first.id, now_ns=3)
        done = asyncio.Event()

        async def ask() -> int:
            asked = 0
            while not done.is_set():
                live = next(each for each in await store.knowledge.builds(first.collection) if each.state == "live")
                ways = await found(store, live, "plan", limit=20)
                assert all(len(texts) >= 19 for texts in ways.values())  # one may be changed on its way
                asked += 1
                await asyncio.sleep(0)
            return asked

        asking = [asyncio.create_task(ask()) for _ in range(3)]
        for at in range(10):
            await store.knowledge.switch((second, first)[at % 2].id, now_ns=4 + at)
            changed = a_document("d0", f"plan 0 once more {at}")
            await store.knowledge.write(first.collection, changed, [a_cut(first, changed), a_cut(second, changed)])
            await asyncio.sleep(0)
        done.set()

        assert sum(await asyncio.gather(*asking)) > 3

    @settings(max_examples=25, deadline=None, suppress_health_check=_ALLOWED)
    @given(
        st.lists(
            st.one_of(
                st.tuples(st.just("put"), st.integers(0, 7), st.integers(0, 99)),
                st.tuples(st.just("remove"), st.integers(0, 7), st.just(0)),
                st.tuples(st.just("swap"), st.integers(0, 1), st.just(0)),
                st.tuples(st.just("ask"), st.just(0), st.just(0)),
            ),
            min_size=5,
            max_size=40,
        )
    )
    async def test_nothing_that_is_gone_is_ever_found(self, store: Store, acts: list[tuple[str, int, int]]) -> None:
        first = await self.a_build(store)
        second = await store.knowledge.begin(first.collection, a_manifest(chunker="other"), now_ns=2)
        there: dict[str, str] = {}

        for act, which, nth in acts:
            if act == "put":
                document = a_document(f"d{which}", f"plan w{nth} of d{which}")
                there[document.id] = document.text
                said = (a_relation("plan", "says", document.text),)
                cuts = [a_cut(first, document, 9, relations=said), a_cut(second, document, relations=said)]
                await store.knowledge.write(first.collection, document, cuts)
            elif act == "remove":
                there.pop(f"d{which}", None)
                await store.knowledge.remove(first.collection, [f"d{which}"], now_ns=1)
            elif act == "swap":
                build = (first, second)[which]
                await store.knowledge.ready(build.id)
                await store.knowledge.switch(build.id, now_ns=3)
            await self._holds(store, second, there)

        await self._holds(store, first, there, whole=False)

    async def _holds(self, store: Store, build: Build, there: dict[str, str], *, whole: bool = True) -> None:
        ways = await found(store, build, "plan " + " ".join(f"w{n}" for n in range(100)))
        for texts in ways.values():
            assert all(any(text in known for known in there.values()) for text in texts)
            assert not whole or sorted(texts) == sorted(there.values())
        ties = await store.knowledge.related(build.id, ["Plan"], reader=EVERYBODY)
        assert sorted(tie.relation.object for tie in ties) == sorted(there.values())


def _direction(chance: random.Random, wide: int) -> list[float]:
    numbers = [chance.gauss(0, 1) for _ in range(wide)]
    norm = sqrt(sum(x * x for x in numbers))
    return [x / norm for x in numbers]
