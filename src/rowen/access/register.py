"""The register of keys: making, listing, rotating and revoking them, each act on record."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from rowen.access.act import SYSTEM, Actor
from rowen.access.directory import Directory
from rowen.access.network import network_of
from rowen.access.people import People
from rowen.access.record import Recorder
from rowen.access.secret import digest_of, new_secret, shown_of
from rowen.store.base import Audit, Keys, Tenants
from rowen.values import Clock, Key, Limit, Mistaken, Priority, Scope, Secret, Value, new_id

OVERLAP = timedelta(hours=24)
"""How long a rotated key goes on being valid unless said otherwise."""


class Wanted(Value, frozen=True, kw_only=True):
    """What a new key shall be. Empty tuples mean "any"."""

    name: str
    tenant: str = "default"
    user: str = ""
    scopes: tuple[Scope, ...] = ("call",)
    apps: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Whose documents it may read; of these, none means none."""
    endpoints: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    priority: Priority = "normal"
    expires_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A new key with its secret, which is nowhere else and is shown once."""

    key: Key
    secret: Secret


class Register:
    """Keys, as a person or program with the right scope manages them.

    What the actor may not see does not exist for it (`not_found`); what it may see and not do is `key_scope`.
    After each act the directory of this process is fresh; other processes follow within their poll, and know a new key at its first use.
    """

    def __init__(
        self,
        *,
        keys: Keys,
        tenants: Tenants,
        audit: Audit,
        directory: Directory,
        clock: Clock,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._store = keys
        self._directory = directory
        self._clock = clock
        self._entropy = entropy
        self.recorder = Recorder(audit, clock)
        self.people = People(tenants=tenants, recorder=self.recorder, directory=directory, clock=clock)

    async def create(self, actor: Actor, wanted: Wanted) -> Made:
        """Make a key.

        Raises:
            Refused: `key_scope` when the key could do more than the actor may hand on.
            Mistaken: `field_invalid` naming the field; `not_found` when tenant or user do not exist.

        """
        actor.must_manage()
        await self.people.tenant(actor, wanted.tenant)
        if wanted.user:
            await self.people.user(actor, wanted.user, tenant=wanted.tenant)
        now = self._clock.now_ns()
        if not wanted.name.strip():
            raise Mistaken("field_invalid", "a key needs a name", place="name")
        if not wanted.scopes:
            raise Mistaken("field_invalid", "a key needs at least one scope", place="scopes")
        if wanted.expires_ns is not None and wanted.expires_ns <= now:
            raise Mistaken("field_invalid", "the expiry is in the past", place="expires_ns")
        for number, group in enumerate(wanted.groups):
            if not group or ":" in group:
                # `tenant:` and `user:` say who somebody is; nobody is made somebody else by a group.
                raise Mistaken("field_invalid", f"{group!r} is no name of a group", place=f"groups[{number}]")
        for number, text in enumerate(wanted.networks):
            network_of(text, f"networks[{number}]")
        secret = new_secret(self._entropy)
        key = Key(
            id=new_id(now, self._entropy),
            digest=digest_of(secret.reveal()),
            shown=shown_of(secret),
            created_ns=now,
            **{name: getattr(wanted, name) for name in Wanted.__struct_fields__},
        )
        actor.must_cover(key)
        await self._write(actor, "key.create", key)
        return Made(key=key, secret=secret)

    async def keys(self, actor: Actor, *, tenant: str | None = None, user: str = "") -> list[Key]:
        """Return the keys that the actor may see, newest first."""
        if tenant is not None and not actor.sees(tenant):
            return []
        keys = await self._store.all(tenant if actor.everywhere else actor.tenant)
        seen = (key for key in keys if actor.sees_key(key) and (not user or key.user == user))
        return sorted(seen, key=lambda key: key.id, reverse=True)

    async def get(self, actor: Actor, id: str) -> Key:
        """Return one key.

        Raises:
            Mistaken: `not_found`.

        """
        key = await self._store.get(id)
        if key is None or not actor.sees_key(key):
            raise Mistaken("not_found", "there is no such key", place="id")
        return key

    async def rotate(self, actor: Actor, id: str, *, overlap: timedelta = OVERLAP) -> Made:
        """Make a key like another; that one stays valid for the overlap and then expires, unless it did so before.

        Raises:
            Refused: `key_scope`. Mistaken: `not_found`, `conflict` when the key is revoked or expired.

        """
        old = await self.get(actor, id)
        actor.must_cover(old)
        now = self._clock.now_ns()
        if not _live(old, now):
            raise Mistaken("conflict", "a key that is revoked or expired cannot be rotated", place="id")
        if overlap < timedelta(0):
            raise Mistaken("field_invalid", "the overlap is negative", place="overlap")
        secret = new_secret(self._entropy)
        new = old.but(
            id=new_id(now, self._entropy),
            digest=digest_of(secret.reveal()),
            shown=shown_of(secret),
            created_ns=now,
            replaces=old.id,
            last_used_ns=None,
        )
        ends = now + overlap // timedelta(microseconds=1) * 1_000
        if old.expires_ns is not None:
            ends = min(ends, old.expires_ns)
        await self._write(actor, "key.rotate", new, old)
        await self._write(actor, "key.expire", old.but(expires_ns=ends), old)
        return Made(key=new, secret=secret)

    async def revoke(self, actor: Actor, id: str) -> Key:
        """End a key at once and for good. Revoking it again changes nothing.

        Raises:
            Refused: `key_scope`. Mistaken: `not_found`, `conflict` for the last admin key.

        """
        old = await self.get(actor, id)
        actor.must_cover(old)
        if old.revoked_ns is not None:
            return old
        now = self._clock.now_ns()
        if "admin" in old.scopes and _live(old, now):
            others = [key for key in await self._admins(now) if key.id != id]
            if not others:
                raise Mistaken("conflict", "this is the last admin key: rotate it, or make another first", place="id")
        new = old.but(revoked_ns=now)
        await self._write(actor, "key.revoke", new, old)
        return new

    async def first_admin(self) -> Made | None:
        """Make the admin key of a first start, and its tenant; None when a live admin key is there.

        Call it from one process, before the workers begin.
        """
        if await self._admins(self._clock.now_ns()):
            return None
        await self.people.ensure_tenant(SYSTEM, "default")
        return await self.create(SYSTEM, Wanted(name="first admin", scopes=("call", "admin")))

    async def admin(self) -> Key | None:
        """Return the oldest live admin key: the one that a sign-in link of the machine's owner stands for."""
        return min(await self._admins(self._clock.now_ns()), key=lambda key: key.id, default=None)

    async def _admins(self, now: int) -> list[Key]:
        return [key for key in await self._store.all() if "admin" in key.scopes and _live(key, now)]

    async def _write(self, actor: Actor, act: str, key: Key, before: Key | None = None) -> None:
        await self.recorder.act(
            actor, act, lambda: self._store.put(key), tenant=key.tenant, target=key.id, before=before, after=key
        )
        await self._directory.refresh()


def _live(key: Key, now: int) -> bool:
    return key.revoked_ns is None and (key.expires_ns is None or now < key.expires_ns)
