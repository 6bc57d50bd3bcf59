"""The record of acts: a line in the audit log for each, before the act is done."""

from collections.abc import Awaitable, Callable

import msgspec

from rowen.access.act import Actor
from rowen.store.base import Audit
from rowen.values import AuditEntry, Clock, Key, Problem, Tenant, User, new_id

Record = Key | Tenant | User


class Recorder:
    """Does an act only after it is on record; an act that fails then gets a second line that says so."""

    def __init__(self, audit: Audit, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    async def act(
        self,
        actor: Actor,
        name: str,
        write: Callable[[], Awaitable[None]],
        *,
        tenant: str,
        target: str,
        before: Record | None = None,
        after: Record | None = None,
    ) -> None:
        """Record an act with the facts before and after it, then do it."""
        details = {}
        if before is not None:
            details["before"] = _facts(before)
        if after is not None:
            details["after"] = _facts(after)
        await self.note(actor, name, tenant=tenant, target=target, details=details)
        try:
            await write()
        except Problem as problem:
            await self.note(actor, f"{name}.failed", tenant=tenant, target=target, details={"code": problem.code})
            raise

    async def note(
        self, actor: Actor, name: str, *, tenant: str, target: str = "", details: dict[str, str] | None = None
    ) -> AuditEntry:
        """Append one line."""
        now = self._clock.now_ns()
        return await self._audit.append(
            AuditEntry(
                id=new_id(now),
                at_ns=now,
                actor=actor.key,
                tenant=tenant,
                act=name,
                target=target,
                address=actor.address,
                details=details or {},
            )
        )


def _facts(record: Record) -> str:
    """Return a record as JSON, without what could serve as a secret."""
    if isinstance(record, Key):
        record = record.but(digest="")
    return msgspec.json.encode(record).decode()
