"""How much each way of searching is to count in a corpus, found from the corpus itself, without a label.

A sentence of a document is asked for. What holds the sentence is left out, and what should come instead is the text
around it: the rest of its document nearby. So neither way can win by the sentence itself; the words have to
match what is written around them, and the meaning too. It is the inverse cloze task (K. Lee, M.-W. Chang and K. Toutanova, ACL
2019, https://doi.org/10.18653/v1/P19-1612) asked of neighbours. The share of the dense way is, of those that are not worse than
the best by more than a standard error, the one nearest to the usual: never worse than the better way beyond noise, and the
usual where the corpus cannot tell.
"""

import random
import re
from collections.abc import Mapping, Sequence
from math import sqrt

from rowen.retrieve.fuse import WEIGHT, fused, ordered, stretched
from rowen.store.knowledge import Build, Knowledge
from rowen.values import Document, Embed, Passage, Reader, Value

SHARES = tuple(share / 10 for share in range(11))
_QUESTIONS = 200
_LEAST = 30  # questions: fewer say nothing
_LIMIT = 60  # chunks looked at for each
_NEAR = 1_600  # characters before and after a sentence that count as its surroundings
_DOCUMENTS = 400  # looked at for questions at most
_PIECES = 3  # chunks of a document: fewer leave nothing around a sentence
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+")


class Evidence(Value, frozen=True, kw_only=True):
    """What was found out."""

    weight: float
    """The share of the dense way."""
    questions: int
    dense: float
    """Mean reciprocal rank of the dense way alone."""
    lexical: float
    best: float
    """Of the best share."""

    @property
    def learnt(self) -> Mapping[str, float]:
        """It as a build keeps it."""
        return {
            "weight": self.weight,
            "weight.questions": self.questions,
            "weight.dense": self.dense,
            "weight.lexical": self.lexical,
            "weight.best": self.best,
        }


async def evidence(knowledge: Knowledge, build: Build, embed: Embed, *, seed: int = 0) -> Evidence:
    """Return how the ways of searching are to be weighed in a build. The same build and seed give the same.

    Raises:
        Problem: of the store or the embedder.

    """
    reader = Reader(tenant=build.collection.tenant, everything=True)
    asked = await _questions(knowledge, build, reader, random.Random(seed))
    if len(asked) < _LEAST:
        return Evidence(weight=WEIGHT, questions=len(asked), dense=0.0, lexical=0.0, best=0.0)
    vectors = await embed([sentence for sentence, _ in asked], role="query")
    wide = 4 * vectors.dimensions
    rows = []
    for at, (sentence, document) in enumerate(asked):
        vector = vectors.data[at * wide : (at + 1) * wide]
        dense = await knowledge.dense(build.id, vector, reader=reader, limit=_LIMIT)
        lexical = await knowledge.lexical(build.id, sentence, reader=reader, limit=_LIMIT)
        hits = dict.fromkeys((hit.chunk for hit in (*dense, *lexical)), 0.0)
        passages = await knowledge.passages(build.id, hits, reader=reader)
        open_to = {chunk for chunk, each in passages.items() if sentence not in f"{each.context}\n{each.text}"}
        by_meaning, by_words = (
            stretched([hit for hit in way if hit.chunk in open_to], _LIMIT) for way in (dense, lexical)
        )
        near = {chunk for chunk in open_to if _near(passages[chunk], document, sentence)}
        rows.append([_reciprocal(ordered(fused(by_meaning, by_words, share)), near) for share in SHARES])
    return judged(rows)


def judged(rows: Sequence[Sequence[float]]) -> Evidence:
    """Return what the reciprocal ranks of some questions, one column a share, say together."""
    count = len(rows)
    means = [sum(column) / count for column in zip(*rows, strict=True)]
    best = max(range(len(SHARES)), key=lambda at: means[at])
    good = [
        share
        for at, share in enumerate(SHARES)
        if means[best] - means[at] <= _standard_error([row[best] - row[at] for row in rows])
    ]
    return Evidence(
        weight=min(good, key=lambda share: (abs(share - WEIGHT), share)),
        questions=count,
        dense=round(means[-1], 4),
        lexical=round(means[0], 4),
        best=round(means[best], 4),
    )


async def _questions(
    knowledge: Knowledge, build: Build, reader: Reader, chance: random.Random
) -> list[tuple[str, Document]]:
    known = await knowledge.known(build.collection)
    chance.shuffle(known)
    each_gives = max(1, -(-_QUESTIONS // max(1, min(len(known), _DOCUMENTS))))
    found: list[tuple[str, Document]] = []
    for one in known[:_DOCUMENTS]:
        document = await knowledge.document(build.collection, one.id, reader)
        if document is None or len(await knowledge.chunks(build.id, one.id)) < _PIECES:
            continue
        sentences = [each.strip() for each in _SENTENCE.split(document.text)]
        fit = [each for each in sentences if 30 <= len(each) <= 250]
        if len(sentences) > 2:
            found += [(each, document) for each in chance.sample(fit, min(each_gives, len(fit)))]
        if len(found) >= _QUESTIONS:
            break
    return found[:_QUESTIONS]


def _near(passage: Passage, document: Document, sentence: str) -> bool:
    if passage.document != document.id:
        return False
    at = document.text.find(sentence)
    return passage.start < at + _NEAR and passage.end > at - _NEAR


def _reciprocal(ranked: Sequence[int], wanted: set[int]) -> float:
    return next((1 / place for place, chunk in enumerate(ranked, 1) if chunk in wanted), 0.0)


def _standard_error(differences: Sequence[float]) -> float:
    count = len(differences)
    mean = sum(differences) / count
    return sqrt(sum((each - mean) ** 2 for each in differences) / max(1, count - 1) / count)
