"""Scores in a dict. Every sum is counted anew, so this is also what other stores are compared with."""

from collections.abc import Sequence

from rowen.store.base import DAY_NS, Day, ScoreBucket, ScoreFilter, ScoreGroup, ScoreName
from rowen.store.sums import MINUTE_NS, whole_minutes
from rowen.store.tally import Tally, label_of, place_of
from rowen.values import Mistaken, Score

_SAME = ("app", "name", "target", "source", "by", "version", "span", "session", "case", "environment", "release")


class MemoryScores:
    """Scores by tenant and id."""

    def __init__(self) -> None:
        self._scores: dict[tuple[str, str], Score] = {}

    async def put(self, scores: Sequence[Score]) -> None:
        """Keep a batch."""
        for score in scores:
            self._scores[score.tenant, score.id] = score

    async def get(self, id: str, tenant: str | None = None) -> Score | None:
        """Return one score."""
        found = (score for key, score in sorted(self._scores.items()) if key[1] == id and tenant in (None, key[0]))
        return next(found, None)

    async def find(self, filter: ScoreFilter) -> list[Score]:
        """Return the scores that pass the filter, newest first."""
        last = None
        if filter.before:
            last = await self.get(filter.before, filter.tenant)
            if last is None:
                raise Mistaken("not_found", "the score to page from is not there any more", place="before")
        found = sorted(self._scores.values(), key=_order, reverse=True)
        passing = (each for each in found if _passes(each, filter) and (last is None or _order(each) < _order(last)))
        return list(passing)[: filter.limit]

    async def delete(self, id: str, tenant: str | None = None) -> bool:
        """Remove a score; return whether it was there."""
        found = await self.get(id, tenant)
        return found is not None and self._scores.pop((found.tenant, id), None) is not None

    async def days(self, *, before_ns: int) -> list[Day]:
        """Return the days that have scores, by day and tenant."""
        found: dict[tuple[int, str], list[Score]] = {}
        for score in self._scores.values():
            if (at := place_of(score)) < before_ns:
                found.setdefault((at // DAY_NS * DAY_NS, score.tenant), []).append(score)
        return [
            Day(
                start_ns=start,
                tenant=tenant,
                count=len(scores),
                mark=f"{max(score.created_ns for score in scores)}.{sum(score.number or 0.0 for score in scores):.6g}",
            )
            for (start, tenant), scores in sorted(found.items())
        ]

    async def buckets(
        self,
        *,
        tenant: str | None,
        name: str,
        since_ns: int,
        until_ns: int,
        every_ns: int,
        by: ScoreGroup = "",
        app: str = "",
    ) -> list[ScoreBucket]:
        """Return the sums by stretch and group."""
        since, until, every = whole_minutes(since_ns, until_ns, every_ns)
        found: dict[tuple[int, str], Tally] = {}
        for score in self._scores.values():
            at = place_of(score)
            if (name and score.name != name) or tenant not in (None, score.tenant) or (app and score.app != app):
                continue
            if since <= at < until:
                start = at // MINUTE_NS * MINUTE_NS // every * every
                group = getattr(score, by) if by else ""
                found.setdefault((start, group), Tally()).add(score.number, label_of(score), at)
        return [tally.bucket(*place) for place, tally in sorted(found.items())]

    async def names(self, tenant: str | None = None, app: str = "") -> list[ScoreName]:
        """Return the names that scores are kept under."""
        found: dict[tuple[str, str, str, str], Tally] = {}
        for score in self._scores.values():
            if tenant in (None, score.tenant) and (not app or score.app == app):
                place = (score.name, score.app, score.type, score.source)
                found.setdefault(place, Tally()).add(None, "", place_of(score))
        return [
            ScoreName(name=name, app=of, type=type_, source=source, count=tally.count, last_ns=tally.last_ns)
            for (name, of, type_, source), tally in sorted(found.items())
        ]

    async def prune(self, before_ns: int, *, days: Sequence[Day] | None = None) -> int:
        """Remove the scores of what was judged earlier, of some days only as long as nothing came to them."""
        now = await self.days(before_ns=before_ns) if days else []
        still = {(day.start_ns, day.tenant) for day in days or () if day in now}
        old = [
            key
            for key, score in self._scores.items()
            if (at := place_of(score)) < before_ns and (days is None or (at // DAY_NS * DAY_NS, score.tenant) in still)
        ]
        for key in old:
            del self._scores[key]
        return len(old)


def _order(score: Score) -> tuple[int, str, str]:
    return score.created_ns, score.id, score.tenant


def _passes(score: Score, filter: ScoreFilter) -> bool:
    number = score.number
    return (
        filter.tenant in (None, score.tenant)
        and all(getattr(filter, name) in ("", getattr(score, name)) for name in _SAME)
        and (not filter.traces or score.trace in filter.traces)
        and (filter.below is None or (number is not None and number < filter.below))
        and (filter.above is None or (number is not None and number > filter.above))
        and filter.since_ns <= place_of(score)
        and (not filter.until_ns or place_of(score) < filter.until_ns)
    )
