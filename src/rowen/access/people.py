"""Tenants and their users: making and changing them, each act on record."""

import re

from rowen.access.act import Actor
from rowen.access.directory import Directory
from rowen.access.record import Recorder
from rowen.store.base import Tenants
from rowen.values import Clock, Limit, Mistaken, Tenant, User, new_id

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class People:
    """Tenants, which only an admin changes, and their users, which who manages the tenant changes."""

    def __init__(self, *, tenants: Tenants, recorder: Recorder, directory: Directory, clock: Clock) -> None:
        self._tenants = tenants
        self._recorder = recorder
        self._directory = directory
        self._clock = clock

    async def tenants(self, actor: Actor) -> list[Tenant]:
        """Return the tenants that the actor may see, by id, last first."""
        found = [tenant for tenant in await self._tenants.all() if actor.sees(tenant.id)]
        return sorted(found, key=lambda tenant: tenant.id, reverse=True)

    async def tenant(self, actor: Actor, id: str) -> Tenant:
        """Return one tenant.

        Raises:
            Mistaken: `not_found`.

        """
        for tenant in await self._tenants.all() if actor.sees(id) else ():
            if tenant.id == id:
                return tenant
        raise Mistaken("not_found", f"there is no tenant {id!r}", place="tenant")

    async def create_tenant(self, actor: Actor, id: str, *, name: str = "", limits: tuple[Limit, ...] = ()) -> Tenant:
        """Make a tenant. Its id is a short name, for it stands in traces, counters and cache keys.

        Raises:
            Refused: `key_scope`. Mistaken: `field_invalid`, `conflict` when the id is taken.

        """
        actor.must_administer()
        if not _SLUG.fullmatch(id):
            raise Mistaken("field_invalid", "an id has up to 63 of a-z, 0-9, - and _, the first no sign", place="id")
        if any(tenant.id == id for tenant in await self._tenants.all()):
            raise Mistaken("conflict", f"there is a tenant {id!r} already", place="id")
        made = Tenant(id=id, name=name or id, limits=limits, created_ns=self._clock.now_ns())
        await self._write_tenant(actor, "tenant.create", made)
        return made

    async def ensure_tenant(self, actor: Actor, id: str) -> Tenant:
        """Return a tenant, made if it was not there."""
        for tenant in await self._tenants.all():
            if tenant.id == id:
                return tenant
        return await self.create_tenant(actor, id)

    async def change_tenant(
        self, actor: Actor, id: str, *, name: str, limits: tuple[Limit, ...], disabled: bool
    ) -> Tenant:
        """Give a tenant a new name and limits, and disable or enable it. A disabled one makes no calls.

        Raises:
            Refused: `key_scope`. Mistaken: `not_found`, `conflict` when the actor would lock itself out.

        """
        actor.must_administer()
        old = await self.tenant(actor, id)
        if disabled and id == actor.tenant:
            raise Mistaken("conflict", "a key cannot disable its own tenant", place="disabled")
        new = old.but(name=name or id, limits=limits, disabled=disabled)
        await self._write_tenant(actor, "tenant.change", new, old)
        return new

    async def users(self, actor: Actor, *, tenant: str | None = None) -> list[User]:
        """Return the users that the actor may see, newest first."""
        if tenant is not None and not actor.sees(tenant):
            return []
        found = await self._tenants.users(tenant if actor.everywhere else actor.tenant)
        return sorted(found, key=lambda user: user.id, reverse=True)

    async def user(self, actor: Actor, id: str, *, tenant: str | None = None) -> User:
        """Return one user.

        Raises:
            Mistaken: `not_found`.

        """
        for user in await self.users(actor, tenant=tenant):
            if user.id == id:
                return user
        raise Mistaken("not_found", "there is no such user", place="user")

    async def create_user(self, actor: Actor, *, tenant: str, name: str, limits: tuple[Limit, ...] = ()) -> User:
        """Make a user in a tenant.

        Raises:
            Refused: `key_scope`. Mistaken: `not_found` when there is no such tenant, `field_invalid`.

        """
        actor.must_manage()
        await self.tenant(actor, tenant)
        if not name.strip():
            raise Mistaken("field_invalid", "a user needs a name", place="name")
        now = self._clock.now_ns()
        # An id of its own making, so that the ids of two tenants never meet.
        made = User(id=new_id(now), tenant=tenant, name=name, limits=limits, created_ns=now)
        await self._write_user(actor, "user.create", made)
        return made

    async def change_user(self, actor: Actor, id: str, *, name: str, limits: tuple[Limit, ...], disabled: bool) -> User:
        """Give a user a new name and limits, and disable or enable them. The keys of a disabled one are of no use.

        Raises:
            Refused: `key_scope`. Mistaken: `not_found`, `field_invalid`.

        """
        actor.must_manage()
        old = await self.user(actor, id)
        if not name.strip():
            raise Mistaken("field_invalid", "a user needs a name", place="name")
        new = old.but(name=name, limits=limits, disabled=disabled)
        await self._write_user(actor, "user.change", new, old)
        return new

    async def _write_tenant(self, actor: Actor, act: str, tenant: Tenant, before: Tenant | None = None) -> None:
        await self._recorder.act(
            actor,
            act,
            lambda: self._tenants.put(tenant),
            tenant=tenant.id,
            target=tenant.id,
            before=before,
            after=tenant,
        )
        await self._directory.refresh()

    async def _write_user(self, actor: Actor, act: str, user: User, before: User | None = None) -> None:
        await self._recorder.act(
            actor,
            act,
            lambda: self._tenants.put_user(user),
            tenant=user.tenant,
            target=user.id,
            before=before,
            after=user,
        )
        await self._directory.refresh()
