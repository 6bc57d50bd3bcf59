"""Documents, builds and vectors that contract suites of knowledge write: made up."""

import random
from array import array
from collections.abc import Sequence
from hashlib import sha256
from itertools import count
from math import sqrt
from typing import Any

from rowen.store.base import Store
from rowen.store.knowledge import Build, Collection, Cut
from rowen.values import Chunk, Condition, Document, Manifest, Reader, Relation

EVERYBODY = Reader(tenant="acme")
HOUSE = Reader(tenant="acme", everything=True)
WIDE = 16
_collections = count(1)


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


async def a_build(store: Store, **fields: Any) -> Build:
    """Begin a build of a collection that no other test has."""
    return await store.knowledge.begin(a_collection(), a_manifest(**fields), now_ns=1)


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


def direction(chance: random.Random, wide: int) -> list[float]:
    """Return a vector of length 1 that points anywhere."""
    numbers = [chance.gauss(0, 1) for _ in range(wide)]
    norm = sqrt(sum(x * x for x in numbers))
    return [x / norm for x in numbers]
