"""Tenants and their users: list, make, look at, change."""

from typing import Annotated

from msgspec import Meta

from rowen.api.manage.base import Asked, Name, NoParams, Page, Paged, Plain, Verb, Verbs, page_of
from rowen.api.manage.limit import Limits, limits_of
from rowen.values import Settings, Tenant, User


class NewTenant(Settings, frozen=True, kw_only=True):
    """A tenant to make. Its id stands in traces and counters and does not change."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    name: Plain = ""
    limits: Limits = ()


class TenantChange(Settings, frozen=True, kw_only=True):
    """What a tenant shall be from now on, whole."""

    name: Plain = ""
    limits: Limits = ()
    disabled: bool = False


class UserParams(Paged, frozen=True, kw_only=True):
    """Which users."""

    tenant: Plain = ""


class NewUser(Settings, frozen=True, kw_only=True):
    """A user to make; no tenant means that of the key used."""

    name: Name
    tenant: Plain = ""
    limits: Limits = ()


class UserChange(Settings, frozen=True, kw_only=True):
    """What a user shall be from now on, whole."""

    name: Name
    limits: Limits = ()
    disabled: bool = False


async def list_tenants(asked: Asked[Paged, None]) -> Page[Tenant]:
    """The caller's tenant, all for an admin."""
    found = await asked.manage.register.people.tenants(asked.actor)
    return page_of(found, lambda tenant: tenant.id, asked.params)


async def create_tenant(asked: Asked[NoParams, NewTenant]) -> Tenant:
    """A new tenant."""
    body = asked.body
    return await asked.manage.register.people.create_tenant(
        asked.actor, body.id.strip(), name=body.name, limits=limits_of(body.limits)
    )


async def get_tenant(asked: Asked[NoParams, None]) -> Tenant:
    """One tenant."""
    return await asked.manage.register.people.tenant(asked.actor, asked.path["id"])


async def change_tenant(asked: Asked[NoParams, TenantChange]) -> Tenant:
    """The tenant as it is now."""
    body = asked.body
    return await asked.manage.register.people.change_tenant(
        asked.actor, asked.path["id"], name=body.name, limits=limits_of(body.limits), disabled=body.disabled
    )


async def list_users(asked: Asked[UserParams, None]) -> Page[User]:
    """The users of the caller's tenant, of all for an admin."""
    found = await asked.manage.register.people.users(asked.actor, tenant=asked.params.tenant or None)
    return page_of(found, lambda user: user.id, asked.params)


async def create_user(asked: Asked[NoParams, NewUser]) -> User:
    """A new user."""
    body = asked.body
    return await asked.manage.register.people.create_user(
        asked.actor, tenant=body.tenant or asked.actor.tenant, name=body.name, limits=limits_of(body.limits)
    )


async def get_user(asked: Asked[NoParams, None]) -> User:
    """One user."""
    return await asked.manage.register.people.user(asked.actor, asked.path["id"])


async def change_user(asked: Asked[NoParams, UserChange]) -> User:
    """The user as they are now."""
    body = asked.body
    return await asked.manage.register.people.change_user(
        asked.actor, asked.path["id"], name=body.name, limits=limits_of(body.limits), disabled=body.disabled
    )


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/tenants",
        name="list_tenants",
        summary="Tenants that the key may see.",
        scope="read",
        run=list_tenants,
        gives=Tenant,
        many=True,
        params=Paged,
    ),
    Verb(
        method="POST",
        path="/api/tenants",
        name="create_tenant",
        summary="Make a tenant.",
        scope="admin",
        run=create_tenant,
        gives=Tenant,
        params=NoParams,
        body=NewTenant,
        status=201,
        errors=("conflict",),
    ),
    Verb(
        method="GET",
        path="/api/tenants/{id}",
        name="get_tenant",
        summary="One tenant.",
        scope="read",
        run=get_tenant,
        gives=Tenant,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="PUT",
        path="/api/tenants/{id}",
        name="change_tenant",
        summary="Change a tenant's name and limits, disable or enable it.",
        scope="admin",
        run=change_tenant,
        gives=Tenant,
        params=NoParams,
        body=TenantChange,
        errors=("not_found", "conflict"),
    ),
    Verb(
        method="GET",
        path="/api/users",
        name="list_users",
        summary="Users, newest first.",
        scope="read",
        run=list_users,
        gives=User,
        many=True,
        params=UserParams,
    ),
    Verb(
        method="POST",
        path="/api/users",
        name="create_user",
        summary="Make a user.",
        scope="manage",
        run=create_user,
        gives=User,
        params=NoParams,
        body=NewUser,
        status=201,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/users/{id}",
        name="get_user",
        summary="One user.",
        scope="read",
        run=get_user,
        gives=User,
        params=NoParams,
        errors=("not_found",),
    ),
    Verb(
        method="PUT",
        path="/api/users/{id}",
        name="change_user",
        summary="Change a user's name and limits, disable or enable them.",
        scope="manage",
        run=change_user,
        gives=User,
        params=NoParams,
        body=UserChange,
        errors=("not_found",),
    ),
)
