"""A deployment and how it does: what the models page and the models route show."""

from typing import Any

from rowen.values import Deployment, Value


class ModelState(Value, frozen=True, kw_only=True, omit_defaults=False):
    """One deployment of one app's model, and its health as this process sees it."""

    app: str
    deployment: Deployment
    healthy: bool = True
    """Whether calls are sent to it now."""
    state: str = "closed"
    """Of its circuit breaker: `closed`, `open` or `half_open`."""
    facts: dict[str, Any] = {}
    """Further figures of the route: calls under way, latency, when the next probe is due."""
