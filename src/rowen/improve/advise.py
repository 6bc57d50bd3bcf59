"""Better retrieval or fine-tuning: what an app's own failures, sources and examples say for either.

Retrieval brings facts, fine-tuning a way of speaking; they complete each other. So what decides is where answers were lost: at
facts that were not there or not found, or at form and words though the facts were there. Every usual argument for and against
either is told beside it with the app's own figure.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from rowen.improve.tune.failures import FailurePoint, Split
from rowen.retrieve.desk import Standing
from rowen.store.knowledge import Known
from rowen.values import Value
from rowen.values.interval import Interval, wilson

Advice = Literal["retrieval", "fine-tuning", "both", "unknown"]
Side = Literal["retrieval", "fine-tuning", "neither"]

FACTS: tuple[FailurePoint, ...] = ("missing_content", "missed_in_ranking", "not_in_context")
"""Failures of what was known: better documents, chunks and search help."""
WAYS: tuple[FailurePoint, ...] = ("wrong_format", "specificity")
"""Failures of how it was said, which a prompt, examples or fine-tuning help. The others are failures of reading: of neither."""
LEAST = 10
"""Failures that can be placed, below which nothing is advised."""
EXAMPLES = 100
"""Good answers from which on fine-tuning is worth a try: a rule of thumb, not a measurement."""
_MOVES = 0.05  # share of documents that change from which on what an app knows is called dynamic
_DAY_NS = 86_400 * 1_000_000_000


class Line(Value, frozen=True, kw_only=True):
    """One argument, with what this app has of it."""

    about: Literal["retrieval", "fine-tuning"]
    argument: str
    good: bool
    """Whether it is an advantage of what it is about."""
    figure: str
    speaks_for: Side
    """What the figure speaks for in this app."""


class Advised(Value, frozen=True, kw_only=True):
    """What to do first, and what speaks for and against it."""

    advice: Advice
    why: str
    facts: Interval
    """The share of placed failures that are of facts."""
    ways: Interval
    """The share that are of form and words."""
    lines: tuple[Line, ...]


class Examples(NamedTuple):
    """What there is to learn from."""

    good: int
    """Answers called good, or corrected."""
    questions: int
    """Different questions among them."""


def advised(lost: Split, standings: Sequence[Standing], known: Sequence[Known], examples: Examples) -> Advised:
    """Return what would help an app.

    Args:
        lost: where its failures were lost.
        standings: how what it knows stands.
        known: its documents.
        examples: what it has to learn from.

    """
    placed = len(lost.failures)
    facts, ways = (wilson(sum(each.point in points for each in lost.failures), placed) for points in (FACTS, WAYS))
    advice, why = _advice(facts, ways, placed)
    return Advised(advice=advice, why=why, facts=facts, ways=ways, lines=_lines(lost, standings, known, examples))


def _advice(facts: Interval, ways: Interval, placed: int) -> tuple[Advice, str]:
    if placed < LEAST:
        return (
            "unknown",
            f"{placed} failures can be placed; {LEAST} are the least to go by: correct answers that were bad",
        )
    said = f"{facts.value:.0%} of {placed} placed failures are of facts, {ways.value:.0%} of form and words"
    if facts.low > ways.high:
        return "retrieval", f"{said}: see to documents and search first"
    if ways.low > facts.high:
        return "fine-tuning", f"{said}: say it in the prompt and by examples first, then tune a model"
    if facts.low > 0 and ways.low > 0:
        return "both", f"{said}: neither is clearly more often"
    return "unknown", f"{said}: most are of reading, which a better model helps"


def _lines(lost: Split, standings: Sequence[Standing], known: Sequence[Known], examples: Examples) -> tuple[Line, ...]:
    documents, chunks = len(known), sum(each.chunks for each in standings)
    first = min((each.read_ns for each in known), default=0)
    moved = sum(each.read_ns > first + _DAY_NS for each in known)
    dynamic = documents > 0 and moved >= _MOVES * documents
    sources = [source for each in standings for source in each.sources]
    ill = sum(bool(source.code) for source in sources)
    lags = [each.lag_s for each in standings if each.lag_s is not None]
    behind = f"{max(lags) / 3600:,.1f} hours" if lags else "not known"
    aside = sum(each.quarantined for each in standings)
    builds = sum(len(each.builds) for each in standings)
    placed = len(lost.failures)
    ways = sum(each.point in WAYS for each in lost.failures)
    enough = examples.good >= EXAMPLES
    moving = f"{moved:,} of {documents:,} documents were added or changed after the first day"

    def line(about: Literal["retrieval", "fine-tuning"], argument: str, good: bool, figure: str, side: Side) -> Line:
        return Line(about=about, argument=argument, good=good, figure=figure, speaks_for=side)

    return (
        line("retrieval", "content may change", True, moving, "retrieval" if dynamic else "neither"),
        line(
            "retrieval", "wide knowledge without training", True, f"{documents:,} documents in {chunks:,} chunks",
            "retrieval" if documents else "neither",
        ),
        line(
            "retrieval", "costs no training", True, f"{builds} indexes were made of {documents:,} documents without one example",
            "retrieval" if documents else "neither",
        ),
        line(
            "retrieval", "depends on its sources", False, f"{ill} of {len(sources)} sources cannot be read; the farthest behind: {behind}",
            "fine-tuning" if ill else "neither",
        ),
        line(
            "retrieval", "more parts to run", False, f"{len(sources)} sources, {builds} indexes, {aside} documents put aside", "neither",
        ),
        line(
            "fine-tuning", "form and words as one likes", True, f"{ways} of {placed} placed failures are of form and words",
            "fine-tuning" if placed and ways > placed / 2 else "neither",
        ),
        line(
            "fine-tuning", "control over what is learnt", True, f"{examples.good:,} answers were called good or corrected",
            "fine-tuning" if enough else "neither",
        ),
        line(
            "fine-tuning", "simpler to run", True, f"no source to look at, where there are {len(sources)} now",
            "fine-tuning" if not documents else "neither",
        ),
        line(
            "fine-tuning", "may learn by heart", False, f"{examples.questions:,} different questions among {examples.good:,} examples",
            "retrieval" if examples.questions < EXAMPLES else "neither",
        ),
        line(
            "fine-tuning", "needs examples", False, f"{examples.good:,} of some {EXAMPLES}",
            "fine-tuning" if enough else "retrieval",
        ),
        line("fine-tuning", "has to be done again", False, moving, "retrieval" if dynamic else "neither"),
    )  # fmt: skip
