"""Whom to ask next within one call: round a model's deployments, then its fallbacks, with waits before repeats."""

from collections.abc import Sequence

from rowen.route.base import Random, Routes, Sleep
from rowen.route.state import Standing
from rowen.values import Clock, Problem

ELSEWHERE = frozenset({"field_unsupported", "field_unknown", "upstream_limited", "extra_missing"})
"""Problems that another deployment may not have, besides all `Unavailable` ones."""

# Asking the same place again within the call would give the same.
_HOPELESS = frozenset({"field_unsupported", "field_unknown", "upstream_key", "weights_missing", "extra_missing"})

_FIRST_WAIT = 0.25  # seconds, doubled with each failure of the same deployment, with full jitter
_LONGEST_WAIT = 4.0
_LONGEST_REST = 30.0  # seconds that a call stays for a provider's Retry-After when nobody else is left


class _Group:
    """One model's deployments, and how many attempts it has left."""

    __slots__ = ("left", "ring")

    def __init__(self, retries: int) -> None:
        self.ring: list[Standing] = []  # short, and an empty deque takes 700 bytes of every stream
        self.left = 1 + retries

    def add(self, standing: Standing) -> None:
        self.ring.append(standing)
        self.left = max(self.left, len(self.ring))  # each is asked once in any case


class Queue:
    """Gives out entered standings one by one, until the time of the call is up.

    Args:
        routes: the app's models.
        planned: the deployments of the call's plan.
        begun: whether the first of them has been asked.
        tokens: that an attempt may use.
        until: when the time of the call is up, by the clock's stopwatch.
        clock: the time.
        rand: for the jitter of waits.
        sleep: waits.

    """

    __slots__ = (
        "_clock",
        "_given",
        "_groups",
        "_rand",
        "_resting",
        "_rests",
        "_sleep",
        "_tokens",
        "_until",
        "_waits",
        "asked",
    )

    def __init__(
        self,
        routes: Routes,
        planned: Sequence[Standing],
        *,
        begun: bool,
        tokens: int,
        until: float,
        clock: Clock,
        rand: Random,
        sleep: Sleep,
    ) -> None:
        self._groups: list[_Group] = []
        model = ""
        for standing in planned:
            if standing.deployment.model != model:
                model = standing.deployment.model
                group = _Group(routes[model].retries)
                self._groups.append(group)
            group.add(standing)
        self._tokens = tokens
        self._clock = clock
        self._rand = rand
        self._sleep = sleep
        self._until = until
        self._waits: dict[str, tuple[int, float | None]] = {}
        """By deployment: how often it failed in this call, and how long it asked to wait."""
        self._given: list[str] = []
        self._resting: list[Standing] = []
        self._rests = routes[planned[0].deployment.model].retries if planned else 0
        self.asked = 0
        """Attempts made."""
        if begun:
            self._take(self._groups[0].ring.pop(0), self._groups[0])

    async def next(self) -> Standing | None:
        """Return whom to ask now, after the wait that is due; None when nobody is left or the time is up."""
        while self._groups:
            group = self._groups[0]
            while group.left > 0 and group.ring:
                standing = group.ring.pop(0)
                wait = self._due(standing) if self._waits else 0.0
                if wait >= self._left():
                    continue
                if wait > 0:
                    await self._sleep(wait)
                if self._enters(standing, group):
                    return standing
            self._groups.pop(0)
        return await self._rested()

    def spare(self) -> Standing | None:
        """Return one that was not asked yet and can be asked at once, for a hedge."""
        for group in self._groups:
            for standing in list(group.ring):
                if standing.deployment.name not in self._given and group.left > 0:
                    group.ring.remove(standing)
                    if self._enters(standing, group):
                        return standing
        return None

    def failed(self, standing: Standing, problem: Problem) -> None:
        """Take note of a failure."""
        name = standing.deployment.name
        times, _ = self._waits.get(name, (0, None))
        self._waits[name] = (times + 1, problem.retry_after)
        if problem.code == "upstream_limited":
            # Another key or place may answer at once; this one is asked again only if nobody else can.
            self._strike(standing)
            self._resting.append(standing)
        elif problem.code in _HOPELESS:
            self._strike(standing)

    def more(self) -> bool:
        """Whether anybody is left to ask."""
        return self._left() > 0 and any(group.left > 0 and group.ring for group in self._groups)

    async def _rested(self) -> Standing | None:
        """Wait for whoever is free first of those that are at their provider's limit."""
        while self._resting and self._rests > 0:
            self._rests -= 1
            standing = min(self._resting, key=lambda each: each.free_in(self._tokens))
            wait = standing.free_in(self._tokens) + 0.001
            if wait > min(_LONGEST_REST, self._left()):
                return None
            await self._sleep(wait)
            if standing.enter(self._tokens):
                self._resting.remove(standing)
                self.asked += 1
                return standing
        return None

    def _enters(self, standing: Standing, group: _Group) -> bool:
        if not standing.enter(self._tokens):
            if standing.shut(self._tokens) in {"limit", "resting"}:
                self._resting.append(standing)
            return False
        self._take(standing, group)
        return True

    def _take(self, standing: Standing, group: _Group) -> None:
        group.left -= 1
        group.ring.append(standing)
        self._given.append(standing.deployment.name)
        self.asked += 1

    def _left(self) -> float:
        """Seconds that the call has left."""
        return self._until - self._clock.monotonic()

    def _due(self, standing: Standing) -> float:
        """Seconds to wait before a deployment is asked again."""
        times, asked_for = self._waits.get(standing.deployment.name, (0, None))
        if not times:
            return 0.0
        if asked_for is not None:
            return asked_for
        return self._rand() * min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** (times - 1))

    def _strike(self, standing: Standing) -> None:
        for group in self._groups:
            while standing in group.ring:
                group.ring.remove(standing)
