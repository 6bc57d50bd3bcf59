"""Which wording of the prompt answers better: each asked the same questions over what the winner finds, as pairs.

What is measured is how far an answer agrees with the right one, by words: the harmonic mean of the shares of each one's content
words that the other has (P. Rajpurkar et al., "SQuAD", EMNLP 2016). Said in other words a right answer counts for less, alike for all
wordings.
"""

from collections.abc import Callable, Mapping, Sequence

from rowen.evaluate.statistics import bootstrap, paired
from rowen.improve.tune.answers import Render, went
from rowen.improve.tune.bench import Bench
from rowen.improve.tune.failures import share
from rowen.improve.tune.questions import LEAST, Parts, Question
from rowen.improve.tune.space import Point
from rowen.values import AskModel, CountText, Value
from rowen.values.interval import Interval

MOST = 60
"""Questions that each wording is asked, of either part: each is a call of the model."""
_BOUNDS = (0.0, 1.0)


class Wording(Value, frozen=True, kw_only=True):
    """One of the prompts."""

    prompt: str
    quality: Interval
    """On the questions to choose by."""


class Wordings(Value, frozen=True, kw_only=True):
    """What prompts do."""

    rows: tuple[Wording, ...]
    """The best first."""
    left_out: dict[str, str]
    winner: str
    before: Interval
    """What the app has now, on the questions held out."""
    after: Interval
    """The winner, on the same."""
    gain: Interval

    @property
    def proven(self) -> bool:
        """Whether the winner is better beyond noise on what nothing was chosen by."""
        return self.gain.value is not None and self.gain.low > 0


async def wordings(
    bench: Bench,
    point: Point,
    parts: Parts,
    renders: Mapping[str, Render],
    *,
    count: CountText,
    ask: AskModel,
    tell: Callable[[int, int, str], None] = lambda *_: None,
) -> Wordings | None:
    """Return how prompts compare; None where too few questions say what is right.

    Args:
        bench: where questions are asked.
        point: as which candidate passages are found.
        parts: the questions; those count that have a reference.
        renders: by name, what makes the prompt. The first is what the app has now.
        count: tokens of a text.
        ask: asks the app's model.
        tell: takes how far it is.

    Raises:
        Problem: of the store, the embedder, the model.

    """
    kept, out = ([each for each in part if each.reference][:MOST] for part in (parts.chosen_by, parts.held_out))
    if min(len(kept), len(out)) < LEAST:
        return None
    now = next(iter(renders))

    async def asked(name: str, questions: Sequence[Question]) -> list[float]:
        found = await went(bench, point, questions, count=count, render=renders[name], ask=ask, tell=tell)
        return [agreement(each.reference, each.answer or "") for each in found]

    tried: dict[str, list[float]] = {}
    left_out: dict[str, str] = {}
    for name in renders:
        if name != now and bench.purse.over():
            left_out[name] = "no money was left"
        else:
            tried[name] = await asked(name, kept)
    best = max(tried, key=lambda name: (sum(tried[name]), name == now))
    before = await asked(now, out)
    after = before if best == now else await asked(best, out)
    groups, groups_out = ([each.group for each in some] for some in (kept, out))
    rows = [
        Wording(prompt=name, quality=bootstrap(values, clusters=groups, bounds=_BOUNDS))
        for name, values in sorted(tried.items(), key=lambda item: -sum(item[1]))
    ]
    return Wordings(
        rows=tuple(rows),
        left_out=left_out,
        winner=best,
        before=bootstrap(before, clusters=groups_out, bounds=_BOUNDS),
        after=bootstrap(after, clusters=groups_out, bounds=_BOUNDS),
        gain=paired(after, before, clusters=groups_out, bounds=_BOUNDS),
    )


def agreement(reference: str, answer: str) -> float:
    """Return how far an answer says what is right, and no more, by content words: 0 to 1."""
    there, more = share(reference, answer), share(answer, reference)
    return 2 * there * more / (there + more) if there + more else 0.0
