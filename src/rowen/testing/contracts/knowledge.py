"""What every store must do with knowledge. Subclass it with a fixture `store`; `numpy` is needed where the driver needs it."""

from rowen.store.base import Store
from rowen.store.knowledge import Cut
from rowen.testing.contracts.builds import BuildsContract
from rowen.testing.contracts.documents import (
    EVERYBODY,
    HOUSE,
    a_build,
    a_cut,
    a_document,
    found,
    letters,
    put,
)
from rowen.testing.contracts.relations import RelationsContract
from rowen.testing.contracts.search import SearchContract
from rowen.testing.contracts.tables import TablesContract
from rowen.values import Chunk, Section


class KnowledgeContract(BuildsContract, SearchContract, RelationsContract, TablesContract):
    """Documents and their pieces, and all else that a store must do with knowledge."""

    async def test_a_document_comes_back_as_it_was_written(self, store: Store) -> None:
        build = await a_build(store)
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
        build = await a_build(store)
        document = a_document("d1", "".join(f"Satz {n} über 日本 \U0001f600. " for n in range(6_000)))
        await put(store, build, document, size=777)

        hits = await store.knowledge.dense(build.id, letters("Satz"), reader=EVERYBODY, limit=1_000)
        passages = await store.knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=EVERYBODY)

        assert len(passages) == len(await store.knowledge.chunks(build.id, "d1"))
        assert all(each.text == document.text[each.start : each.end] for each in passages.values())

    async def test_a_passage_says_where_it_stands_and_shows_its_parent(self, store: Store) -> None:
        build = await a_build(store)
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

    async def test_a_change_replaces_what_was_found_before(self, store: Store) -> None:
        build = await a_build(store)
        await put(store, build, a_document("a", "the old sentence"), a_document("b", "another text"))
        before = await found(store, build, "sentence")

        await put(store, build, a_document("a", "the new sentence"))
        after = await found(store, build, "sentence")

        assert before["lexical"] == ["the old sentence"]
        assert after["lexical"] == ["the new sentence"]
        assert sorted(after["dense"]) == ["another text", "the new sentence"]

    async def test_what_was_removed_is_found_by_no_way_and_leaves_a_tombstone(self, store: Store) -> None:
        build = await a_build(store)
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
        build = await a_build(store)
        await put(store, build, a_document("a", "plan"))
        await store.knowledge.remove(build.collection, ["a"], now_ns=7)

        await put(store, build, a_document("a", "plan"))

        assert await store.knowledge.removed(build.collection, 0) == []
        assert (await found(store, build, "plan"))["lexical"] == ["plan"]
