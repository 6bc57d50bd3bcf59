"""What users say, summed up honestly: the figure, its interval, how many were asked and answered, and what to mind.

CSAT is the share of satisfied answers (4 and 5 of 5). The NPS is the share of promoters (9 and 10) less that of detractors (0
to 6), from -100 to 100; F. Reichheld, "The One Number You Need to Grow", Harvard Business Review 81 (2003). The mean on 0 to
10 stands beside it, for a target such as "above 8" means one or the other.

Shares have Wilson's interval. The NPS and means have Student's t interval, the NPS as the mean of 1, 0 and -1; see B. Rocks,
"Interval Estimation for the Net Promoter Score", The American Statistician 70 (2016).
"""

import math
from collections.abc import Iterable

from rowen.score.configs import ASKED, BUILT_IN, EVENTS, INTERACTION
from rowen.store.base import ScoreBucket, Scores, Traces
from rowen.values import Value
from rowen.values.errand import reserved
from rowen.values.interval import Interval, mean_of_sums, wilson

FEW = 30
"""Fewer answers than this say little, whatever they say."""
LEAST_RESPONSE = 0.1
"""With a smaller share of answers, those who did not answer decide what is true."""

_ALL_NS = 10**6 * 3_600_000_000_000
"""So many hours that any time is in one stretch."""


class Estimate(Value, frozen=True, kw_only=True):
    """A figure with its 95 % interval and what it rests on. None where there is nothing to tell from."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    method: str = ""

    @classmethod
    def of(cls, found: Interval, scale: float = 1.0) -> "Estimate":
        """Return an interval in other units, its infinite bounds left out."""
        value, low, high = (
            each * scale if each is not None and math.isfinite(each) else None
            for each in (found.value, found.low, found.high)
        )
        return cls(value=value, low=low, high=high, n=found.n, method=found.method)


class Survey(Value, frozen=True, kw_only=True):
    """What users say under one name, over one stretch of time."""

    name: str
    scale: str
    """What `value` is: `nps` (-100 to 100), `csat` (share of satisfied), `share` (of thumbs up, or of what is true), `mean`."""
    value: Estimate
    mean: Estimate = Estimate()
    """The mean of the numbers given, on their own scale."""
    promoters: int = 0
    passives: int = 0
    detractors: int = 0
    given: dict[str, int] = {}
    """How often each answer was given."""
    asked: int = 0
    answered: int = 0
    asked_by: str = "calls"
    """What counts as asked: `feedback.asked` where your program notes whom it asked, else every answered call."""
    response: Estimate = Estimate()
    warnings: tuple[str, ...] = ()


class Interaction(Value, frozen=True, kw_only=True):
    """How often users did something with an answer."""

    event: str
    count: int
    calls: int
    rate: Estimate


class Window(Value, frozen=True, kw_only=True):
    """Which calls are looked at: of a tenant (None: of all), of an app (empty: of all), begun in a stretch of time."""

    tenant: str | None
    app: str = ""
    since_ns: int
    until_ns: int


class Surveys:
    """Sums up what users say and do, from sums that are kept.

    Args:
        scores: what they said.
        traces: what was answered.

    """

    def __init__(self, scores: Scores, traces: Traces) -> None:
        self._scores = scores
        self._traces = traces

    async def survey(self, name: str, window: Window) -> Survey:
        """Return what users said under a name about the calls of a stretch of time."""
        given = await self._sums(name, window)
        noted = await self._sums(ASKED, window, any_source=True)
        asked = noted.count or await self._calls(window)
        return summed_up(name, given, asked=asked, asked_by=ASKED if noted.count else "calls")

    async def interactions(self, window: Window) -> list[Interaction]:
        """Return how often users did each thing, of all calls that were neither refused nor failed."""
        calls = await self._calls(window)
        found = []
        for event in EVENTS:
            count = (await self._sums(f"{INTERACTION}{event}", window, any_source=True)).count
            rate = Estimate.of(wilson(min(count, calls), calls))
            found.append(Interaction(event=event, count=count, calls=calls, rate=rate))
        return found

    async def _sums(self, name: str, window: Window, *, any_source: bool = False) -> ScoreBucket:
        buckets = await self._scores.buckets(
            tenant=window.tenant,
            name=name,
            since_ns=window.since_ns,
            until_ns=window.until_ns,
            every_ns=_ALL_NS,
            by="source",
            app=window.app,
        )
        return merged(bucket for bucket in buckets if any_source or bucket.group == "user")

    async def _calls(self, window: Window) -> int:
        buckets = await self._traces.buckets(
            tenant=window.tenant,
            since_ns=window.since_ns,
            until_ns=window.until_ns,
            every_ns=_ALL_NS,
            by="feature",
            app=window.app,
        )
        return sum(each.calls - each.failed - each.refused for each in buckets if not reserved(each.group))


def summed_up(name: str, given: ScoreBucket, *, asked: int, asked_by: str = "calls") -> Survey:
    """Return the survey that sums of answers make."""
    counts, answered = given.labels, given.count
    mean = Estimate.of(mean_of_sums(given.numbers, given.total, given.squares))
    config = BUILT_IN.get(name)
    scale = config.scale if config else ""
    promoters = passives = detractors = 0
    if scale == "nps":
        promoters = sum(counts.get(str(number), 0) for number in (9, 10))
        detractors = sum(counts.get(str(number), 0) for number in range(7))
        passives = given.numbers - promoters - detractors
        value = nps(promoters, passives, detractors)
    elif scale == "csat":
        value = csat(counts)
    elif (config is not None and config.type == "boolean") or (counts and counts.keys() <= {"true", "false"}):
        scale, value = "share", Estimate.of(wilson(counts.get("true", 0), answered))
    else:
        scale, value = "mean", mean
    response = Estimate.of(wilson(min(answered, asked), asked))
    return Survey(
        name=name,
        scale=scale,
        value=value,
        mean=mean,
        promoters=promoters,
        passives=passives,
        detractors=detractors,
        given=counts,
        asked=asked,
        answered=answered,
        asked_by=asked_by,
        response=response,
        warnings=tuple(_warnings(response, asked, answered)),
    )


def nps(promoters: int, passives: int, detractors: int) -> Estimate:
    """Return the net promoter score, from -100 to 100."""
    n = promoters + passives + detractors
    return Estimate.of(mean_of_sums(n, promoters - detractors, promoters + detractors), 100)


def csat(counts: dict[str, int]) -> Estimate:
    """Return the share of satisfied answers, 4 and 5, among those from 1 to 5."""
    n = sum(counts.get(str(number), 0) for number in range(1, 6))
    return Estimate.of(wilson(counts.get("4", 0) + counts.get("5", 0), n))


def merged(buckets: Iterable[ScoreBucket]) -> ScoreBucket:
    """Return the sums of several stretches or groups together."""
    found = list(buckets)
    labels: dict[str, int] = {}
    for bucket in found:
        for label, count in bucket.labels.items():
            labels[label] = labels.get(label, 0) + count
    return ScoreBucket(
        start_ns=found[0].start_ns if found else 0,
        count=sum(bucket.count for bucket in found),
        numbers=sum(bucket.numbers for bucket in found),
        total=math.fsum(bucket.total for bucket in found),
        squares=math.fsum(bucket.squares for bucket in found),
        labels=labels,
    )


def _warnings(response: Estimate, asked: int, answered: int) -> Iterable[str]:
    if answered < FEW:
        yield f"only {answered} answers: fewer than {FEW} say little"
    if asked and response.value is not None and response.value < LEAST_RESPONSE:
        yield (
            f"{response.value:.1%} of those asked answered, less than {LEAST_RESPONSE:.0%}: "
            "those who did not may think otherwise"
        )
    if answered > asked:
        yield f"more answers ({answered}) than were asked ({asked}): several answers for one call, or calls not traced"
