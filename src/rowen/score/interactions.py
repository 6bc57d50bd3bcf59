"""What users did with answers, seen in the traces themselves: asked again, or left before the end."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from rowen.score.configs import INTERACTION
from rowen.score.intake import Intake
from rowen.store.base import TraceFilter, Traces
from rowen.values import Observed, Request, Score, Trace, TraceRow

VERSION = "1"
_SESSIONS = 10_000
"""Sessions remembered; one that comes again later is read again."""
_LOOKED_AT = 50
"""Calls of a session that are read when it is seen first, the newest ones."""

_encode = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class _Asked:
    """One call: when, which, and whether it was answered."""

    started_ns: int
    id: str
    ok: bool


@dataclass(slots=True)
class _Session:
    """The calls of a session by what was said, and those of which only the last question is known."""

    read: dict[bytes, dict[str, _Asked]] = field(default_factory=dict)
    unread: dict[str, list[_Asked]] = field(default_factory=dict)


class Interactions:
    """Follows the traces that were written.

    A call that says the same, turn by turn, as an earlier call of its session asks for another answer: the earlier one
    was *regenerated*. Only calls whose last turn is the user's count, so an agent that goes on after a tool does not.
    System messages are left aside. Of three same calls the first two were regenerated. A call whose caller left before
    the end was *abandoned*. Without a session, or where policy keeps no content, nothing can be seen.

    Of traces that were sent to us nobody knows the turns before, so there it is the one just before in its session that
    was regenerated, where the roots of both have the same input.

    Args:
        traces: where a session's earlier calls are.
        intake: takes the scores.
        alone: whether all traces come by here; else each session is read anew, for other processes write too.

    """

    def __init__(self, traces: Traces, intake: Intake, *, alone: bool = False) -> None:
        self._traces = traces
        self._intake = intake
        self._alone = alone
        self._sessions: OrderedDict[tuple[str, str, str], _Session] = OrderedDict()

    async def see(self, traces: Sequence[Trace]) -> None:
        """Look at traces that were written, and keep what their users did as scores."""
        if not self._alone:
            self._sessions.clear()
        left = [trace.row for trace in traces if trace.row.status == "cancelled"]
        done = {(row.tenant, row.id, "abandon") for row in left}
        for trace in traces:
            if trace.row.session and (turns := turns_of(trace.request)):
                again = await self._regenerated(trace.row, turns)
                done |= {(trace.row.tenant, call.id, "regenerate") for call in again}
        if done:
            await self._intake.take([_score(*each) for each in sorted(done)])

    async def observed(self, spans: Sequence[Observed]) -> None:
        """Look at spans that were sent to us and written, and keep what was asked for once more."""
        roots = [
            span for span in spans if not span.row.parent and span.row.session and span.input not in (None, "", [], {})
        ]
        done = set()
        for root in roots:
            done |= {(root.row.tenant, id, "regenerate") for id in await self._asked_again(root)}
        if done:
            await self._intake.take([_score(*each) for each in sorted(done)])

    async def _asked_again(self, root: Observed) -> list[str]:
        """Return the answered traces next to one in its session that the following one asks the same of."""
        new = await self._traces.row(root.row.trace, root.row.tenant)
        if new is None or new.origin != "spans" or not new.session:
            return []
        filter = TraceFilter(tenant=new.tenant, app=new.app, session=new.session, origin="spans", limit=_LOOKED_AT)
        rows = sorted(await self._traces.find(filter), key=lambda row: (row.started_ns, row.id))
        at = next((at for at, row in enumerate(rows) if row.id == new.id), None)
        if at is None:
            return []
        pairs = [(rows[at - 1], new, rows[at - 1])] if at else []
        pairs += [(new, rows[at + 1], rows[at + 1])] if at + 1 < len(rows) else []
        return [
            first.id
            for first, second, other in pairs
            if first.status == "ok" and first.asked == second.asked and await self._input(other) == root.input
        ]

    async def _input(self, row: TraceRow) -> object:
        """Return what went into a trace at its root."""
        root = next((span for span in await self._traces.spans(row.id, row.tenant) if not span.parent), None)
        found = None if root is None else await self._traces.span(row.id, root.id, row.tenant)
        return None if found is None else found.input

    async def _regenerated(self, new: TraceRow, turns: bytes) -> list[_Asked]:
        """Return the answered calls with the same turns that another one of them followed, next to the new one."""
        session = await self._session(new)
        for call in session.unread.pop(new.asked, ()):
            if call.id != new.id:
                trace = await self._traces.get(call.id)
                session.read.setdefault(turns_of(trace.request if trace else None), {})[call.id] = call
        alike = session.read.setdefault(turns, {})
        alike[new.id] = _asked(new)
        same = sorted(alike.values(), key=lambda call: (call.started_ns, call.id))
        at = same.index(alike[new.id])
        followed = same[max(0, at - 1) : at] + (same[at : at + 1] if at + 1 < len(same) else [])
        return [call for call in followed if call.ok]

    async def _session(self, row: TraceRow) -> _Session:
        place = (row.tenant, row.app, row.session)
        found = self._sessions.get(place)
        if found is None:
            found = _Session()
            filter = TraceFilter(tenant=row.tenant, app=row.app, session=row.session, limit=_LOOKED_AT)
            for each in await self._traces.find(filter):
                found.unread.setdefault(each.asked, []).append(_asked(each))
            self._sessions[place] = found
            if len(self._sessions) > _SESSIONS:
                self._sessions.popitem(last=False)
        self._sessions.move_to_end(place)
        return found


def turns_of(request: Request | None) -> bytes:
    """Return a digest of what was said up to the user's last turn; empty when the last turn is not the user's."""
    said = [message for message in request.messages if message.role not in {"system", "developer"}] if request else []
    if not said or said[-1].role != "user":
        return b""
    return hashlib.sha256(_encode([(message.role, message.parts) for message in said])).digest()[:16]


def _asked(row: TraceRow) -> _Asked:
    return _Asked(row.started_ns, row.id, row.status == "ok")


def _score(tenant: str, trace: str, event: str) -> Score:
    return Score(
        id="",
        tenant=tenant,
        trace=trace,
        name=f"{INTERACTION}{event}",
        type="boolean",
        value=True,
        source="rule",
        by="interactions",
        version=VERSION,
    )
