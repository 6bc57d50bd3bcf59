"""`GET /v1/models` and `/v1/models/{id}`: what the key may use, in OpenAI's or Anthropic's shape."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from rowen.api.anthropic import errors as anthropic_errors
from rowen.api.base import Services
from rowen.api.envelope import Envelope, Inbound
from rowen.api.openai import errors
from rowen.api.simple import SimpleDoor, Told
from rowen.flow import App
from rowen.values import Mistaken, Profile, Refused, at


@dataclass(frozen=True, slots=True)
class Listed:
    """A model as callers name it."""

    name: str
    profile: Profile


class ModelsDoor(SimpleDoor):
    """The list, or one of it. Anthropic's clients are known by their `anthropic-version`."""

    shape = "openai.models"

    def __init__(self, services: Services, *, id: str = "", anthropic: bool = False) -> None:
        super().__init__(services, anthropic_errors.body if anthropic else errors.body)
        self._id = id
        self._anthropic = anthropic
        self._since_ns = services.clock.now_ns()

    async def tell(self, inbound: Inbound) -> Told:
        """Return the models that the key may use."""
        models = await self._usable(inbound.envelope)
        if self._id:
            for model in models:
                if model.name == self._id:
                    return Told(msgspec.json.encode(self._object(model)))
            raise Mistaken("model_unknown", f"There is no model {self._id[:200]!r} that this key may use.", place="id")
        data = [self._object(model) for model in models]
        if not self._anthropic:
            return Told(msgspec.json.encode({"object": "list", "data": data}))
        return Told(
            msgspec.json.encode(
                {
                    "data": data,
                    "has_more": False,
                    "first_id": data[0]["id"] if data else None,
                    "last_id": data[-1]["id"] if data else None,
                }
            )
        )

    async def _usable(self, envelope: Envelope) -> list[Listed]:
        """The models by the names they can be asked by: plain in the first app, `app/model` in the others."""
        services = self.services
        first = services.apps.named(envelope.app)
        refusal: Refused | None = None
        usable: list[Listed] = []
        for app in (first,) if envelope.app else (first, *(one for one in services.apps.all() if one is not first)):
            prefix = "" if app is first else f"{app.name}/"
            for model, asked, deployments in _names(app):
                try:
                    await services.check(envelope.digest, envelope.address, self.shape, app.name, asked)
                except Refused as problem:
                    # A key that is of no use at all is refused as such; one that is limited sees less.
                    if problem.code != "key_scope":
                        raise
                    refusal = problem
                    continue
                # A name for itself alone, such as the app's own, needs no prefix.
                usable.append(Listed(model if model == app.name else prefix + model, deployments))
        if refusal is not None and not usable and not self._id:
            self._still_a_list(refusal)
        return usable

    def _still_a_list(self, refusal: Refused) -> None:
        """Tell a key that may not list models at all from one that may use none of them."""
        if refusal.place not in {"apps", "models"}:
            raise refusal

    def _object(self, model: Listed) -> dict[str, Any]:
        created = self._since_ns
        if not self._anthropic:
            return {"id": model.name, "object": "model", "created": created // 1_000_000_000, "owned_by": "rowen"}
        return {
            "type": "model",
            "id": model.name,
            "display_name": model.name,
            "created_at": at(created).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lifecycle": "active",
            "max_input_tokens": model.profile.context,
            "max_tokens": model.profile.max_output,
        }


def _names(app: App) -> Iterator[tuple[str, str, Profile]]:
    """Each name, the model that it means, and what that can do."""
    for name, deployments in app.models.items():
        yield name, name, deployments[0].profile if deployments else Profile()
    if app.name not in app.models and app.default_model in app.models:
        with suppress(IndexError):
            yield app.name, app.default_model, app.models[app.default_model][0].profile
