import random
from array import array

import pytest

from rowen.retrieve.weigh import Evidence, evidence
from rowen.store.catalog import open_store
from rowen.store.knowledge import Cut
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.documents import WIDE, a_collection, a_cut, a_document, a_manifest
from rowen.values import Chunk, Embeddings


@pytest.fixture
async def store():
    store = await open_store("memory:", clock=FakeClock())
    yield store
    await store.close()


def direction(seed):
    chance = random.Random(seed)
    numbers = [chance.gauss(0, 1) for _ in range(WIDE)]
    norm = sum(x * x for x in numbers) ** 0.5
    return array("f", [x / norm for x in numbers]).tobytes()


async def a_corpus(store, *, of_words, vector):
    """Twelve documents of twelve sentences, each sentence a chunk; what is alike within one is up to the test."""
    collection = a_collection()
    build = await store.knowledge.begin(collection, a_manifest(), now_ns=1)
    chance = random.Random(1)
    for d in range(12):
        sentences = [of_words(d, chance) for _ in range(12)]
        text = "\n".join(sentences)
        document = a_document(f"d{d}", text, language="en")
        chunks, vectors, at = [], b"", 0
        for sentence in sentences:
            chunks.append(Chunk(start=at, end=at + len(sentence)))
            vectors += vector(d, sentence)
            at += len(sentence) + 1
        await store.knowledge.write(collection, document, [Cut(build.id, tuple(chunks), vectors)])
        for at, sentence in enumerate(sentences):
            of[sentence] = (d, at)
    return build


of: dict[str, tuple[int, int]] = {}


class Embed:
    fingerprint = "letters"

    def __init__(self, vector):
        self.vector = vector

    async def __call__(self, texts, *, role="document"):
        return Embeddings(b"".join(self.vector(of[text][0], text) for text in texts), WIDE, 0)


def by_document(d, _sentence):
    return direction(d)


def by_chance(_d, sentence):
    return direction(sentence)


def own_words(d, chance):
    return " ".join(f"w{d}x{chance.randrange(6)}" for _ in range(8))


def any_words(_d, chance):
    return " ".join(f"v{chance.randrange(4000)}" for _ in range(8))


async def test_where_words_alone_tell_the_words_find_it(store):
    build = await a_corpus(store, of_words=own_words, vector=by_chance)

    found = await evidence(store.knowledge, build, Embed(by_chance))

    assert found.questions >= 100
    assert found.lexical > 0.9
    assert found.dense < 0.5


async def test_where_meaning_alone_tells_the_vectors_find_it(store):
    build = await a_corpus(store, of_words=any_words, vector=by_document)

    found = await evidence(store.knowledge, build, Embed(by_document))

    assert found.dense > 0.9
    assert found.lexical < 0.5


@pytest.mark.parametrize("tilt", [0.0, 1.0, 3.0])
async def test_where_likeness_begins_is_seen_in_the_corpus(store, tilt):
    """Vectors by chance that all lean to one side as much: their cosine is known."""

    def leaning(_d, sentence):
        numbers = array("f", direction(sentence))
        numbers[0] += tilt
        norm = sum(x * x for x in numbers) ** 0.5
        return array("f", [x / norm for x in numbers]).tobytes()

    build = await a_corpus(store, of_words=any_words, vector=leaning)

    found = await evidence(store.knowledge, build, Embed(leaning))

    assert found.zero == pytest.approx(tilt**2 / (1 + tilt**2), abs=0.1)


async def test_documents_of_one_chunk_show_where_likeness_begins_and_nothing_else(store):
    collection = a_collection()
    build = await store.knowledge.begin(collection, a_manifest(), now_ns=1)
    chance = random.Random(1)
    for d in range(60):
        text = f"{any_words(d, chance)} and so on, said at length."
        of[text] = (d, 0)
        document = a_document(f"d{d}", text)
        await store.knowledge.write(
            collection, document, [Cut(build.id, (Chunk(start=0, end=len(text)),), by_chance(d, text))]
        )

    found = await evidence(store.knowledge, build, Embed(by_chance))

    assert found.questions == 0
    assert abs(found.zero) < 0.1


async def test_a_corpus_too_small_to_tell_begins_at_nothing(store):
    collection = a_collection()
    build = await store.knowledge.begin(collection, a_manifest(), now_ns=1)
    document = a_document("a", "One short sentence that is long enough.\nAnother.\nA third one.")
    await store.knowledge.write(collection, document, [a_cut(build, document)])

    assert await evidence(store.knowledge, build, Embed(by_chance)) == Evidence()
