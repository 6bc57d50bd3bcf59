"""What the arms of a rollout have shown so far: each metric by arm and unit, read on from where it was read last.

The unit is what is observed: what one user says of ten answers is one observation, their mean. So n is honest, and the interval
is that of independent things.
"""

from collections.abc import Iterable, Sequence

from rowen.evaluate.statistics import Logged, Sums
from rowen.release.exposure import Exposure, Exposures
from rowen.store.base import ScoreFilter, Scores
from rowen.values import Rollout

_PAGE = 1_000
_OVERLAP_NS = 120 * 1_000_000_000

MEASURED = {
    "error_rate": "failed",
    "errors": "failed",
    "latency": "milliseconds",
    "duration": "milliseconds",
    "cost": "cost",
}
"""Metrics that every call has, times in milliseconds and cost in US dollars; every other one is a score."""

Means = dict[str, list[float]]
"""By unit: how many numbers, and their sum."""


class Tally:
    """The figures of one rollout since its step began.

    Args:
        rollout: as it is now. After a step of a canary a new tally is made, since shares that differ over time cannot be
            pooled; a bandit's figures are all of one, for each call has its own probability.
        metrics: which are counted.

    """

    def __init__(self, rollout: Rollout, metrics: Iterable[str]) -> None:
        self.rollout = rollout.id
        self.since_ns = since_of(rollout)
        self.metrics = tuple(metrics)
        self.units: dict[str, set[str]] = {arm.name: set() for arm in rollout.arms}
        self.calls: dict[str, int] = {arm.name: 0 for arm in rollout.arms}
        self.probabilities: dict[str, set[float]] = {arm.name: set() for arm in rollout.arms}
        """With which calls came to an arm: more than one where another rollout began or ended meanwhile."""
        self._means: dict[tuple[str, str], Means] = {}
        self._of: dict[str, Exposure] = {}
        self._scored: dict[str, tuple[str, str, float]] = {}
        self._waiting: dict[str, dict[str, tuple[str, float]]] = {}
        self._read: set[str] = set()
        self._read_ns = 0
        self._scores_ns: dict[str, int] = {}

    async def read(self, exposures: Exposures, scores: Scores, app: str) -> None:
        """Take in what has come since the last time."""
        for id, at_ns, batch in await exposures.since(self.rollout, self._read_ns or self.since_ns):
            if id not in self._read:
                self._read.add(id)
                self._read_ns = max(self._read_ns, at_ns)
                self._take(batch)
        for name in self.metrics:
            if name not in MEASURED:
                await self._read_scores(scores, app, name)

    def sums(self, arm: str, metric: str) -> Sums:
        """Return the sums over the units of an arm, of the mean of each."""
        means = self._means.get((arm, metric), {})
        return Sums.of(total / count for count, total in means.values())

    def paired(self, metric: str) -> Sums:
        """Return the sums of candidate less original over the copies of a shadow, by unit."""
        by_unit: Means = {}
        values = self.values(metric)
        for id, own in values.items():
            exposure = self._of[id]
            if exposure.pair in values:
                _add(by_unit, exposure.unit, own - values[exposure.pair])
        return Sums.of(total / count for count, total in by_unit.values())

    def logged(self, metric: str, wanted: dict[str, float]) -> list[Logged]:
        """Return every call that has a value as a choice that was made, held against other shares of the arms."""
        return [
            Logged(
                reward=value,
                logged=self._of[id].probability,
                wanted=wanted.get(self._of[id].arm, 0.0),
                cluster=self._of[id].unit,
            )
            for id, value in self.values(metric).items()
        ]

    def values(self, metric: str) -> dict[str, float]:
        """Return what each call has of a metric, by trace; those without it are left out."""
        field = MEASURED.get(metric)
        if field is not None:
            every = ((id, getattr(each, field)) for id, each in self._of.items())
            return {id: float(value) for id, value in every if value is not None}
        found: Means = {}
        for trace, name, number in self._scored.values():
            if name == metric:
                _add(found, trace, number)
        return {trace: total / count for trace, (count, total) in found.items()}

    def _take(self, batch: Sequence[Exposure]) -> None:
        for each in batch:
            if each.at_ns < self.since_ns or each.trace in self._of or each.arm not in self.units:
                continue
            self._of[each.trace] = each
            self.units[each.arm].add(each.unit)
            self.calls[each.arm] += 1
            self.probabilities[each.arm].add(each.probability)
            for metric in self.metrics:
                field = MEASURED.get(metric)
                value = None if field is None else getattr(each, field)
                if value is not None:
                    _add(self._means.setdefault((each.arm, metric), {}), each.unit, float(value))
            for score, (name, number) in self._waiting.pop(each.trace, {}).items():
                self._score(score, each, name, number)

    async def _read_scores(self, scores: Scores, app: str, name: str) -> None:
        before, known = "", self._scores_ns.get(name, 0)
        newest = known
        while True:
            page = await scores.find(
                ScoreFilter(app=app, name=name, target="trace", since_ns=self.since_ns, before=before, limit=_PAGE)
            )
            for each in page:
                newest = max(newest, each.created_ns)
                if each.number is None:
                    continue
                exposure = self._of.get(each.trace)
                if exposure is None:
                    self._waiting.setdefault(each.trace, {})[each.id] = (name, each.number)
                else:
                    self._score(each.id, exposure, name, each.number)
            if len(page) < _PAGE or page[-1].created_ns < known - _OVERLAP_NS:
                break
            before = page[-1].id
        self._scores_ns[name] = newest

    def _score(self, score: str, exposure: Exposure, name: str, number: float) -> None:
        means = self._means.setdefault((exposure.arm, name), {})
        known = self._scored.get(score)
        if known is not None:
            if known[2] == number:
                return
            _add(means, exposure.unit, -known[2], -1)
        self._scored[score] = (exposure.trace, name, number)
        _add(means, exposure.unit, number)


def since_of(rollout: Rollout) -> int:
    """Return since when a rollout's figures belong together."""
    return rollout.began_ns if rollout.strategy == "bandit" else rollout.step_ns


def _add(means: Means, unit: str, value: float, count: int = 1) -> None:
    held = means.setdefault(unit, [0, 0.0])
    held[0] += count
    held[1] += value
    if not held[0]:
        del means[unit]
