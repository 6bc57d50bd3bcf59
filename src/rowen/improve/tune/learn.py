"""The query adapter learnt from the questions: vectors of an index's chunks and of the questions, and what answers what."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rowen.evaluate.statistics import paired
from rowen.improve.adapter import Judged, Outcome, learnt, tried
from rowen.improve.tune.bench import Bench
from rowen.improve.tune.questions import Parts, Question, measure_of
from rowen.improve.tune.space import Point
from rowen.retrieve.adapter import Adapter, numpy
from rowen.retrieve.fuse import WEIGHT, scaled
from rowen.retrieve.metrics import ndcg
from rowen.retrieve.stages.look import LIMIT
from rowen.store.knowledge import Build
from rowen.values import Mistaken
from rowen.values.interval import Interval

_LEAST = 30
DEPTH = 10


class Learnt(NamedTuple):
    """What came of it."""

    outcome: Outcome
    adapter: Adapter | None
    held: Interval | None = None
    """What it changed on questions held out, by pairs: of documents that it had not learnt of, so that it can but do harm there."""

    why: str = ""
    """Why none was tried."""

    @property
    def reason(self) -> str:
        """Why there is no adapter."""
        if self.adapter is not None or self.why:
            return self.why
        return self.outcome.reason or "on the questions held out it does harm"


async def beside(
    bench: Bench,
    point: Point,
    parts: Parts,
    *,
    seed: int = 0,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> Learnt:
    """Return the adapter for a candidate: chosen by the one part of the questions, tried on the other, learnt from both."""
    try:
        found = await adapter_of(bench, point, parts.chosen_by, seed=seed, tell=tell)
    except Mistaken as mistaken:  # the search before it cost minutes, and is not lost for want of this
        return Learnt(Outcome(trials=(), chosen=None, questions=len(parts.chosen_by)), None, why=mistaken.message)
    if found.adapter is None:
        return found
    measure = measure_of((*parts.chosen_by, *parts.held_out))
    with_it = bench.adapted(found.adapter)
    before = [(await bench.ask(point, each, measure)).quality for each in parts.held_out]
    after = [(await with_it.ask(point, each, measure)).quality for each in parts.held_out]
    held = paired(after, before, clusters=[each.group for each in parts.held_out], bounds=(0.0, 1.0))
    if held.value is not None and held.high < 0:
        return Learnt(found.outcome, None, held)
    every = await _judged(bench, point, (*parts.chosen_by, *parts.held_out))
    return Learnt(found.outcome, learnt(every, found.outcome, fingerprint=found.adapter.fingerprint), held)


async def adapter_of(
    bench: Bench,
    point: Point,
    questions: Sequence[Question],
    *,
    seed: int = 0,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> Learnt:
    """Return the adapter for what an app has now, or why there is none.

    What a question is pulled to is, of each document that answers it, the chunk that is nearest to it already, and
    where places are named, of those chunks that touch one. Cross-validation keeps documents apart, not chunks.

    Raises:
        Mistaken: `config_invalid` without an embedder, or with too few questions; `extra_missing` without NumPy.

    """
    judged = await _judged(bench, point, questions)
    owners = judged.owners

    def measure(ranking: Sequence[int], grades: Mapping[int, float]) -> float:
        wanted = {str(owners[row]): 1 for row in grades}
        return ndcg(list(dict.fromkeys(str(owners[row]) for row in ranking)), wanted, DEPTH)

    outcome = tried(judged, measure, seed=seed, tell=tell)
    fingerprint = (await bench.index(point)).build.manifest.embedder
    return Learnt(outcome, learnt(judged, outcome, fingerprint=fingerprint))


async def _judged(bench: Bench, point: Point, questions: Sequence[Question]) -> Judged:
    embed, asked = bench.embed(point.embed), [each for each in questions if each.documents]
    if embed is None:
        raise Mistaken("config_invalid", "without an embedder there is nothing to adapt", place="embed")
    if len(asked) < _LEAST:
        message = f"{len(asked)} questions with an answer teach nothing: {_LEAST} or more are needed"
        raise Mistaken("config_invalid", message, place="questions")
    np, made = numpy(), await bench.index(point)
    build, wide = made.build.id, made.build.manifest.dimensions
    rows: list[tuple[str, int, int]] = []
    texts: list[str] = []
    for known in await bench.knowledge.known(made.build.collection):
        document = await bench.knowledge.document(made.build.collection, known.id, bench.reader)
        if document is not None:
            chunks = await bench.knowledge.chunks(build, known.id)
            rows += [(known.id, chunk.start, chunk.end) for chunk in chunks]
            texts += [chunk.said(document.text) for chunk in chunks]
    kept = await bench.knowledge.embedded(made.build.collection, made.build.manifest, texts)
    for at, vector in enumerate(kept):
        if not vector:
            kept[at] = (await embed([texts[at]])).data
    documents = np.frombuffer(b"".join(kept), "<f4").reshape(-1, wide)
    vectors = b"".join([(await embed([each.text], role="query")).data for each in asked])
    asking = np.frombuffer(vectors, "<f4").reshape(-1, wide)
    names = {id: number for number, id in enumerate(dict.fromkeys(row[0] for row in rows))}
    owners = [names[row[0]] for row in rows]
    near = asking @ documents.T
    relevant = [_relevant(each, rows, line) for each, line in zip(asked, near, strict=True)]
    fit = [place for place, grades in enumerate(relevant) if grades]
    judged = Judged(asking[fit], documents, [relevant[place] for place in fit], owners)
    if point.search == "hybrid":
        numbers = {row: number for number, row in enumerate(rows)}
        words = [await _words(bench, made.build, asked[place], numbers) for place in fit]
        share = WEIGHT if point.weight is None else point.weight
        zero = made.build.learnt.get("ways.zero", 0.0)
        judged = judged._replace(words=words if any(words) else (), share=share, zero=zero)
    return judged


async def _words(
    bench: Bench, build: Build, question: Question, at: Mapping[tuple[str, int, int], int]
) -> dict[int, float]:
    """Return what a question finds by words, by row."""
    hits = await bench.knowledge.lexical(build.id, question.text, reader=bench.reader, limit=LIMIT)
    found = await bench.knowledge.passages(build.id, {hit.chunk: 0.0 for hit in hits}, reader=bench.reader)
    places = {chunk: at.get((each.document, each.start, each.end)) for chunk, each in found.items()}
    scores = scaled(hits, LIMIT).items()
    return {row: score for chunk, score in scores if (row := places.get(chunk)) is not None}


def _relevant(question: Question, rows: Sequence[tuple[str, int, int]], near: Any) -> dict[int, float]:
    best: dict[str, int] = {}
    for at, (document, start, end) in enumerate(rows):
        touches = any(each.document == document and each.start < end and start < each.end for each in question.spans)
        fits = touches if question.spans else document in question.documents
        if fits and (document not in best or near[at] > near[best[document]]):
            best[document] = at
    return dict.fromkeys(best.values(), 1.0)
