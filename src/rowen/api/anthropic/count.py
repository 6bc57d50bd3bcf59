"""`POST /v1/messages/count_tokens`."""

import msgspec

from rowen.api import body as bodies
from rowen.api.anthropic import errors
from rowen.api.base import Services
from rowen.api.door import place_of
from rowen.api.envelope import Inbound
from rowen.api.parse.anthropic import request_of
from rowen.api.simple import SimpleDoor, Told
from rowen.api.vet import vet


class CountDoor(SimpleDoor):
    """The tokens of a prompt, counted here: near enough to plan by, not the vendor's own count."""

    shape = "anthropic"
    methods = ("POST",)

    def __init__(self, services: Services) -> None:
        super().__init__(services, errors.body)

    async def tell(self, inbound: Inbound) -> Told:
        """Return the count."""
        services, envelope = self.services, inbound.envelope
        bodies.check_head(envelope, services.settings)
        await vet(services, envelope, self.shape)
        found = bodies.table_of(await bodies.read(inbound.receive, services.settings), services.settings.depth)
        request = request_of(found, counting=True)
        place = place_of(services.apps, envelope.app, request.model)
        model = place.app.default_model if place.model == place.app.name else place.model
        await services.check(envelope.digest, envelope.address, self.shape, place.app.name, model)
        return Told(msgspec.json.encode({"input_tokens": services.count(request)}))
