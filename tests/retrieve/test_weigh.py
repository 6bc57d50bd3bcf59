import random
from array import array
from statistics import stdev

import pytest

from rowen.retrieve.fuse import WEIGHT
from rowen.retrieve.weigh import SHARES, evidence, judged
from rowen.store.catalog import open_store
from rowen.store.knowledge import Cut
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.knowledge import WIDE, a_collection, a_cut, a_document, a_manifest
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


async def test_where_words_alone_tell_the_words_decide(store):
    build = await a_corpus(store, of_words=own_words, vector=by_chance)

    found = await evidence(store.knowledge, build, Embed(by_chance))

    assert found.questions >= 100
    assert found.lexical > 0.9
    assert found.dense < 0.5
    assert found.weight <= 0.3


async def test_where_meaning_alone_tells_the_vectors_decide(store):
    build = await a_corpus(store, of_words=any_words, vector=by_document)

    found = await evidence(store.knowledge, build, Embed(by_document))

    assert found.dense > 0.9
    assert found.lexical < 0.5
    assert found.weight >= 0.5


async def test_a_corpus_too_small_to_tell_is_weighed_as_usual(store):
    collection = a_collection()
    build = await store.knowledge.begin(collection, a_manifest(), now_ns=1)
    document = a_document("a", "One short sentence that is long enough.\nAnother.\nA third one.")
    await store.knowledge.write(collection, document, [a_cut(build, document)])

    found = await evidence(store.knowledge, build, Embed(by_chance))

    assert (found.weight, found.questions) == (WEIGHT, 0)


def test_where_all_shares_are_as_good_the_usual_one_stays():
    rows = [[0.5] * len(SHARES) for _ in range(40)]

    assert judged(rows).weight == WEIGHT


def test_the_choice_is_never_below_the_better_way_beyond_noise():
    chance = random.Random(3)
    for trial in range(50):
        tops = [chance.random() for _ in SHARES]
        rows = [[min(1.0, max(0.0, top + chance.gauss(0, 0.3))) for top in tops] for _ in range(100)]
        found = judged(rows)
        best = max(range(len(SHARES)), key=lambda at: sum(row[at] for row in rows))
        chosen = SHARES.index(found.weight)
        lost = [row[best] - row[chosen] for row in rows]

        assert sum(lost) / 100 <= stdev(lost) / 10 + 1e-9, trial
        assert found.best >= max(found.dense, found.lexical)
