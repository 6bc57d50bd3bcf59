"""Texts as rows of numbers: by their words alone, or by a model that embeds."""

import re
import unicodedata
from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise

from rowen.evaluate.statistics.arrays import Floats, np
from rowen.values import Embed

PLACES = 1024
"""Places that words and pairs of words are hashed to."""

_BATCH = 64
_WORDS = re.compile(r"\w+")


def of_words(texts: Sequence[str]) -> Floats:
    """Return a row of length 1 for each text: its words and pairs of words, hashed, the rare ones counting more.

    K. Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009. It knows nothing of meaning, needs
    no model, and is often enough.
    """
    rows = np.zeros((len(texts), PLACES))
    for number, text in enumerate(texts):
        words = _WORDS.findall(unicodedata.normalize("NFKC", text).casefold())
        for gram in (*words, *map(" ".join, pairwise(words))):
            hashed = int.from_bytes(blake2b(gram.encode(), digest_size=8).digest(), "big")
            rows[number, hashed % PLACES] += 1.0 if hashed >> 63 else -1.0
    seen = (rows != 0).sum(axis=0)
    rows = np.sign(rows) * np.log1p(np.abs(rows)) * np.log((1 + len(texts)) / (1 + seen))
    return _unit(rows)


async def of_model(texts: Sequence[str], embed: Embed) -> Floats:
    """Return a row of length 1 for each text, as a model embeds it.

    Raises:
        Problem: the model did not answer.

    """
    parts = []
    for start in range(0, len(texts), _BATCH):
        found = await embed(texts[start : start + _BATCH], role="document")
        parts.append(np.frombuffer(found.data, dtype="<f4").reshape(-1, found.dimensions).astype(float))
    return _unit(np.concatenate(parts)) if parts else np.zeros((0, 1))


def _unit(rows: Floats) -> Floats:
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    found: Floats = rows / np.where(lengths > 0, lengths, 1.0)
    return found
