"""Keys: list, make, look at, rotate, revoke."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from rowen.access import Made, Wanted
from rowen.api.manage.base import Asked, Name, NoParams, Page, Paged, Plain, Verb, Verbs, page_of
from rowen.api.manage.limit import Limits, limits_of
from rowen.values import Key, Limit, Priority, Scope, Settings, Value

_YEARS = 10 * 365 * 86_400
_MONTH = 30 * 86_400

Few = Annotated[tuple[Plain, ...], Meta(max_length=100)]
Group = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^:\x00-\x1f\x7f]+$")]
Network = Annotated[str, Meta(max_length=64, extra_json_schema={"format": "cidr"})]


class ShownKey(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A key as it may be shown: everything but its digest. Empty lists mean "any"."""

    id: str
    shown: str
    name: str
    tenant: str
    user: str
    scopes: tuple[Scope, ...]
    apps: tuple[str, ...]
    models: tuple[str, ...]
    groups: tuple[str, ...]
    """Whose documents it may read; here an empty list means "none"."""
    endpoints: tuple[str, ...]
    networks: tuple[str, ...]
    limits: tuple[Limit, ...]
    priority: Priority
    created_ns: int
    expires_ns: int | None
    revoked_ns: int | None
    replaces: str
    last_used_ns: int | None

    @classmethod
    def of(cls, key: Key) -> "ShownKey":
        """Return what may be shown of a key."""
        return cls(**{name: getattr(key, name) for name in cls.__struct_fields__})


class MadeKey(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A new key with its secret. This is the only time that the secret is shown."""

    key: ShownKey
    secret: str

    @classmethod
    def of(cls, made: Made) -> "MadeKey":
        """Return what is shown once."""
        return cls(key=ShownKey.of(made.key), secret=made.secret.reveal())


class KeyParams(Paged, frozen=True, kw_only=True):
    """Which keys."""

    tenant: Plain = ""
    user: Plain = ""


class NewKey(Settings, frozen=True, kw_only=True):
    """What a new key shall be. Empty lists mean "any"; no tenant means that of the key used."""

    name: Name
    tenant: Plain = ""
    user: Plain = ""
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=4)] = ("call",)
    apps: Few = ()
    models: Few = ()
    groups: Annotated[tuple[Group, ...], Meta(max_length=100)] = ()
    """Whose documents it may read; here an empty list means "none"."""
    endpoints: Few = ()
    networks: Annotated[tuple[Network, ...], Meta(max_length=100)] = ()
    limits: Limits = ()
    priority: Priority = "normal"
    expires_in: Annotated[int, Meta(ge=0, le=_YEARS)] = 0
    """Seconds until it expires; 0 for never."""


class Rotation(Settings, frozen=True, kw_only=True):
    """How long the old key stays valid, in seconds."""

    overlap: Annotated[int, Meta(ge=0, le=_MONTH)] = 86_400


async def list_keys(asked: Asked[KeyParams, None]) -> Page[ShownKey]:
    """The keys of the caller's tenant, of all for an admin."""
    keys = await asked.manage.register.keys(asked.actor, tenant=asked.params.tenant or None, user=asked.params.user)
    return page_of([ShownKey.of(key) for key in keys], lambda key: key.id, asked.params)


async def create_key(asked: Asked[NoParams, NewKey]) -> MadeKey:
    """A new key."""
    body = asked.body
    expires = asked.manage.clock.now_ns() + body.expires_in * 1_000_000_000 if body.expires_in else None
    wanted = Wanted(
        name=body.name,
        tenant=body.tenant or asked.actor.tenant,
        user=body.user,
        scopes=tuple(dict.fromkeys(body.scopes)),
        apps=body.apps,
        models=body.models,
        groups=body.groups,
        endpoints=body.endpoints,
        networks=body.networks,
        limits=limits_of(body.limits),
        priority=body.priority,
        expires_ns=expires,
    )
    return MadeKey.of(await asked.manage.register.create(asked.actor, wanted))


async def get_key(asked: Asked[NoParams, None]) -> ShownKey:
    """One key."""
    return ShownKey.of(await asked.manage.register.get(asked.actor, asked.path["id"]))


async def rotate_key(asked: Asked[NoParams, Rotation]) -> MadeKey:
    """A new key like an old one, which goes on for a while."""
    overlap = timedelta(seconds=asked.body.overlap)
    return MadeKey.of(await asked.manage.register.rotate(asked.actor, asked.path["id"], overlap=overlap))


async def revoke_key(asked: Asked[NoParams, None]) -> ShownKey:
    """The key, of no use any more."""
    return ShownKey.of(await asked.manage.register.revoke(asked.actor, asked.path["id"]))


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/keys",
        name="list_keys",
        summary="Keys, newest first. Never their secrets.",
        scope="read",
        run=list_keys,
        gives=ShownKey,
        many=True,
        params=KeyParams,
    ),
    Verb(
        method="POST",
        path="/api/keys",
        name="create_key",
        summary="Make a key. Its secret is in this answer and never again.",
        scope="manage",
        run=create_key,
        gives=MadeKey,
        params=NoParams,
        body=NewKey,
        status=201,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/keys/{id}",
        name="get_key",
        summary="One key.",
        scope="read",
        run=get_key,
        gives=ShownKey,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="POST",
        path="/api/keys/{id}/rotate",
        name="rotate_key",
        summary="Make a key like this one, which stays valid for the overlap.",
        scope="manage",
        run=rotate_key,
        gives=MadeKey,
        params=NoParams,
        body=Rotation,
        status=201,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="POST",
        path="/api/keys/{id}/revoke",
        name="revoke_key",
        summary="End a key at once and for good.",
        scope="manage",
        run=revoke_key,
        gives=ShownKey,
        params=NoParams,
        errors=("not_found", "conflict"),
    ),
)
