"""What users did with answers, seen in the traces themselves: asked again, or left before the end."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from rowen.score.configs import INTERACTION
from rowen.score.intake import Intake
from rowen.store.base import TraceFilter, Traces
from rowen.values import Request, Score, Trace, TraceRow

VERSION = "1"
_REMEMBERED = 50_000
_LOOKED_AT = 50
"""Calls of a session that are compared with a new one, the newest first."""

_encode = msgspec.json.Encoder(order="deterministic").encode


class Interactions:
    """Follows the traces that were written.

    A call that says the same, turn by turn, as an earlier call of its session asks for another answer: the earlier one
    was *regenerated*. Only calls whose last turn is the user's count, so an agent that goes on after a tool does not.
    System messages are left aside. Of three same calls the first two were regenerated. A call whose caller left before
    the end was *abandoned*. Without a session, or where policy keeps no content, nothing can be seen.
    """

    def __init__(self, traces: Traces, intake: Intake) -> None:
        self._traces = traces
        self._intake = intake
        self._turns: OrderedDict[str, bytes] = OrderedDict()

    async def see(self, traces: Sequence[Trace]) -> None:
        """Look at traces that were written, and keep what their users did as scores."""
        scores = [_score(trace.row, "abandon") for trace in traces if trace.row.status == "cancelled"]
        for trace in traces:
            if trace.row.session and (turns := turns_of(trace.request)):
                self._remember(trace.row.id, turns)
                scores += [_score(row, "regenerate") for row in await self._regenerated(trace.row, turns)]
        if scores:
            await self._intake.take(list({score.trace + score.name: score for score in scores}.values()))

    async def _regenerated(self, new: TraceRow, turns: bytes) -> list[TraceRow]:
        """Return the answered calls with the same turns that were followed by another one of them."""
        found = await self._traces.find(
            TraceFilter(tenant=new.tenant, app=new.app, session=new.session, limit=_LOOKED_AT)
        )
        alike = [row for row in found if row.id != new.id and row.asked == new.asked]
        same = sorted(
            [new, *[row for row in alike if await self._turns_of(row.id) == turns]],
            key=lambda row: (row.started_ns, row.id),
        )
        last = same.index(new)
        nearest = same[max(0, last - 1) : last + 1] if new is not same[-1] else same[max(0, last - 1) : last]
        return [row for row in nearest if row.status == "ok"]

    async def _turns_of(self, id: str) -> bytes:
        if id not in self._turns:
            trace = await self._traces.get(id)
            self._remember(id, turns_of(trace.request if trace else None))
        return self._turns[id]

    def _remember(self, id: str, turns: bytes) -> None:
        self._turns[id] = turns
        self._turns.move_to_end(id)
        if len(self._turns) > _REMEMBERED:
            self._turns.popitem(last=False)


def turns_of(request: Request | None) -> bytes:
    """Return a digest of what was said up to the user's last turn; empty when the last turn is not the user's."""
    said = [message for message in request.messages if message.role not in {"system", "developer"}] if request else []
    if not said or said[-1].role != "user":
        return b""
    return hashlib.sha256(_encode([(message.role, message.parts) for message in said])).digest()[:16]


def _score(row: TraceRow, event: str) -> Score:
    return Score(
        id="",
        tenant=row.tenant,
        trace=row.id,
        name=f"{INTERACTION}{event}",
        type="boolean",
        value=True,
        source="rule",
        by="interactions",
        version=VERSION,
    )
