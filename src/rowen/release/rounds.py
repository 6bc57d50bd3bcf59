"""Looks at every rollout again and again, as a durable job, and does what the verdict says. Every act has its figures in the log."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from math import isfinite
from typing import Any

from rowen.evaluate.plan import MetricsTable
from rowen.jobs import Handler, Later, Queue, Task
from rowen.release.bandit import chances, shares, what_if
from rowen.release.course import Course, Point, longer
from rowen.release.desk import Releases
from rowen.release.exposure import Exposures
from rowen.release.ledger import Reason
from rowen.release.tally import Tally, since_of
from rowen.release.verdict import Looks, Verdict, judged, looked, plan_of
from rowen.store.base import Scores
from rowen.values import Clock, Live, Mistaken, Problem, Refused, Rollout
from rowen.values.interval import Interval, mean_of_sums

log = logging.getLogger(__name__)

KIND = "release.verdict"
"""The kind of job that looks at one rollout."""
EVERY = 10.0
"""Seconds from one look to the next."""
_ALLOT = 60.0
"""Seconds from one move of a bandit's shares to the next, at least."""
_KEPT_NS = 30 * 86_400 * 1_000_000_000
"""For how long the exposures of a rollout stay when it has ended."""
_S = 1_000_000_000

Held = Callable[[str], Awaitable[str]]
"""Gives why nothing of an app may be let out now; empty when it may."""


class Rounds:
    """Looks, and acts.

    Args:
        releases: what is live.
        exposures: who got what.
        scores: what was said of it.
        queue: where the looks are queued.
        clock: what time it is.
        plan: gives the metric plan of what a rollout is compared with; None where this process does not serve it.
        held: says why nothing may be let out.

    """

    def __init__(
        self,
        releases: Releases,
        exposures: Exposures,
        scores: Scores,
        *,
        queue: Queue,
        clock: Clock,
        plan: Callable[[Rollout], MetricsTable | None],
        held: Held,
    ) -> None:
        self._releases = releases
        self._exposures = exposures
        self._scores = scores
        self._queue = queue
        self._clock = clock
        self._plan = plan
        self._held = held
        self._tallies: dict[str, Tally] = {}

    @property
    def handlers(self) -> dict[str, Handler]:
        """Who does which kind of job."""
        return {KIND: self.work}

    async def queue(self, lives: Iterable[Live]) -> None:
        """See that every rollout that runs is looked at."""
        for live in lives:
            for rollout in live.rollouts:
                await self._queue.add(
                    KIND,
                    id=f"{KIND}:{rollout.id}",
                    app=rollout.app,
                    input={"rollout": rollout.id},
                    about=f"looks at the {rollout.strategy} {rollout.id} of {rollout.app}",
                )

    async def work(self, task: Task) -> dict[str, Any]:
        """Do a job: look at its rollout, and come back until it has ended and its figures are no longer needed."""
        rollout = await self._releases.rollout(task.input["rollout"])
        now = self._clock.now_ns()
        if rollout.state == "running":
            if self._plan(rollout) is None:
                raise Later(now + round(EVERY * _S), "waits for a process that serves the app")
            verdict = await self.look(rollout)
            raise Later(self._clock.now_ns() + round(EVERY * _S), f"{verdict.action}: {verdict.why}"[:500])
        self._tallies.pop(rollout.id, None)
        if now < rollout.ended_ns + _KEPT_NS:
            raise Later(rollout.ended_ns + _KEPT_NS, f"{rollout.state}; then its exposures are forgotten")
        await self._exposures.forget(rollout.id)
        return {"state": rollout.state}

    async def look(self, rollout: Rollout) -> Verdict:
        """Look at a rollout now, and do what is to be done."""
        await self._exposures.flush()
        plan = plan_of(self._plan(rollout) or MetricsTable())
        tally = self._tallies.get(rollout.id)
        if tally is None or tally.since_ns != since_of(rollout) or tally.metrics != tuple(plan.roles):
            tally = self._tallies[rollout.id] = Tally(rollout, plan.roles)
        await tally.read(self._exposures, self._scores, rollout.app)
        course = await self._releases.courses.get(rollout.id) or Course(id=rollout.id, app=rollout.app)
        now = self._clock.now_ns()
        looks = looked(rollout, plan, tally, course.looks)
        verdict = judged(rollout, plan, tally, looks, now_ns=now, held=await self._held(rollout.app))
        points = [
            Point(at_ns=now, step=rollout.step, arm=arm, n=gap.n, value=gap.value, low=gap.low, high=gap.high)
            for arm, by in looks.arms.items()
            for gap in (by[plan.primary].difference,)
            if _bounded(gap)
        ]
        course = course.but(
            looked_ns=now,
            looks=_kept(looks),
            verdict=verdict,
            primary=plan.primary,
            points=longer(course.points, points),
            means=_means(rollout, plan, tally),
            units={arm: len(units) for arm, units in tally.units.items()},
            calls=dict(tally.calls),
        )
        if rollout.strategy == "bandit":
            told = what_if(rollout, plan, tally)
            bounded = [
                each for each in told if _bounded(*(one.estimate for one in (each.inverse, each.normal, each.robust)))
            ]
            course = course.but(chances=chances(rollout, plan, tally), what_if=tuple(bounded))
        await self._releases.courses.put(course)
        try:
            if rollout.strategy == "bandit":
                await self._allot(rollout, plan, tally, course)
            elif rollout.auto:
                await self._act(rollout, verdict)
        except (Mistaken, Refused) as problem:
            # Somebody else has decided meanwhile, or nothing may be let out: the next look sees it.
            log.info("%s: %s was not done: %s", rollout.id, verdict.action, problem)
        return verdict

    async def _act(self, rollout: Rollout, verdict: Verdict) -> None:
        why = Reason(by="rowen", note=verdict.why, evidence=verdict.figures)
        match verdict.action:
            case "step":
                await self._releases.step(rollout.id, why)
            case "promote":
                await self._releases.promote(rollout.id, why, arm=verdict.arm)
            case "roll back":
                await self._releases.stop(rollout.id, why, state="rolled back")
            case "stop":
                await self._releases.stop(rollout.id, why)
            case "wait":
                return
        log.info("%s: %s, since %s", rollout.id, verdict.action, verdict.why)

    async def _allot(self, rollout: Rollout, plan: MetricsTable, tally: Tally, course: Course) -> None:
        if not rollout.auto or (self._clock.now_ns() - rollout.step_ns) / _S < max(_ALLOT, rollout.pause):
            return
        wanted = shares(rollout, plan, tally)
        if wanted is None:
            return
        first = max(course.chances, key=course.chances.__getitem__)
        note = f"{first} is the best one by {plan.primary} with a probability of {course.chances[first]:.0%}"
        evidence = {"chances": course.chances, "units": course.units, "policy": rollout.policy}
        await self._releases.step(rollout.id, Reason(by="rowen", note=note, evidence=evidence), shares=wanted)


def _means(rollout: Rollout, plan: MetricsTable, tally: Tally) -> dict[str, dict[str, Interval]]:
    found: dict[str, dict[str, Interval]] = {}
    for arm in rollout.arms:
        kept = {metric: tally.sums(arm.name, metric) for metric in plan.roles}
        means = {name: mean_of_sums(each.n, each.total, each.squares) for name, each in kept.items() if each.n}
        found[arm.name] = {name: mean for name, mean in means.items() if _bounded(mean)}
    return found


def _kept(looks: Looks) -> Looks:
    """Return looks as they can be written down: JSON has no infinity, and what says nothing yet is found anew."""
    arms = {
        arm: {metric: each for metric, each in by.items() if _bounded(each.difference)}
        for arm, by in looks.arms.items()
    }
    return looks.but(arms=arms)


def _bounded(*intervals: Interval) -> bool:
    return all(isfinite(each.low) and isfinite(each.high) for each in intervals)


async def ended_by_breach(releases: Releases, rollout: Rollout, why: Reason) -> bool:
    """End a rollout whose candidate fails; return whether it was this that ended it."""
    try:
        await releases.stop(rollout.id, why, state="rolled back")
    except Problem as problem:
        log.info("%s was not rolled back by what fails here: %s", rollout.id, problem)
        return False
    return True
