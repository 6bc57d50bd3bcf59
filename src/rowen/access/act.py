"""Who acts upon keys, tenants and users, and what they may hand on: never more than they have themselves."""

from rowen.access.directory import Entry
from rowen.access.network import network_of
from rowen.values import Key, Priority, Refused, Scope, Value

_RANK: dict[Priority, int] = {"low": 0, "normal": 1, "high": 2}


class Actor(Value, frozen=True, kw_only=True):
    """Who does a management act: a key, or `system` for the command line on the machine itself."""

    key: str
    tenant: str = ""
    scopes: tuple[Scope, ...] = ()
    address: str = ""
    apps: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    priority: Priority = "normal"

    @classmethod
    def of(cls, entry: Entry, address: str = "") -> "Actor":
        """Return the actor that a key is."""
        key = entry.key
        return cls(
            key=key.id,
            tenant=key.tenant,
            scopes=key.scopes,
            address=address,
            apps=key.apps,
            models=key.models,
            groups=key.groups,
            endpoints=key.endpoints,
            networks=key.networks,
            priority=key.priority,
        )

    @property
    def everywhere(self) -> bool:
        """Whether the actor acts in all tenants."""
        return "admin" in self.scopes

    def sees(self, tenant: str) -> bool:
        """Whether the records of a tenant exist for the actor at all."""
        return self.everywhere or tenant == self.tenant

    def sees_key(self, key: Key) -> bool:
        """Whether a key exists for the actor: one of its tenant, and of its apps where it is limited to some."""
        return self.sees(key.tenant) and (not self.apps or not key.apps or not set(self.apps).isdisjoint(key.apps))

    def must_manage(self) -> None:
        """Raise `Refused("key_scope")` unless the actor may change something."""
        if not {"manage", "release", "admin"} & set(self.scopes):
            raise Refused("key_scope", "the key has not the scope `manage`", place="scopes")

    def must_administer(self) -> None:
        """Raise `Refused("key_scope")` unless the actor acts in all tenants."""
        if not self.everywhere:
            raise Refused("key_scope", "the key has not the scope `admin`", place="scopes")

    def must_cover(self, key: Key) -> None:
        """Raise `Refused("key_scope")` when a key may do anything that the actor could not hand on.

        Making, rotating and revoking all need it: who rotates a key holds its new secret.
        """
        self.must_manage()
        if self.everywhere:
            return
        for scope in ("release", "admin"):
            if scope in key.scopes:
                raise Refused(
                    "key_scope", f"only an admin key may handle a key with the scope `{scope}`", place="scopes"
                )
        if _RANK[key.priority] > _RANK[max(self.priority, "normal", key=_RANK.__getitem__)]:
            raise Refused("key_scope", "the priority is above that of the key used", place="priority")
        for place, mine, theirs in (
            ("apps", self.apps, key.apps),
            ("models", self.models, key.models),
            ("endpoints", self.endpoints, key.endpoints),
        ):
            if mine and not (theirs and set(theirs) <= set(mine)):
                raise Refused("key_scope", f"the {place} go beyond those of the key used", place=place)
        if not set(key.groups) <= set(self.groups):
            # Groups are the same in all tenants, so a tenant's manager hands on only those he has himself.
            raise Refused("key_scope", "the groups go beyond those of the key used", place="groups")
        if self.networks:
            own = [network_of(text) for text in self.networks]
            wanted = [network_of(text) for text in key.networks]
            if not wanted or not all(any(mine.covers(theirs) for mine in own) for theirs in wanted):
                raise Refused("key_scope", "the networks go beyond those of the key used", place="networks")


SYSTEM = Actor(key="system", scopes=("admin",), priority="high")
"""The command line and the server itself."""
