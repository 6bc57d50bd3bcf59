"""Copies calls to a candidate whose answer nobody sees: after the caller has theirs, behind everybody else, within a budget.

A copy has nothing of the caller's: no key, no limits, no session, no cache; it is known by the original that it belongs to.
Rowen runs no tools itself, so what an answer calls stays a wish in a trace.
"""

import asyncio
import logging
from dataclasses import replace
from decimal import Decimal

from rowen.config import Loaded
from rowen.flow.app import App
from rowen.limits import LimitsSettings
from rowen.store.base import Counters
from rowen.values import Assigned, Call, Caller, Clock, Door, Problem, Request, Rollout, new_id
from rowen.values.errand import SHADOW

log = logging.getLogger(__name__)

_AT_ONCE = 8
_UNIT = Decimal(1_000_000_000)
_KEPT_NS = 400 * 86_400_000_000_000


class Shadows:
    """Copies under way.

    Args:
        counters: where what was spent is kept, for all processes together.
        clock: what time it is.
        at_once: copies under way at most; calls beyond that are not copied, and counted.

    """

    def __init__(self, counters: Counters, clock: Clock, *, at_once: int = _AT_ONCE) -> None:
        self._counters = counters
        self._clock = clock
        self._at_once = at_once
        self._tasks: set[asyncio.Task[None]] = set()
        self.skipped: dict[str, int] = {}
        """By rollout, calls that were not copied since too many copies were under way or the budget is used up."""

    def copy(self, original: Call, asked: Request, rollout: Rollout, app: App) -> None:
        """Ask a candidate what a call asked that was answered. Never waits.

        Args:
            original: as it ended.
            asked: what it asked, before the app's own words were put to it.
            rollout: the shadow.
            app: the candidate, assembled without limits and caches.

        """
        if original.problem is not None or original.answer is None:
            return  # without an answer there is nothing to compare with
        if len(self._tasks) >= self._at_once:
            self._skip(rollout)
            return
        task = asyncio.get_running_loop().create_task(self._walk(original, asked, rollout, app))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def spent(self, rollout: str) -> Decimal:
        """Return what the copies of a rollout have cost, in US dollars."""
        return (await self._counters.sums([_counter(rollout)]))[0] / _UNIT

    async def done(self) -> None:
        """Wait for the copies that are under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Give up the copies that are under way."""
        for task in self._tasks:
            task.cancel()
        await self.done()

    async def _walk(self, original: Call, asked: Request, rollout: Rollout, app: App) -> None:
        try:
            held = await self._held(original, rollout)
            if held is None:
                self._skip(rollout)
                return
            cost: Decimal | None = None
            try:
                walk = app.walk(copy_of(original, asked, rollout, self._clock.now_ns()))
                try:
                    await walk.answer()
                finally:
                    cost = walk.call.cost.amount if walk.call.cost is not None else None
            finally:
                await self._settle(rollout, held, cost)
        except Problem as problem:
            log.info("a copy for %s was not answered: %s", rollout.id, problem.message)
        except Exception:  # what nobody sees must not be heard of by anybody either
            log.exception("a copy for %s broke", rollout.id)

    async def _held(self, original: Call, rollout: Rollout) -> int | None:
        """Set aside what the original cost, which is what is known of the copy's price; None when that is too much."""
        if rollout.budget is None:
            return 0
        if original.cost is None:
            return None  # a budget holds for what has a price
        amount = max(1, _units(original.cost.amount))
        limit = _units(Decimal(str(rollout.budget)))
        expires = self._clock.now_ns() + _KEPT_NS
        return await self._counters.take(_counter(rollout.id), amount, limit, expires) or None

    async def _settle(self, rollout: Rollout, held: int, cost: Decimal | None) -> None:
        used = held if cost is None else _units(cost)
        if used > held:
            await self._counters.add(_counter(rollout.id), used - held, self._clock.now_ns() + _KEPT_NS)
        elif held > used:
            await self._counters.give_back(_counter(rollout.id), held - used)

    def _skip(self, rollout: Rollout) -> None:
        self.skipped[rollout.id] = self.skipped.get(rollout.id, 0) + 1


def copy_of(original: Call, asked: Request, rollout: Rollout, now_ns: int) -> Call:
    """Return the copy of a call for a shadow's candidate."""
    candidate = rollout.arms[1]
    caller = original.caller or Caller(key="", shown="", tenant="default")
    return Call(
        id=new_id(now_ns),
        app=original.app,
        definition=candidate.definition,
        assigned=(
            Assigned(
                rollout=rollout.id,
                arm=candidate.name,
                probability=candidate.share,
                unit=next((each.unit for each in original.assigned if each.rollout == rollout.id), ""),
                shadow=True,
            ),
        ),
        request=asked.but(stream=False),
        door=Door(shape="internal", parent_trace=original.id),
        started_ns=now_ns,
        caller=caller.but(key="", shown=SHADOW, limits=(), priority="low"),
        feature=original.feature,
        priority="low",
        use_cache=False,
        tags=(*original.tags, SHADOW),
    )


def _counter(rollout: str) -> str:
    return f"shadow:{rollout}"


def _units(dollars: Decimal) -> int:
    return int(dollars * _UNIT)


def quiet(loaded: Loaded) -> Loaded:
    """Return an app as a shadow's candidate runs: without limits, which are the callers', and without caches."""
    models = {name: table.but(cache=None) for name, table in loaded.tables["models"].items()}
    return replace(loaded, tables={**loaded.tables, "limits": LimitsSettings(), "models": models})
