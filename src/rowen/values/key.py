"""Who calls: keys, tenants, users."""

from typing import Literal

from rowen.values.base import Value
from rowen.values.limit import Limit

Scope = Literal["call", "read", "manage", "release", "admin"]
"""`call`: the model doors. `read`: pages and reading in the tenant. `manage`: changing in the tenant. `release`: letting out
versions of its apps, which answer every tenant. `admin`: all tenants, and forcing a release."""

Priority = Literal["high", "normal", "low"]


class Key(Value, frozen=True, kw_only=True):
    """An API key as it is kept: only the digest of the secret, and what it may do. Empty tuples mean "any"."""

    id: str
    digest: str
    """SHA-256 of the whole secret, hex. The secret has 256 random bits, so a slow hash would add nothing."""
    shown: str
    """The first characters, to recognise it by."""
    name: str
    tenant: str = "default"
    user: str = ""
    scopes: tuple[Scope, ...] = ("call",)
    apps: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Whose documents it may read, besides those of everybody; empty means none, not any."""
    endpoints: tuple[str, ...] = ()
    """Door shapes: `openai.chat`, `openai.responses`, `openai.embeddings`, `openai.models`, `openai.batch`, `anthropic`,
    `anthropic.batch`. A batch needs that of its lines too."""
    networks: tuple[str, ...] = ()
    """CIDR ranges."""
    limits: tuple[Limit, ...] = ()
    priority: Priority = "normal"
    created_ns: int = 0
    expires_ns: int | None = None
    revoked_ns: int | None = None
    replaces: str = ""
    """The id of the key that this one was rotated from."""
    last_used_ns: int | None = None


class Tenant(Value, frozen=True, kw_only=True):
    """A customer, team or project whose data nobody else sees."""

    id: str
    name: str = ""
    limits: tuple[Limit, ...] = ()
    created_ns: int = 0
    disabled: bool = False


class User(Value, frozen=True, kw_only=True):
    """A person or program inside a tenant, by whom keys, limits and costs can be told apart."""

    id: str
    tenant: str
    name: str = ""
    limits: tuple[Limit, ...] = ()
    created_ns: int = 0
    disabled: bool = False


class Caller(Value, frozen=True, kw_only=True):
    """Who makes a call, as `access.identify` found it. Holds nothing secret."""

    key: str
    shown: str
    tenant: str
    user: str = ""
    scopes: tuple[Scope, ...] = ("call",)
    priority: Priority = "normal"
    groups: tuple[str, ...] = ()
    """Whose documents it may read."""
    limits: tuple[Limit, ...] = ()
    """The key's own limits, and those of its user and tenant."""


class AuditEntry(Value, frozen=True, kw_only=True):
    """One line of the audit log: who did what to what. `chain` is the SHA-256 over the line and the one before."""

    id: str
    at_ns: int
    actor: str
    """A key id, or `system`."""
    tenant: str
    act: str
    """Verb on a noun: `key.create`, `key.revoke`, `sign_in`, …"""
    target: str = ""
    address: str = ""
    details: dict[str, str] = {}
    chain: str = ""
