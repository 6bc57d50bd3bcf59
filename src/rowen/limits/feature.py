"""Features that have a limit of their own, as flags: on while there is something left of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rowen.limits.base import LimitsSettings, limits_of
from rowen.limits.meter import Meter
from rowen.limits.rules import Rule, rules_for
from rowen.values import Call, Clock, Door, Request, Value


class Flag(Value, frozen=True, kw_only=True):
    """Whether a feature may be used now."""

    on: bool
    limit: str
    """The limit that is nearest to its end, for people."""
    left: float
    """What is left of it."""
    resets_at: datetime | None = None


class Features:
    """Says which features have something left.

    Args:
        meter: counts.
        settings: gives the limits of each app, as they are now.
        clock: the time.

    """

    def __init__(self, meter: Meter, settings: Callable[[], Mapping[str, LimitsSettings]], clock: Clock) -> None:
        self._meter = meter
        self._settings = settings
        self._clock = clock

    def named(self, app: str) -> Sequence[str]:
        """Return the features that an app sets limits for by name."""
        settings = self._settings().get(app)
        if settings is None:
            return ()
        tables: list[Any] = [settings.per_feature]
        tables += [getattr(table, "per_feature", None) for table in (settings.tokens, settings.budget)]
        return sorted({name for table in tables if isinstance(table, dict) for name in table})

    async def flag(self, app: str, feature: str) -> Flag | None:
        """Return whether a feature may be used; None where no limit is set for it."""
        settings = self._settings().get(app)
        rules = [] if settings is None else self._rules(settings, app, feature)
        if not rules:
            return None
        standings = await self._meter.state(rules)
        rule, nearest = min(
            zip(rules, standings, strict=True), key=lambda pair: pair[1].left / (pair[1].left + pair[1].used or 1)
        )
        return Flag(on=nearest.left > 0, limit=rule.label, left=float(nearest.left), resets_at=nearest.resets_at)

    def _rules(self, settings: LimitsSettings, app: str, feature: str) -> list[Rule]:
        """Return the limits that a call of the feature would be held to for the feature's sake, but not how many at once."""
        call = Call(
            id="",
            app=app,
            definition="",
            request=Request(model=""),
            door=Door(shape="internal", path=""),
            started_ns=self._clock.now_ns(),
            feature=feature,
        )
        rules = rules_for(call, limits_of(settings), settings.rates)
        return [rule for rule in rules if rule.limit.per == "feature" and rule.measure != "concurrency"]
