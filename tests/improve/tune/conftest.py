import hashlib
import json
import random

import numpy as np
import pytest

from rowen.improve.tune import Bench, parted, read
from rowen.retrieve.base import ChunkTable, RetrieveSettings
from rowen.store.knowledge import Collection, Cut
from rowen.store.memory.knowledge import MemoryKnowledge
from rowen.values import Document, Embeddings, Manifest, SystemClock

SIZE = 96
HOME = Collection(tenant="default", app="demo", name="docs")


def numbers(text):
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=SIZE)


class Words:
    """A text is the mean of its words."""

    fingerprint = "words"

    async def __call__(self, texts, *, role="document"):
        rows = np.array(
            [np.sum([numbers(word) for word in text.lower().split()] or [numbers("")], axis=0) for text in texts]
        )
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return Embeddings(rows.astype("<f4").tobytes(), SIZE, 0)


class Chance(Words):
    """A text is anything."""

    fingerprint = "chance"

    async def __call__(self, texts, *, role="document"):
        return await Words()([text.replace(" ", "_") for text in texts])


class Turned(Words):
    """Questions lie elsewhere than what answers them, all in the same way."""

    fingerprint = "turned"

    async def __call__(self, texts, *, role="document"):
        made = await super().__call__(texts)
        if role == "document":
            return made
        rows = np.frombuffer(made.data, "<f4").reshape(-1, SIZE) * np.where(np.arange(SIZE) < SIZE // 3, -1.0, 1.0)
        return Embeddings(rows.astype("<f4").tobytes(), SIZE, 0)


EMBEDS = {"words": Words(), "chance": Chance(), "turned": Turned()}


class World:
    """Documents of made-up words, and questions of words that stand in one of them."""

    def __init__(self, documents=30, each=2, seed=1):
        chance = random.Random(seed)
        stock = ["".join(chance.choices("abcdefghijklmnop", k=6)) for _ in range(300)]
        self.documents, lines = [], []
        for number in range(documents):
            words = chance.choices(stock, k=30)
            uri = f"docs/d{number}.txt"
            self.documents.append(
                Document(id=f"d{number}", source="s", uri=uri, version="1", text=" ".join(words), title="")
            )
            lines += [
                json.dumps({"question": " ".join(chance.sample(words, 4)), "documents": [f"d{number}.txt"]})
                for _ in range(each)
            ]
        self.lines = lines

    def parts(self, *more, held=0.5):
        return parted(read("\n".join([*self.lines, *more]), self.documents, place="q"), held=held, seed="1")


@pytest.fixture
def make_bench():
    async def make(world, kind=Bench, clock=None, **fields):
        table = {
            "chunk": ChunkTable(size=100, overlap=0, context="none"),
            "embed": "chance",
            "search": "dense",
            "top": 2,
        }
        settings = RetrieveSettings(**(table | fields))
        knowledge = MemoryKnowledge()
        first = await knowledge.begin(HOME, Manifest(chunker="whole", context="none", embedder=""), now_ns=1)
        for document in world.documents:
            await knowledge.write(HOME, document, [Cut(first.id, (), b"")])
        return kind(knowledge, HOME, settings, EMBEDS.__getitem__, clock or SystemClock(), characters=400)

    return make


@pytest.fixture
def world():
    return World()


@pytest.fixture
def worlds():
    return World
