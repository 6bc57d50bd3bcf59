"""The directory: every key, tenant and user in the memory of this process, kept fresh from the store."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf

from rowen.access.network import Network, address_of, network_of
from rowen.store.base import Keys, Revision, Tenants
from rowen.values import Caller, Clock, Key, Mistaken, Problem, Refused, Scope, Tenant, Unavailable, User

log = logging.getLogger(__name__)

_INCLUDES: dict[Scope, frozenset[Scope]] = {
    "call": frozenset({"call"}),
    "read": frozenset({"read"}),
    "manage": frozenset({"manage", "read"}),
    "release": frozenset({"release", "manage", "read"}),
    "admin": frozenset({"admin", "release", "manage", "read"}),
}
_SOON = 0.05  # seconds from one look for keys that are not known to the next
_AT_ONCE = 1_000
"""Keys to take in before other work gets its turn: 100,000 keys must not hold up the calls of half a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key with everything worked out that a check needs. Empty sets mean "any"."""

    key: Key
    caller: Caller
    scopes: frozenset[Scope]
    """The key's scopes with those that they include: `admin` has `manage`, `manage` has `read`."""
    apps: frozenset[str]
    models: frozenset[str]
    endpoints: frozenset[str]
    networks: tuple[Network, ...]
    anywhere: bool
    until_ns: float
    """From this nanosecond on the key is of no use: its expiry, or 0 when it was revoked."""
    disabled: str
    """Why its tenant or user may not call; empty when they may."""

    @property
    def person(self) -> str:
        """Under which name its holder judges, writes and lets out: the key's user, or the key itself."""
        return self.key.user or self.key.id

    def sees(self, app: str) -> bool:
        """Whether what is of an app is there for its holder."""
        return not self.apps or app in self.apps

    @property
    def listed(self) -> tuple[str, ...]:
        """Of which apps lists are for its holder; the empty name alone stands for all that there are."""
        return tuple(sorted(self.apps)) or ("",)


def entry_of(key: Key, tenant: Tenant | None, user: User | None) -> Entry:
    """Return the entry of a key in its tenant and for its user."""
    limits = key.limits + (user.limits if user else ()) + (tenant.limits if tenant else ())
    networks: list[Network] = []
    for text in key.networks:
        try:
            networks.append(network_of(text))
        except Mistaken:
            # A range that cannot be read lets nobody in; the key's other ranges still hold.
            log.warning("key %s has a network that cannot be read", key.id)
    disabled = ""
    if tenant is not None and tenant.disabled:
        disabled = f"the tenant {tenant.id!r} is disabled"
    elif user is not None and user.disabled:
        disabled = f"the user {user.id!r} is disabled"
    until: float = inf if key.expires_ns is None else key.expires_ns
    return Entry(
        key=key,
        caller=Caller(
            key=key.id,
            shown=key.shown,
            tenant=key.tenant,
            user=key.user,
            scopes=key.scopes,
            priority=key.priority,
            groups=key.groups,
            limits=limits,
        ),
        scopes=frozenset[Scope]().union(*(_INCLUDES[scope] for scope in key.scopes)),
        apps=frozenset(key.apps),
        models=frozenset(key.models),
        endpoints=frozenset(key.endpoints),
        networks=tuple(networks),
        anywhere=not key.networks,
        until_ns=until if key.revoked_ns is None else 0,
        disabled=disabled,
    )


class Directory:
    """Who may do what, answered from memory.

    `load()` once, then `start()` to follow the store: it asks for the store's revision every `every` seconds and reads
    all again when that has changed, so a revocation holds in every process within that time. While the store is down
    the last known state stays: who was revoked stays revoked.

    Another process may have made a key a moment ago. So for one that is not known, the store's revision is asked for at
    once, at most 20 times a second however many try keys; they wait for it, `sleep` being how.
    """

    def __init__(
        self,
        *,
        keys: Keys,
        tenants: Tenants,
        revisions: Revision,
        clock: Clock,
        every: float = 0.25,
        flush_every: float = 15.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._keys = keys
        self._tenants = tenants
        self._revisions = revisions
        self._now_ns = clock.now_ns
        self._monotonic = clock.monotonic
        self._every = every
        self._flush_every = flush_every
        self._sleep = sleep
        self._revision: int | None = None
        self._by_digest: dict[str, Entry] = {}
        self._by_id: dict[str, Entry] = {}
        self._used: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._lost = False
        self._begun = self._taken = 0
        self._looking = asyncio.Lock()
        self._looks = self._seen = 0
        self._looked = -inf

    async def check(self, digest: str, address: str, shape: str, app: str, model: str | None) -> Caller:
        """Return who calls a model door with a key, given by its digest.

        Args:
            digest: SHA-256 of the presented secret in hex, empty when none came.
            address: the IP address it came from.
            shape: the door's shape, such as `openai.chat`.
            app: the name of the app called.
            model: the model's name; None where no model is asked, as in the list of models.

        Raises:
            Refused: `key_missing`, `key_unknown`, `key_revoked`, `key_expired`, `key_scope` or `key_network`.
            Unavailable: `store_unavailable` when the store could not be read even once.

        """
        entry = self._by_digest.get(digest) or await self._looked_for(digest=digest)
        now = self._now_ns()
        if now >= entry.until_ns or entry.disabled or not entry.anywhere:
            _admit(entry, now, address)
        if "call" not in entry.scopes:
            raise Refused("key_scope", "the key has not the scope `call`", place="scopes")
        if entry.apps and app not in entry.apps:
            raise Refused("key_scope", f"the key may not call the app {app!r}", place="apps")
        if entry.endpoints and shape not in entry.endpoints:
            raise _not_there(shape)
        if entry.models and model is not None and model not in entry.models:
            raise Refused("key_scope", f"the key may not use the model {model!r}", place="models")
        self._used[entry.caller.key] = now
        return entry.caller

    async def admit(self, digest: str, address: str, *scopes: Scope, endpoint: str = "") -> Entry:
        """Return the entry of a key that has one of some scopes, for all doors but those of models.

        Args:
            digest: as for `check`.
            address: as for `check`.
            scopes: of which the key needs one.
            endpoint: the door's name among the `endpoints` of keys, empty where these do not count.

        Raises:
            Problem: as `check`.

        """
        entry = self._by_digest.get(digest) or await self._looked_for(digest=digest)
        self._admitted(entry, address, scopes)
        if endpoint and entry.endpoints and endpoint not in entry.endpoints:
            raise _not_there(endpoint)
        return entry

    async def admit_id(self, key_id: str, address: str, *scopes: Scope) -> Entry:
        """Return the entry of a key known by its id, as a session knows it.

        Raises:
            Problem: as `check`.

        """
        entry = self._by_id.get(key_id) or await self._looked_for(key_id=key_id)
        self._admitted(entry, address, scopes)
        return entry

    async def entry(self, key_id: str) -> Entry | None:
        """Return a key's entry, whether it may be used or not."""
        if key_id not in self._by_id:
            await self._look()
        return self._by_id.get(key_id)

    @property
    def size(self) -> int:
        """How many keys are known."""
        return len(self._by_id)

    async def load(self) -> None:
        """Read everything from the store."""
        self._begun = begun = self._begun + 1
        # The number first: a change in between makes the next refresh read once too often, never too seldom.
        revision = await self._revisions.revision()
        tenants = {tenant.id: tenant for tenant in await self._tenants.all()}
        users = {(user.tenant, user.id): user for user in await self._tenants.users()}
        by_id: dict[str, Entry] = {}
        for number, key in enumerate(await self._keys.all(), 1):
            by_id[key.id] = entry_of(key, tenants.get(key.tenant), users.get((key.tenant, key.user)))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        if begun < self._taken:
            return  # what began later has ended sooner, and knows of revocations that this has not seen
        self._taken = begun
        self._by_digest = {entry.key.digest: entry for entry in by_id.values()}
        self._by_id = by_id
        self._revision = revision

    async def refresh(self) -> bool:
        """Read everything again if the store has changed; return whether it had."""
        if await self._revisions.revision() == self._revision:
            return False
        await self.load()
        return True

    async def flush(self) -> None:
        """Write when each key was last used, for all keys used since the last time, in one write."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            await self._keys.touch(used)
        except BaseException:
            self._used = {**used, **self._used}
            raise

    def start(self) -> None:
        """Begin to follow the store, in a task of its own."""
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name="access.directory")

    async def stop(self) -> None:
        """End following the store, and write what is left to write."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        with contextlib.suppress(Problem):
            await self.flush()

    async def _follow(self) -> None:
        flushed = self._monotonic()
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.refresh()
                if self._monotonic() - flushed >= self._flush_every:
                    flushed = self._monotonic()
                    await self.flush()
                if self._lost:
                    log.warning("keys follow the store again")
                    self._lost = False
            except Exception as error:  # keys must follow the store again, whatever it was that broke
                if not self._lost:
                    log.exception("keys cannot be read, the last known ones hold", exc_info=error)
                self._lost = True

    def _admitted(self, entry: Entry, address: str, scopes: tuple[Scope, ...]) -> None:
        now = self._now_ns()
        _admit(entry, now, address)
        if entry.scopes.isdisjoint(scopes):
            needed = " or ".join(f"`{scope}`" for scope in scopes)
            raise Refused("key_scope", f"the key has not the scope {needed}", place="scopes")
        self._used[entry.caller.key] = now

    async def _looked_for(self, *, digest: str = "", key_id: str = "") -> Entry:
        """Return the entry of a key that was not known; raises as `check`."""
        if digest or key_id:
            await self._look()
        entry = self._by_digest.get(digest) or self._by_id.get(key_id)
        if entry is not None:
            return entry
        if self._revision is None:
            raise Unavailable("store_unavailable", "the keys could not be read yet", who="store")
        raise Refused("key_unknown" if digest or key_id else "key_missing")

    async def _look(self) -> None:
        """Follow the store now. While it is down nothing changes.

        A look serves all who asked before it began. Who asks while it goes on may know of a key that it does not see, and
        waits for the next.
        """
        needed = self._looks + 1
        async with self._looking:
            if self._seen >= needed:
                return
            await self._sleep(max(0.0, self._looked + _SOON - self._monotonic()))
            self._looked = self._monotonic()
            self._looks = number = self._looks + 1
            with contextlib.suppress(Problem):
                await self.refresh()
            self._seen = number  # not where it was cancelled: the others look themselves


def _admit(entry: Entry, now: int, address: str) -> None:
    """Raise when a key is of no use to anyone, or not from this address."""
    if entry.key.revoked_ns is not None:
        raise Refused("key_revoked")
    if now >= entry.until_ns:
        raise Refused("key_expired")
    if entry.disabled:
        raise Refused("key_scope", entry.disabled)
    if not entry.anywhere:
        found = address_of(address)
        if found is None or not any(network.holds(*found) for network in entry.networks):
            raise Refused("key_network")


def _not_there(endpoint: str) -> Refused:
    return Refused("key_scope", f"the key may not use the endpoint {endpoint!r}", place="endpoints")
