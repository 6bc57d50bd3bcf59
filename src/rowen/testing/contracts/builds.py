"""What every store must do with the builds of an index. `KnowledgeContract` holds these tests."""

import asyncio

import pytest

from rowen.store.base import Store
from rowen.store.knowledge import Cut
from rowen.testing.contracts.documents import (
    EVERYBODY,
    a_build,
    a_collection,
    a_cut,
    a_document,
    a_manifest,
    found,
    letters,
    put,
)
from rowen.values import Broken, Chunk, Mistaken


class BuildsContract:
    """Builds: filled, switched, dropped, and what was embedded for them."""

    async def test_a_build_is_begun_once_and_knows_what_it_lacks(self, store: Store) -> None:
        build = await a_build(store)
        await store.knowledge.write(build.collection, a_document("b", "two"), [])
        await store.knowledge.write(build.collection, a_document("a", "one"), [])

        again = await store.knowledge.begin(build.collection, build.manifest, now_ns=99)
        missing = await store.knowledge.missing(build.id, limit=1)
        with pytest.raises(Mistaken, match="lacks documents"):
            await store.knowledge.ready(build.id)

        assert again == build
        assert [each.text for each in missing] == ["one"]

    async def test_a_build_is_filled_without_bringing_back_what_changed_meanwhile(self, store: Store) -> None:
        build = await a_build(store)
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
        first = await a_build(store)
        second = await store.knowledge.begin(first.collection, a_manifest(chunker="other"), now_ns=2)
        document = a_document("a", "text")
        await store.knowledge.write(first.collection, document, [a_cut(first, document), a_cut(second, document)])

        await put(store, second, a_document("a", "changed"))

        assert (await found(store, first, "text changed"))["dense"] == []
        assert (await found(store, second, "text changed"))["dense"] == ["changed"]
        assert [each.text for each in await store.knowledge.missing(first.id)] == ["changed"]

    async def test_the_same_version_again_leaves_the_other_builds_alone(self, store: Store) -> None:
        first = await a_build(store)
        document = a_document("a", "text")
        await put(store, first, document)
        second = await store.knowledge.begin(first.collection, a_manifest(chunker="other"), now_ns=2)

        await put(store, second, document)

        assert (await found(store, first, "text"))["lexical"] == ["text"]
        assert (await found(store, second, "text"))["lexical"] == ["text"]

    async def test_a_ready_build_takes_over_and_the_old_one_can_still_be_asked(self, store: Store) -> None:
        old = await a_build(store)
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
        build = await a_build(store)
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
        first, second = await a_build(store), await a_build(store)
        one, two = a_document("a", "one"), a_document("b", "two")

        await put(store, first, one, two)
        await put(store, second, two, a_document("a", "before"), one)
        (left,), (right,) = [await store.knowledge.builds(each.collection) for each in (first, second)]
        await put(store, second, a_document("a", "changed"))
        (changed,) = await store.knowledge.builds(second.collection)

        assert (left.documents, left.chunks) == (right.documents, right.chunks) == (2, 2)
        assert left.snapshot == right.snapshot != changed.snapshot

    async def test_what_was_learnt_of_a_build_is_kept(self, store: Store) -> None:
        build = await a_build(store)

        await store.knowledge.learn(build.id, {"weight": 0.25, "questions": 40})
        await store.knowledge.learn(build.id, {"weight": 0.5})

        (kept,) = await store.knowledge.builds(build.collection)
        assert kept.learnt == {"weight": 0.5, "questions": 40}

    async def test_a_text_that_was_embedded_costs_nothing_again_within_its_tenant(self, store: Store) -> None:
        build = await a_build(store)
        await put(store, build, a_document("a", "the same text"))
        other = a_manifest(chunker="other")
        tenant = a_collection("umbrella")

        same = await store.knowledge.embedded(build.collection, other, ["the same text", "a new text"])
        finer = await store.knowledge.embedded(build.collection, other.but(embedder="words"), ["the same text"])
        theirs = await store.knowledge.embedded(tenant, other, ["the same text"])

        assert same == [letters("the same text"), b""]
        assert finer == theirs == [b""]

    async def test_vectors_of_another_length_are_refused_and_nothing_is_written(self, store: Store) -> None:
        build = await a_build(store)

        with pytest.raises(Broken):
            await store.knowledge.write(
                build.collection, a_document("a", "text"), [Cut(build.id, (Chunk(start=0, end=4),), b"1234")]
            )

        assert await store.knowledge.known(build.collection) == []

    async def test_a_cut_for_a_build_of_another_collection_is_refused_and_nothing_is_written(
        self, store: Store
    ) -> None:
        build, other = await a_build(store), await a_build(store)
        document = a_document("a", "text")

        with pytest.raises(Mistaken, match="not one of this collection"):
            await store.knowledge.write(build.collection, document, [a_cut(build, document), a_cut(other, document)])

        assert await store.knowledge.known(build.collection) == []
        assert (await found(store, build, "text"))["dense"] == []

    async def test_an_unknown_analyser_is_refused(self, store: Store) -> None:
        with pytest.raises(Mistaken, match="no analyser"):
            await a_build(store, analyser="klingon")

    async def test_no_search_fails_while_builds_are_switched(self, store: Store) -> None:
        first = await a_build(store)
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
