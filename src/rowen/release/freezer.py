"""The error-budget policy: what is spent freezes an app's releases, and what has recovered thaws them. Both stand in the log."""

from collections.abc import Sequence

from rowen.release.desk import PRODUCTION, Releases
from rowen.release.ledger import Reason
from rowen.values import Clock, Mistaken, ReleaseLine

RULE = "rowen"
"""By whom lines are that a rule wrote."""

_HELD_NS = 24 * 3_600_000_000_000
"""So long a person's thaw holds although the budget is still spent."""


class Freezer:
    """Freezes and thaws, and leaves alone what people froze.

    Args:
        desk: where it is done.
        clock: says how old a person's thaw is.

    """

    def __init__(self, desk: Releases, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def settle(self, app: str, reasons: Sequence[str], *, environment: str = PRODUCTION) -> None:
        """Make an app's state be what its budgets say.

        Args:
            app: its name.
            reasons: why nothing may be let out, one for each budget that is spent; empty when none is.
            environment: where.

        """
        live = await self._desk.live(app, environment)
        frozen = "" if live is None else live.frozen
        if bool(frozen) == bool(reasons):
            return
        last = await self._last(app, environment)
        try:
            if reasons and not self._held(last):
                why = Reason(by=RULE, note="; ".join(reasons), evidence={"budgets": list(reasons)})
                await self._desk.freeze(app, why, environment=environment)
            elif not reasons and last is not None and last.by == RULE:
                why = Reason(by=RULE, note="the error budgets allow it again")
                await self._desk.thaw(app, why, environment=environment)
        except Mistaken as problem:
            if problem.code != "conflict":  # somebody else was quicker; the next time tells whether anything is left
                raise

    async def _last(self, app: str, environment: str) -> ReleaseLine | None:
        before = 0
        while lines := await self._desk.log(app, environment=environment, before=before):
            found = next((line for line in lines if line.act in ("freeze", "thaw")), None)
            if found is not None:
                return found
            before = lines[-1].number
            if before <= 1:
                break
        return None

    def _held(self, last: ReleaseLine | None) -> bool:
        """Whether a person has thawed it knowing that the budget is spent, not long ago."""
        if last is None or last.act != "thaw" or last.by == RULE:
            return False
        return self._clock.now_ns() - last.at_ns < _HELD_NS
