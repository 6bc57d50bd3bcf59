"""What every provider is: one place to ask, in one vendor's wire format.

A provider package has three files: `wire.py` (pure: request → bytes, bytes → events), `profile.py` (what its models
can do) and `client.py` (settings and the conversation over the transport).
"""

from typing import Any, Protocol

from rowen.provider.transport import Transport
from rowen.values import Deployment, Events, Profile, Request, Secret, Settings


class ModelSettings(Settings, frozen=True, kw_only=True):
    """What a provider is made from: one `[models.NAME]` table, or one of its `deployments`.

    `options` holds the provider's own further settings, checked against its `Options`.
    """

    provider: str
    model: str = ""
    key: Secret | None = None
    base_url: str = ""
    headers: dict[str, str] = {}
    options: dict[str, Any] = {}


class Provider(Protocol):
    """Asks one upstream. Always as events: an answer that came in one piece is the events it folds from."""

    profile: Profile

    def ask(self, request: Request, deployment: Deployment) -> Events:
        """Yield the events of one answer in batches, from `Started` to the last `Used` (absent when the vendor reports none).

        `request.model` is the caller's name for the model; the wire sends `deployment.upstream`.

        Raises:
            Unavailable: the upstream could not be reached, failed, timed out or spoke nonsense; `who` names it.
            Refused: its rate limit (`upstream_limited`, with `retry_after`) or its filter refused.
            Mistaken: the request cannot be expressed (`field_unsupported`, `field_unknown`) or was refused as wrong.

        Closing the iterator aborts the upstream request.

        """
        ...

    async def close(self) -> None:
        """Release what the provider itself holds. The transport belongs to whoever handed it in."""
        ...


class MakeProvider(Protocol):
    """How the catalogue makes a provider from its settings."""

    def __call__(self, settings: ModelSettings, transport: Transport) -> Provider: ...
