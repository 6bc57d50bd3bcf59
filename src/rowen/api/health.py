"""`/healthz`, `/readyz` and `/metrics`: for probes and for Prometheus."""

import msgspec

from rowen.api.base import Services
from rowen.api.envelope import Inbound, networks, within
from rowen.api.openai import errors
from rowen.api.simple import SimpleDoor, Told
from rowen.values import Refused


class HealthDoor(SimpleDoor):
    """Whether the process lives. Says nothing of what it needs from others."""

    shape = "health"

    def __init__(self, services: Services) -> None:
        super().__init__(services, errors.body)

    async def tell(self, _: Inbound) -> Told:
        """Return that it lives."""
        return Told(b'{"status":"ok"}')


class ReadyDoor(SimpleDoor):
    """Whether calls can be answered: 200 when everything needed works, 503 with the names of what does not.

    What exactly is wrong is for `rowen doctor`: this door is open to everybody.
    """

    shape = "ready"

    def __init__(self, services: Services) -> None:
        super().__init__(services, errors.body)

    async def tell(self, _: Inbound) -> Told:
        """Return what works."""
        checks = await self.services.ready()
        shown = {name: "ok" if said == "ok" else "failing" for name, said in checks.items()}
        ready = all(said == "ok" for said in shown.values())
        body = msgspec.json.encode({"status": "ok" if ready else "failing", "checks": shown})
        return Told(body, 200 if ready else 503)


class MetricsDoor(SimpleDoor):
    """All counts in Prometheus' text format, for the networks of `metrics_networks`."""

    shape = "metrics"

    def __init__(self, services: Services) -> None:
        super().__init__(services, errors.body)
        self._networks = networks(services.settings.metrics_networks)

    async def tell(self, inbound: Inbound) -> Told:
        """Return the text."""
        envelope = inbound.envelope
        # Somebody relayed by a proxy we do not know could be anywhere, whatever the proxy's own address is.
        if envelope.relayed or not within(envelope.address, self._networks):
            raise Refused("key_network", "The metrics are not open to this network.")
        text = self.services.metrics.text().encode()
        return Told(text, 200, content_type=b"text/plain; version=0.0.4; charset=utf-8")
