"""What each way of searching finds in a corpus, and where likeness begins in it: from the corpus itself, without a label.

A sentence of a document is asked for. What holds the sentence is left out, and what should come instead is the text
around it: the rest of its document nearby. So neither way can win by the sentence itself; the words have to
match what is written around them, and the meaning too. It is the inverse cloze task (K. Lee, M.-W. Chang and K. Toutanova, ACL
2019, https://doi.org/10.18653/v1/P19-1612) asked of neighbours. What it finds tells one embedder from another on the same
corpus. It does not tell how much words and meaning are to count beside each other: sentences share words with their
neighbours as questions do not, so that it takes the side of the words whatever questions are like.

Where likeness begins is the mean cosine of such sentences to chunks that others of them found: near 0 for some models,
0.7 for others, whose cosines all lie in a narrow cone.
"""

import random
import re
from array import array
from collections.abc import Mapping, Sequence
from operator import mul

from rowen.store.knowledge import Build, Hit, Knowledge
from rowen.values import Document, Embed, Passage, Reader, Value

_QUESTIONS = 200
_LEAST = 30  # questions: fewer say nothing
_LIMIT = 60  # chunks looked at for each
_NEAR = 1_600  # characters before and after a sentence that count as its surroundings
_DOCUMENTS = 400  # looked at for questions at most
_PIECES = 3  # chunks of a document: fewer leave nothing around a sentence
_NARROWEST = 0.95  # or vectors that hardly differ would decide alone
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+")


class Evidence(Value, frozen=True, kw_only=True):
    """What was found out."""

    zero: float = 0.0
    """The cosine of texts that have nothing to do with each other but the corpus; 0 where too few can be compared."""
    questions: int = 0
    """For which the text around them was looked for."""
    dense: float = 0.0
    """Mean reciprocal rank of the dense way."""
    lexical: float = 0.0

    @property
    def learnt(self) -> Mapping[str, float]:
        """It as a build keeps it."""
        return {
            "ways.zero": self.zero,
            "ways.questions": self.questions,
            "ways.dense": self.dense,
            "ways.lexical": self.lexical,
        }


class _Asked(Value, frozen=True, kw_only=True):
    sentence: str
    document: Document
    alone: bool
    """Whether its document has too few chunks for any to lie around it."""


async def evidence(knowledge: Knowledge, build: Build, embed: Embed, *, seed: int = 0) -> Evidence:
    """Return what the ways of searching find in a build. The same build and seed give the same.

    Raises:
        Problem: of the store or the embedder.

    """
    reader = Reader(tenant=build.collection.tenant, everything=True)
    asked = await _questions(knowledge, build, reader, random.Random(seed))
    if len(asked) < _LEAST:
        return Evidence()
    vectors = await embed([each.sentence for each in asked], role="query")
    wide = 4 * vectors.dimensions
    questions = [vectors.data[at * wide : (at + 1) * wide] for at in range(len(asked))]
    nearest: list[int] = []
    ranks: list[tuple[float, float]] = []
    for each, vector in zip(asked, questions, strict=True):
        dense = await knowledge.dense(build.id, vector, reader=reader, limit=_LIMIT)
        nearest.append(dense[0].chunk if dense else -1)
        if not each.alone:
            lexical = await knowledge.lexical(build.id, each.sentence, reader=reader, limit=_LIMIT)
            hits = dict.fromkeys((hit.chunk for hit in (*dense, *lexical)), 0.0)
            passages = await knowledge.passages(build.id, hits, reader=reader)
            ranks.append((_reciprocal(dense, passages, each), _reciprocal(lexical, passages, each)))
    zero = _unlike(questions, nearest, await knowledge.vectors(build.id, list(dict.fromkeys(nearest))))
    if len(ranks) < _LEAST:
        return Evidence(zero=zero)
    means = [round(sum(column) / len(ranks), 4) for column in zip(*ranks, strict=True)]
    return Evidence(zero=zero, questions=len(ranks), dense=means[0], lexical=means[1])


async def _questions(knowledge: Knowledge, build: Build, reader: Reader, chance: random.Random) -> list[_Asked]:
    known = await knowledge.known(build.collection)
    chance.shuffle(known)
    each_gives = max(1, -(-_QUESTIONS // max(1, min(len(known), _DOCUMENTS))))
    found: list[_Asked] = []
    for one in known[:_DOCUMENTS]:
        document = await knowledge.document(build.collection, one.id, reader)
        if document is None:
            continue
        sentences = [each.strip() for each in _SENTENCE.split(document.text)]
        fit = [each for each in sentences if 30 <= len(each) <= 250]
        few = len(sentences) < _PIECES or len(await knowledge.chunks(build.id, one.id)) < _PIECES
        chosen = chance.sample(fit, min(each_gives, len(fit)))
        found += [_Asked(sentence=each, document=document, alone=few) for each in chosen]
        if len(found) >= _QUESTIONS:
            break
    return found[:_QUESTIONS]


def _unlike(questions: Sequence[bytes], nearest: Sequence[int], chunks: Mapping[int, bytes]) -> float:
    """Return the mean cosine of each question to the chunks that are nearest to others and not to it."""
    if len(chunks) < _LEAST:
        return 0.0
    rows = [array("f", each) for each in questions]
    others = {chunk: array("f", each) for chunk, each in chunks.items()}
    every, there = ([sum(column) for column in zip(*some, strict=True)] for some in (rows, others.values()))
    own = sum(sum(map(mul, row, others[chunk])) for row, chunk in zip(rows, nearest, strict=True) if chunk in others)
    mean: float = (sum(map(mul, every, there)) - own) / (len(rows) * (len(others) - 1))
    return round(min(_NARROWEST, max(0.0, mean)), 4)


def _reciprocal(hits: Sequence[Hit], passages: Mapping[int, Passage], asked: _Asked) -> float:
    """Return one over the place of the first hit around a sentence, among those that do not hold it."""
    there = {hit.chunk: passages[hit.chunk] for hit in hits if hit.chunk in passages}
    open_to = [chunk for chunk, each in there.items() if asked.sentence not in f"{each.context}\n{each.text}"]
    return next((1 / place for place, chunk in enumerate(open_to, 1) if _near(there[chunk], asked)), 0.0)


def _near(passage: Passage, asked: _Asked) -> bool:
    if passage.document != asked.document.id:
        return False
    at = asked.document.text.find(asked.sentence)
    return passage.start < at + _NEAR and passage.end > at - _NEAR
