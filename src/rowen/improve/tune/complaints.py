"""Traces that users or reviewers judged, and of those that were called bad, what is known of where they were lost."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from rowen.improve.tune.failures import Asked, form_of
from rowen.improve.tune.gather import asked_of
from rowen.score.cases import content_of
from rowen.store.base import ScoreFilter, Scores, Traces
from rowen.values import Score, Trace

NAMES = ("thumbs", "correction")
_PAGE = 500


class Judged(NamedTuple):
    """A trace, and what was said of it."""

    trace: Trace
    scores: tuple[Score, ...]

    @property
    def bad(self) -> bool:
        """Whether it was called bad, or corrected."""
        return any(each.type == "correction" or each.number == 0 for each in self.scores)


async def judged(
    scores: Scores, traces: Traces, *, tenant: str | None = None, app: str = "", since_ns: int = 0, limit: int = 1000
) -> list[Judged]:
    """Return the traces with a thumb or a correction, the newest first; those that are gone by now are left out."""
    said: defaultdict[str, list[Score]] = defaultdict(list)
    for name in NAMES:
        before = ""
        while len(said) < limit:
            found = await scores.find(
                ScoreFilter(tenant=tenant, app=app, name=name, since_ns=since_ns, before=before, limit=_PAGE)
            )
            for score in found:
                if score.trace and score.target in {"trace", "span"}:
                    said[score.trace].append(score)
            if len(found) < _PAGE:
                break
            before = found[-1].id
    whole = [(await traces.get(id, tenant), some) for id, some in list(said.items())[:limit]]
    return [Judged(trace, tuple(some)) for trace, some in whole if trace is not None]


def complaint(trace: Trace, scores: Sequence[Score]) -> Asked | None:
    """Return what is known of how a trace went; None for one without a question or without an answer.

    What was right is what a correction says, a reviewer's before a user's. Which documents answer it is not known, nor what
    was found and left out of the prompt: a trace holds the passages that the model was given.
    """
    question, answered = content_of(trace)
    asked = asked_of(question)
    if not asked or not isinstance(answered, str) or trace.request is None:
        return None
    corrected = sorted((each for each in scores if each.type == "correction"), key=lambda each: each.source != "person")
    return Asked(
        question=asked,
        answer=answered,
        reference=str(corrected[0].value) if corrected else "",
        found=trace.request.passages,
        given=trace.request.passages,
        form="json" if trace.request.format is not None else form_of(asked),
    )
