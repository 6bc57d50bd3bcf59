"""An index asked in the vectors of another model: what is learnt, what it finds, and when it is not there."""

import hashlib
import struct

import numpy as np
import pytest

from rowen.retrieve.base import RetrieveSettings
from rowen.retrieve.bridge import Bridged, bridge_of
from rowen.retrieve.search import Means, Searching
from rowen.store.catalog import open_store
from rowen.store.knowledge import Cut
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.documents import a_collection, a_document, a_manifest
from rowen.values import Chunk, Embeddings, Mistaken, Reader

READER = Reader(tenant="acme")
TOPICS = ("leave", "parking", "salary", "travel", "laptops", "pension", "training", "canteen", "security", "holidays")
SAME = {"vacation": "leave", "cars": "parking", "wages": "salary", "trips": "travel", "computers": "laptops"}
"""Words that mean the same: no search by words finds one by the other."""


class Meaning:
    """Vectors of the meanings in a text, turned by a rotation of the model's own; hashed noise for all other words."""

    def __init__(self, name, wide, seed):
        self.fingerprint, self.wide, self.asked = name, wide, 0
        self._turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(wide, wide)))[0][:16]

    async def __call__(self, texts, *, role="document"):
        self.asked += len(texts)
        return Embeddings(b"".join(map(self._vector, texts)), self.wide, 0)

    def _vector(self, text):
        meaning = np.zeros(16)
        for word in text.lower().replace(".", " ").split():
            topic = SAME.get(word, word)
            if topic in TOPICS:
                meaning[TOPICS.index(topic)] += 1
            else:
                digest = hashlib.sha256(word.encode()).digest()
                meaning[10 + digest[0] % 6] += 0.1
        vector = meaning @ self._turn
        vector /= np.linalg.norm(vector) or 1.0
        return struct.pack(f"<{self.wide}f", *vector)


def a_text(number):
    topic = TOPICS[number % len(TOPICS)]
    return (
        f"Rule number {number} is about {topic} and who decides on it. "
        f"Chapter {number} says more on {topic} for every person here. "
        f"Part {number} says what else there is to know of {topic} at work."
    )


@pytest.fixture
async def store():
    store = await open_store("memory:", clock=FakeClock())
    yield store
    await store.close()


async def indexed(store, embed, documents=60):
    collection = a_collection()
    build = await store.knowledge.begin(
        collection, a_manifest(embedder=embed.fingerprint, dimensions=embed.wide), now_ns=1
    )
    for number in range(documents):
        document = a_document(f"d{number}", a_text(number))
        third = len(document.text) // 3
        chunks = tuple(Chunk(start=at * third, end=(at + 1) * third) for at in range(3))
        vectors = (await embed([chunk.said(document.text) for chunk in chunks])).data
        await store.knowledge.write(collection, document, [Cut(build.id, chunks, vectors)])
    await store.knowledge.ready(build.id)
    return await store.knowledge.switch(build.id, now_ns=2)


async def test_an_old_index_is_found_in_by_meaning_with_a_new_model_of_other_width(store):
    old, new = Meaning("old", 24, 1), Meaning("new", 32, 2)
    live = await indexed(store, old)

    bridge = await bridge_of(store.knowledge, live, new)
    bridged = Bridged(new, bridge)
    means = Means(knowledge=store.knowledge, clock=FakeClock(), embeds=(new,), bridged=lambda made_by: bridged)
    found = await Searching(live.collection, RetrieveSettings(search="dense"), means)("vacation", reader=READER, top=5)

    assert (bridge.old, bridge.new, bridge.dimensions, bridge.pairs) == ("old", "new", (32, 24), 180)
    assert all("leave" in each.text for each in found.passages)
    embedded = next(stage for stage in found.stages if stage.name == "embed")
    assert embedded.facts["bridged_from"] == "new"


async def test_what_is_lost_is_measured_beside_words_and_the_models_own_vectors(store):
    old, new = Meaning("old", 24, 1), Meaning("new", 32, 2)
    live = await indexed(store, old)
    await store.knowledge.learn(live.id, {"ways.dense": 0.5})
    [live] = [each for each in await store.knowledge.builds(live.collection) if each.state == "live"]

    bridge = await bridge_of(store.knowledge, live, new)

    assert bridge.own == 0.5
    assert 0 < bridge.mapped <= 1
    assert 0 < bridge.lexical <= 1
    assert -1 < bridge.zero < 1


async def test_vectors_that_have_nothing_in_common_count_nothing(store):
    old = Meaning("old", 24, 1)
    live = await indexed(store, old)

    class Noise(Meaning):
        def _vector(self, text):
            chance = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big"))
            vector = chance.normal(size=self.wide)
            return struct.pack(f"<{self.wide}f", *(vector / np.linalg.norm(vector)))

    noise = Noise("noise", 32, 3)
    bridge = await bridge_of(store.knowledge, live, noise)

    assert bridge.mapped < bridge.lexical
    means = Means(knowledge=store.knowledge, clock=FakeClock(), embeds=(), bridged=lambda _: Bridged(noise, bridge))
    question = "Who decides on rule number 17?"
    both, words = [
        await Searching(live.collection, RetrieveSettings(search=how), means)(question, reader=READER, top=1)
        for how in ("hybrid", "lexical")
    ]
    assert both.passages[0].text == words.passages[0].text


async def test_a_few_texts_teach_nothing(store):
    old, new = Meaning("old", 24, 1), Meaning("new", 32, 2)
    live = await indexed(store, old, documents=5)

    assert await bridge_of(store.knowledge, live, new) is None


async def test_a_bridge_is_for_one_model_alone(store):
    old, new = Meaning("old", 24, 1), Meaning("new", 32, 2)
    bridge = await bridge_of(store.knowledge, await indexed(store, old), new)

    with pytest.raises(Mistaken, match=r"'new'.*'another'"):
        Bridged(Meaning("another", 32, 2), bridge)
