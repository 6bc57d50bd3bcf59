"""What every store must do with relations that documents tell of. `KnowledgeContract` holds these tests."""

import pytest

from rowen.store.base import Store
from rowen.store.knowledge import Build
from rowen.testing.contracts.documents import (
    EVERYBODY,
    HOUSE,
    a_build,
    a_cut,
    a_document,
    a_manifest,
)
from rowen.values import Broken, Condition, Mistaken, Reader, Relation


def a_relation(subject: str, name: str, object: str, start: int = 0, *, inverse: str = "back") -> Relation:
    """Return a relation that is said in one character."""
    return Relation(subject=subject, name=name, object=object, inverse=inverse, start=start, end=start + 1)


class RelationsContract:
    """Relations between things, each said somewhere in a document."""

    async def test_a_relation_is_found_from_both_ends_with_the_chunks_that_tell_it(self, store: Store) -> None:
        build = await a_build(store)
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
        first = await a_build(store)
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
        build = await a_build(store)
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
        build = await a_build(store)
        document = a_document("a", "text")
        cut = a_cut(build, document, relations=(a_relation("Ada", "knows", "Teo", 4),))

        with pytest.raises(Broken):
            await store.knowledge.write(build.collection, document, [cut])

        assert await store.knowledge.known(build.collection) == []
