"""Who am I: the key or session that asks."""

from rowen.api.manage.base import Asked, NoParams, Verb, Verbs
from rowen.values import Priority, Scope, Value


class Me(Value, frozen=True, kw_only=True, omit_defaults=False):
    """The caller. `csrf` is there for a session; its writes send it back in the header `x-csrf-token`."""

    key: str
    shown: str
    name: str
    tenant: str
    user: str
    scopes: tuple[Scope, ...]
    apps: tuple[str, ...]
    priority: Priority
    expires_ns: int | None
    csrf: str


async def me(asked: Asked[NoParams, None]) -> Me:
    """The caller's own facts."""
    key = asked.entry.key
    return Me(
        key=key.id,
        shown=key.shown,
        name=key.name,
        tenant=key.tenant,
        user=key.user,
        scopes=key.scopes,
        apps=key.apps,
        priority=key.priority,
        expires_ns=key.expires_ns,
        csrf=asked.visit.csrf if asked.visit else "",
    )


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/me",
        name="me",
        summary="Who the key or session is, and what it may do.",
        scope="read",
        run=me,
        gives=Me,
        params=NoParams,
    ),
)
