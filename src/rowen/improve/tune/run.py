"""The search: all candidates are asked a few questions, the better half twice as many, until one is left to be reported.

Successive halving (K. Jamieson & A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
AISTATS 2016). The baseline is in every round. What is held out is asked once, at the end, of the baseline and the winner.
"""

import hashlib
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from rowen.evaluate.statistics import bootstrap, paired
from rowen.improve.tune.bench import Bench, Late, Made
from rowen.improve.tune.effects import Effect, effects, front
from rowen.improve.tune.questions import Measure, Parts, Question, measure_of
from rowen.improve.tune.space import Point, Space, mixed, point_of, singles, together
from rowen.improve.tune.threshold import UNANSWERABLE, Threshold, threshold
from rowen.values import Clock, Problem, Value
from rowen.values.interval import Interval

_BOUNDS = (0.0, 1.0)
_MAKING = 0.6  # of the time and of the money, after which no candidate that is new is begun
_FIRST = 100  # questions that every candidate is asked at least, where there are so many
_FINALISTS = 4


class Budget(NamedTuple):
    """What a run may take."""

    seconds: float = 600.0
    candidates: int = 40


class Row(Value, frozen=True, kw_only=True):
    """A candidate that was asked all questions to choose by."""

    point: Point
    quality: Interval
    cpu_s: float
    """Of one question, its embedding included."""
    size: int
    """Bytes of its index's vectors and texts."""
    front: bool = False
    """Whether no other is at least as good in all three and better in one."""


class Tuned(Value, frozen=True, kw_only=True):
    """What a run found."""

    measure: Measure
    characters: int
    questions: int
    """That were chosen by."""
    held: int
    """That were held out."""
    groups: int
    """Of questions with a document in common, among those held out: what the intervals rest on."""
    made_up: int
    """Of those that were chosen by, questions that a model made up. Among those held out there are none, unless all are."""
    by_place: bool
    """Whether so few documents are asked about that questions are told apart by places in them."""
    documents: int
    first: int
    """Questions that all candidates were asked."""
    tried: int
    left_out: dict[str, str]
    """Candidates that were not tried, with the reason."""
    late: bool
    """Whether the time or the money was spent before all was asked that should have been."""
    spent: Decimal
    """On models, in this run."""
    baseline: Point
    winner: Point
    rows: tuple[Row, ...]
    effects: tuple[Effect, ...]
    before: Interval
    """The baseline on what was held out."""
    after: Interval
    """The winner on it."""
    gain: Interval
    """How much more the winner finds, by pairs."""
    threshold: Threshold | None

    @property
    def proven(self) -> bool:
        """Whether the winner is better than the baseline beyond noise, on questions that nothing was chosen by."""
        return self.winner != self.baseline and self.gain.value is not None and self.gain.low > 0


async def tuned(
    bench: Bench,
    space: Space,
    parts: Parts,
    *,
    clock: Clock,
    budget: Budget = Budget(),  # noqa: B008 - a value
    seed: str = "0",
    unanswerable: float = UNANSWERABLE,
    tell: Callable[[int, int, str], None] = lambda *_: None,
) -> Tuned:
    """Return the best candidate and how sure that is.

    Args:
        bench: where candidates are judged.
        space: what may be tried.
        parts: the questions.
        clock: for the budget.
        budget: what the run may take. The baseline and the last comparison are made even beyond it.
        seed: of the candidates that are mixed by chance, and of the order of questions.
        unanswerable: the share of users' questions that nothing answers, where the questions do not show it.
        tell: takes how far it is: done, of how many, and at what.

    Raises:
        Problem: of the baseline: of the store or its embedder.

    """
    run = _Run(bench, measure_of((*parts.chosen_by, *parts.held_out)), clock, budget, tell)
    base = point_of(bench.settings)
    run.total = budget.candidates
    asked = _dealt(parts.chosen_by, seed)
    first = asked[: max(min(_FIRST, len(asked)), len(asked) // 4)]
    await run.through(base, first, limited=False)
    alone = singles(space, base)
    for point in islice(alone, budget.candidates):
        await run.through(point, first)
    told = [each for each in alone if each in run.alive]
    found = effects({alone[each]: run.values(each, first) for each in told}, run.values(base, first), _groups(first))
    good = [(each.choice, each.level) for each in found if (each.gain.value or 0.0) > 0]
    fresh = [point for point in together(base, good) if point not in run.alive]
    for point in islice((*fresh, *mixed(space, base, seed=seed)), max(0, budget.candidates - len(run.alive))):
        if point not in run.alive:
            await run.through(point, first)
    count, tried = len(first), list(run.alive)
    left = sorted(tried, key=lambda each: (-run.mean(each, first), tried.index(each)))
    while count < len(asked) and not run.late:
        left = left[: max(_FINALISTS, len(left) // 2)]
        count = min(len(asked), count * 2)
        run.total, run.done = len(left), 0
        for point in left:
            await run.through(point, asked[:count])
        left.sort(key=lambda each: (-run.mean(each, asked[:count]), tried.index(each)))
    await run.through(base, asked, limited=False)
    whole = [each for each in dict.fromkeys((base, *left)) if run.has(each, asked)]
    winner = max(whole, key=lambda each: (run.mean(each, asked), -tried.index(each)))
    for point in {base, winner}:
        await run.through(point, parts.held_out, limited=False)
    groups = _groups(parts.held_out)
    before, after = (run.values(each, parts.held_out) for each in (base, winner))
    rows = [
        Row(
            point=each,
            quality=bootstrap(run.values(each, asked), clusters=_groups(asked), bounds=_BOUNDS),
            cpu_s=await run.cpu_s(each, asked),
            size=(await bench.index(each)).size,
        )
        for each in sorted(whole, key=lambda each: -run.mean(each, asked))
    ]
    best = front([(each.quality.value or 0.0, -each.cpu_s, -each.size) for each in rows])
    return Tuned(
        measure=run.measure,
        characters=bench.characters,
        questions=len(asked),
        held=len(parts.held_out),
        groups=len(set(groups)),
        made_up=sum(each.synthetic for each in asked),
        by_place=bool(_documents(parts.chosen_by) & _documents(parts.held_out)),
        documents=(await bench.index(base)).build.documents,
        first=len(first),
        tried=len(tried),
        left_out=run.left_out,
        late=run.late,
        spent=bench.purse.spent,
        baseline=base,
        winner=winner,
        rows=tuple(row.but(front=good) for row, good in zip(rows, best, strict=True)),
        effects=found,
        before=bootstrap(before, clusters=groups, bounds=_BOUNDS),
        after=bootstrap(after, clusters=groups, bounds=_BOUNDS),
        gain=paired(after, before, clusters=groups, bounds=_BOUNDS),
        threshold=await threshold(bench, winner, parts, run.measure, unanswerable=unanswerable),
    )


class _Run:
    """What was asked so far, and how much time is left."""

    def __init__(
        self,
        bench: Bench,
        measure: Measure,
        clock: Clock,
        budget: Budget,
        tell: Callable[[int, int, str], None],
    ) -> None:
        self.measure = measure
        self.alive: dict[Point, Made] = {}
        self.left_out: dict[str, str] = {}
        self.late = False
        self.done = self.total = 0
        self._bench = bench
        self._clock = clock
        self._tell = tell
        self._making_until = clock.monotonic() + budget.seconds * _MAKING
        self._until = clock.monotonic() + budget.seconds
        self._quality: dict[tuple[Point, str], float] = {}

    async def through(self, point: Point, questions: Sequence[Question], *, limited: bool = True) -> None:
        """Ask a candidate; one that cannot be made, or for which no time is left, is left out with the reason."""
        new = point not in self.alive
        until = self._making_until if new else self._until

        def check() -> None:
            if limited and self._clock.monotonic() > until:
                raise Late("no time was left")
            if limited and self._bench.purse.over(_MAKING if new else 1.0):
                raise Late("no money was left")

        self.done += 1
        self._tell(self.done, self.total, short(point))
        try:
            check()
            made = await self._bench.index(point, check)
            for question in questions:
                check()
                self._quality[point, question.id] = (await self._bench.ask(point, question, self.measure)).quality
        except Late as late:
            self.late = self.late or not new
            if new:
                self.left_out[short(point)] = str(late)
        except Problem as problem:
            if not limited:
                raise
            self.left_out[short(point)] = problem.message
        else:
            self.alive[point] = made

    def has(self, point: Point, questions: Sequence[Question]) -> bool:
        return all((point, each.id) in self._quality for each in questions)

    def values(self, point: Point, questions: Sequence[Question]) -> list[float]:
        return [self._quality[point, each.id] for each in questions]

    def mean(self, point: Point, questions: Sequence[Question]) -> float:
        known = [self._quality[point, each.id] for each in questions if (point, each.id) in self._quality]
        return sum(known) / len(known) if known else 0.0

    async def cpu_s(self, point: Point, questions: Sequence[Question]) -> float:
        asked = [await self._bench.ask(point, each, self.measure) for each in questions]
        embed = self._bench.embed(point.embed)
        return sum(each.cpu_s for each in asked) / len(asked) + (embed.cpu_s if embed else 0.0)


def short(point: Point) -> str:
    """Return a candidate in a line."""
    weight = "" if point.weight is None else f" {point.weight:g}"
    embed = f"{point.embed} {point.search}{weight}" if point.embed else "words"
    more = f" diversity {point.diversity:g}" if point.diversity else ""
    more += f", reranked by {point.rerank}" if point.rerank else ""
    more += ", rewritten" if point.rewrite == "model" else ""
    return f"{point.kind} {point.size}/{point.overlap:.0%} {point.context}, {embed}, top {point.top}{more}"


def _dealt(questions: Sequence[Question], seed: str) -> list[Question]:
    """Return questions in an order that has nothing to do with the file's."""
    return sorted(questions, key=lambda each: hashlib.sha256(f"{seed}\0{each.text}\0{each.id}".encode()).digest())


def _documents(questions: Sequence[Question]) -> set[str]:
    return {document for each in questions for document in each.documents}


def _groups(questions: Sequence[Question]) -> list[Any]:
    return [each.group for each in questions]
