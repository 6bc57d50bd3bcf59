"""Learns a query adapter from judged questions, and finds out first whether it would do harm.

A linear map `q + qW` is fitted by the softmax over all documents (the loss of dense retrievers: V. Karpukhin et al., "Dense
Passage Retrieval", EMNLP 2020) with `|W|²` pulled to zero, so to the identity. How strongly it is pulled, and how near a
question must be to a judged one for the map to apply, is chosen by cross-validation in two ways that are told apart: on
questions whose documents others asked for too (*seen*), where it gains, and on questions whose documents nobody asked for
(*unseen*), where it may only do harm. Where an app searches by words too, what is judged is both together, and the share of
the vectors where the map applies is chosen along: it knows more there than the words do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rowen.evaluate.statistics import bootstrap
from rowen.retrieve.adapter import Adapter, adapted, blended, numpy, packed
from rowen.retrieve.fuse import fused, ordered, scaled
from rowen.store.knowledge import Hit
from rowen.values import Value
from rowen.values.interval import Interval

MARGIN = 0.01
"""How much worse questions about unseen documents may get, as the lower end of the interval, in units of the measure."""
PULLS = (0.01, 0.03, 0.1)
GATES = (-1.0, 0.4, 0.5, 0.6)
SHARES = (None, 0.4, 0.6, 0.8)
"""Of the vectors beside the words where the map applies; None: as before."""
_FOLDS = 5
_EPOCHS = 30
_RATE = 0.005
_HEAT = 0.05
_TOP = 10
_PIECES = 50  # looked at for the first documents, where rows are pieces
_LIMIT = 100  # that each way of searching hands on
_BOUNDS = (-1.0, 1.0)  # between which a gain of a measure from 0 to 1 lies

Measure = Callable[[Sequence[int], Mapping[int, float]], float]
"""The worth of a ranking, 0 to 1 (documents, the best first) given the grades of the relevant ones."""


class Judged(NamedTuple):
    """Questions and documents as vectors, and what is relevant to what."""

    questions: Any
    """(questions, dimensions), float32, each of length 1."""
    documents: Any
    """(documents, dimensions), likewise."""
    relevant: Sequence[Mapping[int, float]]
    """For each question the grades of its relevant documents, above 0, by row."""
    owners: Sequence[int] = ()
    """Where rows are pieces of documents, the document of each: questions about one are of one fold. Empty: each is whole."""
    words: Sequence[Mapping[int, float]] = ()
    """What each question finds by words, as the search scales it, by row. Empty: the app searches by vectors alone."""
    share: float = 0.0
    """Of the vectors in the fusion, where there are words."""
    zero: float = 0.0
    """The cosine at which likeness begins, in that fusion."""

    def only(self, places: Sequence[int], questions: Any) -> "Judged":
        """Return some of the questions, with other vectors."""
        words = [self.words[place] for place in places] if self.words else ()
        return self._replace(questions=questions, relevant=[self.relevant[place] for place in places], words=words)

    def about(self, place: int) -> set[int]:
        """Return the documents that a question is about."""
        return {self.owners[row] if self.owners else row for row in self.relevant[place]}


class Trial(Value, frozen=True, kw_only=True):
    """What one strength of pull and one gate gained, on questions that were held out."""

    pull: float
    gate: float
    """-1 for none."""
    share: float | None = None
    seen: Interval
    """Gain where the documents were asked for by questions that it learnt from."""
    unseen: Interval
    """Gain where they were not."""

    @property
    def harmless(self) -> bool:
        """Whether the interval of the unseen gain excludes harm beyond the margin."""
        return self.unseen.value is not None and self.unseen.low >= -MARGIN


class Outcome(Value, frozen=True, kw_only=True):
    """What was tried, and what came of it."""

    trials: tuple[Trial, ...]
    chosen: Trial | None
    """The harmless one with the largest seen gain whose interval excludes zero; None: no adapter is promoted."""
    questions: int
    margin: float = MARGIN

    @property
    def reason(self) -> str:
        """Why there is no adapter."""
        if self.chosen is not None:
            return ""
        if not any(trial.harmless for trial in self.trials):
            return f"on questions about unseen documents, harm of more than {self.margin} cannot be excluded"
        return "no gain on questions about seen documents can be told from noise"


def learnt(judged: Judged, outcome: Outcome, *, fingerprint: str) -> Adapter | None:
    """Return the adapter learnt from all judged questions as the chosen trial was; None when none was chosen."""
    chosen = outcome.chosen
    if chosen is None:
        return None
    np = numpy()
    matrix = fitted(np, judged.questions, judged.relevant, judged.documents, chosen.pull)
    about = {
        "questions": str(outcome.questions),
        "pull": str(chosen.pull),
        "share": str(chosen.share),
        "seen": str(chosen.seen),
        "unseen": str(chosen.unseen),
    }
    return packed(
        np, matrix, judged.questions, fingerprint=fingerprint, gate=chosen.gate, share=chosen.share, about=about
    )


def tried(
    judged: Judged,
    measure: Measure,
    *,
    pulls: Sequence[float] = PULLS,
    gates: Sequence[float] = GATES,
    shares: Sequence[float | None] = SHARES,
    seed: int = 0,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> Outcome:
    """Return what adapters would gain, by cross-validation.

    Args:
        judged: the questions that may be learnt from; those of a test set stay out.
        measure: nDCG@10, say.
        pulls: strengths to try.
        gates: cosines to try; below 0 for none.
        shares: of the vectors to try, where the questions have words too.
        seed: of the folds and the intervals.
        tell: takes how many fits are done, and of how many.

    """
    np = numpy()
    random = np.random.default_rng(seed)
    before = ranked(np, judged.questions, judged, measure, [np.full(len(judged.relevant), judged.share)])[0]
    shares = shares if judged.words else (None,)
    about = [judged.about(place) for place in range(len(judged.relevant))]
    ways = (
        apart([dict.fromkeys(each, 1.0) for each in about], random),
        random.integers(0, _FOLDS, len(judged.relevant)),
    )
    total, done = len(pulls) * len(ways) * _FOLDS, 0
    gains: dict[tuple[float, float, float | None], tuple[list[float], list[float]]] = {
        (pull, gate, share): ([], []) for pull in pulls for gate in gates for share in shares
    }
    for pull in pulls:
        for way, folds in enumerate(ways):
            for fold in range(_FOLDS):
                out, kept = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
                known = {document for place in kept.tolist() for document in about[place]}
                anchors = judged.questions[kept]
                matrix = fitted(np, anchors, [judged.relevant[place] for place in kept], judged.documents, pull)
                for gate in gates:
                    blend = blended(np, judged.questions[out], anchors, gate)
                    tested = judged.only(out.tolist(), adapted(np, judged.questions[out], matrix, blend))
                    weights = [judged.share + blend * ((share or judged.share) - judged.share) for share in shares]
                    for share, worth in zip(
                        shares, ranked(np, tested.questions, tested, measure, weights), strict=True
                    ):
                        for gain, place in zip((worth - before[out]).tolist(), out.tolist(), strict=True):
                            seen = not known.isdisjoint(about[place])
                            # In the second way folds are drawn by chance, which is where seen documents are held out.
                            if seen == (way == 1):
                                gains[pull, gate, share][0 if seen else 1].append(gain)
                done += 1
                tell(done, total)
    trials = tuple(
        Trial(
            pull=pull,
            gate=gate,
            share=share,
            seen=bootstrap(seen, bounds=_BOUNDS, seed=seed),
            unseen=bootstrap(unseen, bounds=_BOUNDS, seed=seed),
        )
        for (pull, gate, share), (seen, unseen) in gains.items()
    )
    good = [trial for trial in trials if trial.harmless and trial.seen.value is not None and trial.seen.low > 0]
    chosen = max(good, key=lambda trial: trial.seen.value or 0.0, default=None)
    return Outcome(trials=trials, chosen=chosen, questions=len(judged.relevant))


def fitted(np: Any, questions: Any, relevant: Sequence[Mapping[int, float]], documents: Any, pull: float) -> Any:
    """Return the matrix for some judged questions: (dimensions, dimensions).

    Full batches of Adam (D. Kingma & J. Ba, ICLR 2015) with a cosine schedule; memory is questions x documents x 4 bytes.
    """
    size = questions.shape[1]
    matrix = np.zeros((size, size), dtype=np.float32)
    first, second = np.zeros_like(matrix), np.zeros_like(matrix)
    wanted = np.zeros((len(questions), len(documents)), dtype=np.float32)
    for row, grades in enumerate(relevant):
        total = sum(grades.values())
        for place, grade in grades.items():
            wanted[row, place] = grade / total
    for epoch in range(1, _EPOCHS + 1):
        moved = questions + questions @ matrix
        length = np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
        direction = moved / length
        logits = direction @ documents.T / _HEAT
        logits -= logits.max(axis=1, keepdims=True)
        likely = np.exp(logits)
        likely /= likely.sum(axis=1, keepdims=True)
        slope = (likely - wanted) @ documents / (_HEAT * len(questions))
        slope = (slope - direction * (slope * direction).sum(axis=1, keepdims=True)) / length
        slope = questions.T @ slope + 2 * pull * matrix
        first = 0.9 * first + 0.1 * slope
        second = 0.99 * second + 0.01 * slope * slope
        rate = _RATE * 0.5 * (1 + np.cos(np.pi * epoch / _EPOCHS))
        matrix -= rate * (first / (1 - 0.9**epoch)) / (np.sqrt(second / (1 - 0.99**epoch)) + 1e-8)
    return matrix


def ranked(np: Any, questions: Any, judged: Judged, measure: Measure, weights: Sequence[Any]) -> list[Any]:
    """Return the worth of each question's ranking, for each of some shares of the vectors (one number a question)."""
    scores = questions @ judged.documents.T
    top = min(_LIMIT if judged.words else _PIECES if judged.owners else _TOP, scores.shape[1])
    best = np.argpartition(-scores, top - 1, axis=1)[:, :top]
    best = np.take_along_axis(best, np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1), axis=1)
    worths = [np.zeros(len(best)) for _ in weights]
    for place, (rows, grades) in enumerate(zip(best, judged.relevant, strict=True)):
        if not judged.words:
            for worth in worths:
                worth[place] = measure(rows.tolist(), grades)
            continue
        near = scores[place][rows].tolist()
        hits = [Hit(row, score) for row, score in zip(rows.tolist(), near, strict=True)]
        dense = scaled(hits, _LIMIT, judged.zero)
        for worth, weight in zip(worths, weights, strict=True):
            both = fused(dense, judged.words[place], float(weight[place]))
            worth[place] = measure(ordered(both)[:_PIECES], grades)
    return worths


def apart(relevant: Sequence[Mapping[int, float]], random: Any) -> Any:
    """Return a fold for each question, such that no document is relevant in two folds."""
    parent: dict[int, int] = {}

    def root(row: int) -> int:
        while (above := parent.setdefault(row, row)) != row:
            parent[row] = row = parent[above]
        return row

    for grades in relevant:
        rows = list(grades)
        for row in rows[1:]:
            parent[root(row)] = root(rows[0])
    groups = [root(next(iter(grades))) for grades in relevant]
    names = list(_unique(groups))
    folds = dict(zip(names, (random.permutation(len(names)) % _FOLDS).tolist(), strict=True))
    return numpy().array([folds[group] for group in groups])


def _unique(groups: Iterable[int]) -> Iterator[int]:
    yield from dict.fromkeys(groups)
