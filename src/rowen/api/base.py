"""What every door is made of: its settings, what it is handed, and the ASGI words."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

from rowen.api.metrics import Metrics
from rowen.flow import Apps
from rowen.store.base import Turns
from rowen.values import Caller, Clock, CountTokens, Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Door = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI callable."""

Ready = Callable[[], Awaitable[Mapping[str, str]]]
"""Names what must work for calls to be answered, each with `ok` or a sentence."""


class DoorSettings(Settings, frozen=True, kw_only=True):
    """What the doors take in, and from whom they believe an address."""

    body_limit: int = 20_000_000
    """The most bytes of one body."""
    open_limit: int = 65_536
    """A body larger than this is read only when it comes with a valid key."""
    depth: int = 64
    """The deepest JSON."""
    body_timeout: float = 30.0
    """Seconds until the whole body must be there."""
    trusted_proxies: tuple[str, ...] = ()
    """CIDR ranges whose `x-forwarded-for` is believed."""
    metrics_networks: tuple[str, ...] = (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
    )
    """CIDR ranges that may read `/metrics`."""
    notice_gone: float = 0.1
    """Seconds after which a server that is not Rowen's own is asked whether a caller is still there. Shorter calls save it."""


_DEFAULTS = DoorSettings()


class Check(Protocol):
    """Who calls with a key, when no chain is walked: the list of models, the count of tokens, a stored answer."""

    async def __call__(self, digest: str, address: str, shape: str, app: str, model: str | None) -> Caller:
        """Return the caller.

        Raises:
            Refused: the key may not.

        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the doors are handed."""

    apps: Apps
    check: Check
    turns: Turns
    count: CountTokens
    clock: Clock
    metrics: Metrics
    ready: Ready
    settings: DoorSettings = _DEFAULTS
