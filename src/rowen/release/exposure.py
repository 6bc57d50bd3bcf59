"""Who got what: every call of a rollout with its arm, its unit, the probability of it, and how it ended.

What is decided about a rollout rests on this alone and on scores, not on traces, which may be sampled, masked or removed.
"""

import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from rowen.store.base import Record, Records
from rowen.values import Clock, Problem, Trace, Value, new_id

log = logging.getLogger(__name__)

_KIND = "exposure"
_MANY = 1_000_000
_FULL = 1_000
_LATE_NS = 120 * 1_000_000_000
"""How much later than its time a batch may come to be seen: the clocks of machines differ, and writing takes a while."""


class Exposure(Value, frozen=True, kw_only=True, array_like=True):
    """One call of a rollout."""

    trace: str
    tenant: str
    arm: str
    unit: str
    """The hash of who stays with the arm; the trace where each call is on its own."""
    probability: float
    at_ns: int
    failed: bool
    milliseconds: float
    cost: float | None
    """US dollars; None when a price is unknown."""
    pair: str = ""
    """Of a shadow's copy, the trace of its original."""


class Exposures:
    """Where exposures stay, in batches.

    Args:
        records: the family of the store.
        clock: stamps the batches.

    """

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._held: dict[tuple[str, str], list[Exposure]] = {}
        self._decode = msgspec.json.Decoder(list[Exposure]).decode

    async def see(self, traces: Sequence[Trace]) -> None:
        """Take traces that were written; those of no rollout are left alone."""
        for trace in traces:
            for rollout, exposure in exposures_of(trace):
                self._held.setdefault((trace.row.app, rollout), []).append(exposure)
        for key in [key for key, held in self._held.items() if len(held) >= _FULL]:
            await self._put(key)

    async def flush(self) -> None:
        """Write what is held."""
        for key in list(self._held):
            await self._put(key)

    async def close(self) -> None:
        """Write what is held, at the very end."""
        try:
            await self.flush()
        except Problem as problem:
            log.warning("who got what of the last seconds is lost: %s", problem)

    async def since(self, rollout: str, after_ns: int) -> list[tuple[str, int, list[Exposure]]]:
        """Return batches with their ids and times, those from a while before a moment too: whoever reads on knows his."""
        found = await self._records.find(_KIND, group=rollout, since_ns=max(0, after_ns - _LATE_NS), limit=_MANY)
        return [(each.id, each.at_ns, self._decode(each.body)) for each in reversed(found)]

    async def forget(self, rollout: str) -> None:
        """Remove all of a rollout."""
        await self._records.clear(_KIND, rollout)

    async def _put(self, key: tuple[str, str]) -> None:
        app, rollout = key
        held = self._held.pop(key, [])
        now = self._clock.now_ns()
        record = Record(kind=_KIND, id=new_id(now), app=app, group=rollout, at_ns=now, body=msgspec.json.encode(held))
        try:
            await self._records.put(record)
        except BaseException:
            self._held[key] = held + self._held.get(key, [])
            raise


def exposures_of(trace: Trace) -> list[tuple[str, Exposure]]:
    """Return the rollouts of a call, each with its exposure."""
    row = trace.row
    if row.origin != "call" or row.status == "cancelled":
        return []  # who left has seen too little of the arm to tell of it
    if not row.tags or not trace.spans:
        return []  # each rollout has set a mark among the tags
    facts: dict[str, Any] = trace.spans[0].attributes
    rollouts = facts.get("rowen.rollout")
    if not rollouts:
        return []
    drawn = zip(rollouts, facts["rowen.arm"], facts["rowen.arm.probability"], facts["rowen.arm.unit"], strict=True)
    return [
        (
            rollout,
            Exposure(
                trace=row.id,
                tenant=row.tenant,
                arm=arm,
                unit=unit or row.id,
                probability=probability,
                at_ns=row.started_ns,
                failed=row.status == "failed",
                milliseconds=row.duration_ns / 1e6,
                cost=_number(row.cost),
                pair=row.within if facts.get("rowen.shadow") else "",
            ),
        )
        for rollout, arm, probability, unit in drawn
    ]


def _number(cost: Decimal | None) -> float | None:
    return None if cost is None else float(cost)
