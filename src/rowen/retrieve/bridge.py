"""From one embedder to another: asks an old index in the vectors of a new model, until the new index is whole.

When an app changes its embedder, or its vendor retires one, the old index goes on answering while the new one is made; but
vectors of different models mean nothing to each other, so it could be searched by words alone. A ridge regression from
the new model's vectors to the old ones of the same texts (A. Hoerl and R. Kennard, Technometrics 12, 1970) needs no
label and a few thousand texts that are there anyway. What is lost by it is measured on sentences of the corpus itself (`retrieve.weigh`). A
mapped vector lies less near to what it means than the old model's own did, and so counts less beside the words.
"""

import base64
import random
from collections.abc import Sequence
from typing import Any, Literal

from rowen.retrieve.adapter import numpy, unit
from rowen.retrieve.weigh import evidence
from rowen.store.knowledge import Build, Knowledge
from rowen.values import Embed, Embeddings, Mistaken, Reader, Value

PAIRS = 2_500
"""Texts that a bridge is learnt from, at most."""
_LEAST = 100
_DOCUMENTS = 1_000
_RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_BATCH = 64


class Bridge(Value, frozen=True, kw_only=True):
    """What was learnt: `old ≈ new @ matrix`, and what it finds."""

    app: str
    collection: str
    old: str
    """The fingerprint of the embedder that made the index."""
    new: str
    """The fingerprint of the one that makes the questions' vectors."""
    dimensions: tuple[int, int]
    """Of the new and of the old vectors."""
    matrix: str
    """float16, little-endian, row by row, base64."""
    pairs: int
    zero: float = 0.0
    """The cosine at which likeness begins, for mapped vectors."""
    mapped: float
    """Mean reciprocal rank of the mapped vectors alone, on sentences of the corpus."""
    own: float
    """That of the old embedder itself, measured when its index was made; 0 where it was not."""
    lexical: float
    """That of words alone."""

    def __str__(self) -> str:
        own = f", its own {self.own:.2f}" if self.own else ""
        return (
            f"the index of {self.old} is asked by {self.new}: mean reciprocal rank {self.mapped:.2f}{own}, "
            f"words alone {self.lexical:.2f}"
        )


class Bridged:
    """The new embedder, speaking as the old one.

    Args:
        embed: the new embedder.
        bridge: what was learnt.

    Raises:
        Mistaken: `config_invalid` when it was learnt for another embedder; `extra_missing` without NumPy.

    """

    def __init__(self, embed: Embed, bridge: Bridge) -> None:
        if embed.fingerprint != bridge.new:
            message = f"the bridge starts at {bridge.new!r}, and these vectors are of {embed.fingerprint!r}"
            raise Mistaken("config_invalid", message, place="embed")
        self._embed = embed
        self._np = numpy()
        flat = self._np.frombuffer(base64.b64decode(bridge.matrix), "<f2")
        self._matrix = flat.reshape(bridge.dimensions).astype("f4")
        self.bridge = bridge

    @property
    def fingerprint(self) -> str:
        """That of the old embedder: so the index takes its vectors."""
        return self.bridge.old

    async def __call__(self, texts: Sequence[str], *, role: Literal["query", "document"] = "document") -> Embeddings:
        made = await self._embed(texts, role=role)
        if not texts:
            return made
        vectors = self._np.frombuffer(made.data, "<f4").reshape(len(texts), -1)
        mapped = unit(self._np, vectors @ self._matrix)
        return Embeddings(mapped.astype("<f4").tobytes(), self.bridge.dimensions[1], made.tokens)


async def bridge_of(knowledge: Knowledge, live: Build, embed: Embed, *, seed: int = 0) -> Bridge | None:
    """Return the bridge to a live index from another embedder; None where there is too little to learn from.

    Args:
        knowledge: where the index is.
        live: the index, whose own embedder need not be at hand.
        embed: the new embedder. It is asked for at most `PAIRS` texts and some 200 sentences.
        seed: of what is drawn.

    Raises:
        Mistaken: `extra_missing` without NumPy.
        Problem: of the store or the embedder.

    """
    np, chance = numpy(), random.Random(seed)
    texts, kept = await _pairs(knowledge, live, chance)
    if len(texts) < _LEAST:
        return None
    made = [await embed(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
    new = np.concatenate([np.frombuffer(each.data, "<f4").reshape(-1, each.dimensions) for each in made])
    old = np.frombuffer(b"".join(kept), "<f4").reshape(len(texts), -1)
    matrix = _fitted(np, new, old)
    bridge = Bridge(
        app=live.collection.app,
        collection=live.collection.name,
        old=live.manifest.embedder,
        new=embed.fingerprint,
        dimensions=(int(matrix.shape[0]), int(matrix.shape[1])),
        matrix=base64.b64encode(matrix.astype("<f2").tobytes()).decode(),
        pairs=len(texts),
        mapped=0.0,
        own=live.learnt.get("ways.dense", 0.0),
        lexical=0.0,
    )
    found = await evidence(knowledge, live, Bridged(embed, bridge), seed=seed)
    return bridge.but(zero=found.zero, mapped=found.dense, lexical=found.lexical)


async def _pairs(knowledge: Knowledge, live: Build, chance: random.Random) -> tuple[list[str], list[bytes]]:
    """Return texts of an index with the vectors it has of them, from all over the corpus."""
    reader = Reader(tenant=live.collection.tenant, everything=True)
    known = await knowledge.known(live.collection)
    chance.shuffle(known)
    each_gives = max(1, -(-PAIRS // max(1, min(len(known), _DOCUMENTS))))
    texts: dict[str, None] = {}
    for one in known:
        if len(texts) >= PAIRS:
            break
        document = await knowledge.document(live.collection, one.id, reader)
        if document is not None:
            said = [chunk.said(document.text) for chunk in await knowledge.chunks(live.id, one.id)]
            texts |= dict.fromkeys(chance.sample(said, min(each_gives, len(said))))
    chosen = list(texts)[:PAIRS]
    vectors = await knowledge.embedded(live.collection, live.manifest, chosen)
    both = [(text, vector) for text, vector in zip(chosen, vectors, strict=True) if vector]
    return [text for text, _ in both], [vector for _, vector in both]


def _fitted(np: Any, new: Any, old: Any) -> Any:
    """Return the map whose ridge does best on every fifth pair, learnt from all.

    Args:
        np: NumPy.
        new: (pairs, new dimensions).
        old: (pairs, old dimensions).

    """
    held = np.arange(len(new)) % 5 == 0
    nearest = []
    for ridge in _RIDGES:
        mapped = unit(np, new[held] @ _solved(np, new[~held], old[~held], ridge))
        nearest.append(float((mapped * unit(np, old[held])).sum(axis=1).mean()))
    return _solved(np, new, old, _RIDGES[int(np.argmax(nearest))])


def _solved(np: Any, new: Any, old: Any, ridge: float) -> Any:
    x = new.astype("f8")
    return np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ old.astype("f8"))
