"""The audit log: its lines, and whether any was changed."""

from rowen.api.manage.base import Asked, NoParams, Page, Paged, Plain, Verb, Verbs
from rowen.values import AuditEntry, Value


class AuditParams(Paged, frozen=True, kw_only=True):
    """Which lines."""

    tenant: Plain = ""


class Soundness(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Whether the hash chain of the log holds, or the id of the first line that does not fit."""

    sound: bool
    broken_at: str


async def list_audit(asked: Asked[AuditParams, None]) -> Page[AuditEntry]:
    """The lines about the caller's tenant, all for an admin."""
    params, actor = asked.params, asked.actor
    if params.tenant and not actor.sees(params.tenant):
        return Page(items=())
    entries = await asked.manage.audit.entries(
        asked.tenant(params.tenant), before=params.before, limit=params.limit + 1
    )
    items = entries[: params.limit]
    return Page(items=items, next=items[-1].id if len(entries) > params.limit else "")


async def check_audit(asked: Asked[NoParams, None]) -> Soundness:
    """Whether the log is whole."""
    broken = await asked.manage.audit.broken_at()
    return Soundness(sound=broken is None, broken_at=broken or "")


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/audit",
        name="list_audit",
        summary="Who did what to what, newest first.",
        scope="manage",
        run=list_audit,
        gives=AuditEntry,
        many=True,
        params=AuditParams,
    ),
    Verb(
        method="GET",
        path="/api/audit/check",
        name="check_audit",
        summary="Whether the chain of hashes over the log holds.",
        scope="admin",
        run=check_audit,
        gives=Soundness,
        params=NoParams,
    ),
)
