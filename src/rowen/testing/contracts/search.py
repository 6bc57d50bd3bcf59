"""What every store must find in knowledge, and for whom. `KnowledgeContract` holds these tests; they need hypothesis."""

import random
from array import array
from operator import mul

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.store.base import Store
from rowen.store.knowledge import Build, Cut
from rowen.testing.contracts.documents import (
    EVERYBODY,
    HOUSE,
    a_build,
    a_cut,
    a_document,
    a_manifest,
    direction,
    found,
    letters,
    put,
)
from rowen.testing.contracts.relations import a_relation
from rowen.values import Chunk, Condition, Document, Mistaken, Reader

_ALLOWED = (HealthCheck.function_scoped_fixture, HealthCheck.differing_executors)  # each example has its own collection

_CONDITIONS = (
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
)
"""With the documents that meet each."""
_ROUNDING = {"float32": 1e-6, "float16": 1e-3, "int8": 0.005}
"""By how much a product of two vectors of length 1 may differ for how they are stored."""


class SearchContract:
    """Searches by words and by vectors, under conditions and for readers."""

    async def test_the_words_of_a_question_find_their_chunk_and_rare_ones_weigh_more(self, store: Store) -> None:
        build = await a_build(store)
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
        build = await a_build(store)
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

    async def test_any_text_is_a_question(self, store: Store) -> None:
        build = await a_build(store)
        await put(store, build, a_document("a", "something"))

        for question in ("", " ", '"', "a AND (b OR", "*", "\x00", "NEAR/2", "日", "-", "ß" * 500):
            assert await store.knowledge.lexical(build.id, question, reader=EVERYBODY) == [], question

    async def test_an_unknown_analyser_is_refused(self, store: Store) -> None:
        with pytest.raises(Mistaken, match="no analyser"):
            await a_build(store, analyser="klingon")

    async def test_an_index_without_an_embedder_is_searched_by_words(self, store: Store) -> None:
        build = await a_build(store, embedder="", dimensions=0)
        await put(store, build, a_document("a", "plain words"))

        assert await found(store, build, "words") == {"dense": [], "lexical": ["plain words"]}

    @pytest.mark.parametrize("storage", ["float32", "float16", "int8", "binary"])
    async def test_vectors_are_found_in_every_storage(self, store: Store, storage: str) -> None:
        chance = random.Random(7)
        build = await a_build(store, storage=storage, dimensions=64)
        rows = [direction(chance, 64) for _ in range(50)]
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

    async def test_a_condition_lets_through_what_meets_it(self, store: Store) -> None:
        build = await a_build(store)
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

        for condition, ids in _CONDITIONS:
            ways = await found(store, build, "text", where=[condition])

            assert {way: sorted(text[-1] for text in texts) for way, texts in ways.items()} == {
                "dense": sorted(ids),
                "lexical": sorted(ids),
            }, condition

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
        build = await a_build(store)
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
    async def test_filters_lose_nothing(self, store: Store, storage: str) -> None:
        chance = random.Random(5)
        build = await a_build(store, storage=storage, dimensions=32)
        vectors: dict[int, list[float]] = {}
        for n in range(60):
            document = a_document(
                f"d{n}", "x" * 20, metadata={"nth": n % 10}, access=("few",) if n % 10 else ("few", "one")
            )
            rows = [direction(chance, 32) for _ in range(20)]
            vectors |= {n * 20 + at: row for at, row in enumerate(rows)}
            chunks = tuple(Chunk(start=at, end=at + 1) for at in range(20))
            data = b"".join(array("f", row).tobytes() for row in rows)
            await store.knowledge.write(build.collection, document, [Cut(build.id, chunks, data)])
        reader = Reader(tenant="acme", groups=("few",))

        for where, documents in (
            ([Condition(field="nth", op="le", value=9)], range(60)),
            ([Condition(field="nth", op="le", value=0)], range(0, 60, 10)),
            ([Condition(field="nth", op="le", value=0), Condition(field="uri", value="d30.md")], range(30, 31)),
        ):
            may = [n * 20 + at for n in documents for at in range(20)]
            recalls = []
            for _ in range(10):
                asked = direction(chance, 32)
                hits = await store.knowledge.dense(
                    build.id, array("f", asked).tobytes(), reader=reader, where=where, limit=10
                )
                scores = {hit.chunk: hit.score for hit in hits}
                passages = await store.knowledge.passages(build.id, scores, reader=reader)
                got = {int(each.document[1:]) * 20 + each.start for each in passages.values()}
                near = {n: sum(map(mul, vectors[n], asked)) for n in may}
                least = sorted(near.values())[-10] - _ROUNDING[storage]
                recalls.append(sum(near.get(n, -1) >= least for n in got) / 10)
            assert sum(recalls) / len(recalls) >= 0.98, where

    async def test_what_was_replaced_or_removed_weighs_nothing(self, store: Store) -> None:
        chance = random.Random(9)

        def some(number: int) -> Document:
            words = chance.choices(("hay", "straw", "barley", "oats", "meadow"), k=chance.randrange(1, 40))
            return a_document(f"d{number}", " ".join(words))

        changed, fresh = await a_build(store), await a_build(store)
        left = {}
        for number in (*range(12), 3, 5, 5, 8):
            left[number] = some(number)
            await put(store, changed, left[number], size=30)
        await store.knowledge.remove(changed.collection, ["d2", "d8"], now_ns=2)
        del left[2], left[8]
        await put(store, fresh, *left.values(), size=30)

        for question in ("hay", "meadow oats", "barley straw rye"):
            assert await _scores(store, changed, question) == await _scores(store, fresh, question) != {}

    @settings(max_examples=12, deadline=None, suppress_health_check=_ALLOWED)
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
        first = await a_build(store)
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


async def _scores(store: Store, build: Build, question: str) -> dict[tuple[str, int], float]:
    """Return how well pieces of documents fit the words of a question."""
    hits = await store.knowledge.lexical(build.id, question, reader=EVERYBODY)
    passages = await store.knowledge.passages(build.id, {hit.chunk: hit.score for hit in hits}, reader=EVERYBODY)
    return {(each.document, each.start): round(each.score, 5) for each in passages.values()}
