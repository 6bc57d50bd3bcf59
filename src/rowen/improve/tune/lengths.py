"""How a model bears longer contexts: the same questions with more and more passages, each asked several times.

More passages hold the answer more often, and distract more. Both are told apart: over the questions whose answer is there
from the fewest passages on, more of them can do nothing but distract, and what is lost there is the model's, not the search's
(N. Liu et al., "Lost in the Middle", TACL 12, 2024; state-space models carry a state of one size through any length). How
often a model says the same to the very same prompt stands beside it, since it may waver more where the prompt is long.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from statistics import fmean

from rowen.evaluate.robust.agree import same
from rowen.evaluate.statistics import bootstrap, paired
from rowen.improve.tune.answers import Render, went
from rowen.improve.tune.bench import Bench
from rowen.improve.tune.failures import Asked, holds
from rowen.improve.tune.prompts import MOST, agreement
from rowen.improve.tune.questions import LEAST, Question
from rowen.improve.tune.space import Point
from rowen.retrieve.base import CHARACTERS
from rowen.retrieve.pack import cost
from rowen.values import AskModel, CountText, Mistaken, Value
from rowen.values.interval import Interval

TOPS = (1, 3, 6, 12)
REPEATS = 3
_BOUNDS = (0.0, 1.0)


class Length(Value, frozen=True, kw_only=True):
    """What some number of passages do."""

    top: int
    tokens: float
    """Of the passages, on average."""
    there: Interval
    """The share of questions whose answer is among them."""
    quality: Interval
    """How far answers agree with the right ones, over all questions."""
    distracted: Interval
    """How much better answers are than with the fewest passages, over the questions whose answer is there from then on."""
    repeatability: Interval
    """How often two answers to the very same prompt say the same."""


class Lengths(Value, frozen=True, kw_only=True):
    """How a model bears longer contexts."""

    questions: int
    repeats: int
    rows: tuple[Length, ...]
    """The shortest first."""

    @property
    def worst(self) -> Length | None:
        """The first length at which answers are worse beyond noise although what answers them is there; None for none."""
        return next(
            (each for each in self.rows[1:] if each.distracted.value is not None and each.distracted.high < 0), None
        )


async def lengths(
    bench: Bench,
    point: Point,
    questions: Sequence[Question],
    *,
    tops: Sequence[int] = TOPS,
    repeats: int = REPEATS,
    count: CountText,
    render: Render,
    ask: Callable[[int], AskModel],
    tell: Callable[[int, int, str], None] = lambda *_: None,
) -> Lengths | None:
    """Return what more passages do; None where too few questions say what is right.

    Args:
        bench: where questions are asked.
        point: as which candidate passages are found.
        questions: those count that have a reference; at most 60 are asked.
        tops: numbers of passages.
        repeats: how often each is asked with each number.
        count: tokens of a text.
        render: makes the prompt.
        ask: gives what asks the app's model; under another number it is asked anew.
        tell: takes how far it is.

    Raises:
        Mistaken: `field_invalid` for a number below 1, or fewer than two.
        Problem: of the store, the embedder, the model.

    """
    tops = sorted(set(tops))
    if len(tops) < 2 or tops[0] < 1 or repeats < 2:
        message = "two numbers of passages at least, and each question asked twice at least"
        raise Mistaken("field_invalid", message, place="lengths")
    kept = [each for each in questions if each.reference][:MOST]
    if len(kept) < LEAST:
        return None
    tried = {}
    for top in tops:
        wide = bench.wide(max(bench.characters, 2 * top * point.size * (CHARACTERS if point.kind == "tokens" else 1)))
        some = point.but(top=top)
        tried[top] = [
            await went(wide, some, kept, count=count, render=render, ask=ask(number), tell=tell)
            for number in range(repeats)
        ]
    groups = [each.group for each in kept]
    short = tried[tops[0]][0]
    from_the_first = [at for at, asked in enumerate(short) if any(holds(each, asked) for each in asked.given)]
    rows = [_row(top, asked, tried[tops[0]], groups, from_the_first, count) for top, asked in tried.items()]
    return Lengths(questions=len(kept), repeats=repeats, rows=tuple(rows))


def _row(
    top: int,
    tries: Sequence[Sequence[Asked]],
    fewest: Sequence[Sequence[Asked]],
    groups: Sequence[object],
    there: Sequence[int],
    count: CountText,
) -> Length:
    ours, theirs = _quality(tries), _quality(fewest)
    once = tries[0]
    said = [[asked[at].answer or "" for asked in tries] for at in range(len(once))]
    return Length(
        top=top,
        tokens=fmean(sum(cost(each, count) for each in asked.given) for asked in once),
        there=bootstrap(
            [float(any(holds(each, asked) for each in asked.given)) for asked in once], clusters=groups, bounds=_BOUNDS
        ),
        quality=bootstrap(ours, clusters=groups, bounds=_BOUNDS),
        distracted=paired(
            [ours[at] for at in there],
            [theirs[at] for at in there],
            clusters=[groups[at] for at in there],
            bounds=_BOUNDS,
        ),
        repeatability=bootstrap(
            [fmean(same(one, other) for one, other in combinations(each, 2)) for each in said],
            clusters=groups,
            bounds=_BOUNDS,
        ),
    )


def _quality(tries: Sequence[Sequence[Asked]]) -> list[float]:
    """Return of each question how far its answers agree with the right one, on average over the tries."""
    return [fmean(agreement(each.reference, each.answer or "") for each in every) for every in zip(*tries, strict=True)]
