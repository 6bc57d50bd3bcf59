"""All deployments of an app and the providers that serve them: the `Ask` port."""

from collections.abc import Mapping
from typing import NamedTuple

from rowen.provider.base import ModelSettings, Provider
from rowen.provider.catalog import maker
from rowen.provider.transport import Transport
from rowen.values import Deployment, Events, Mistaken, Problem, Request, Started


class _Place(NamedTuple):
    deployment: Deployment
    provider: Provider


class Fleet:
    """Makes each provider when it is first asked; deployments of equal settings share one.

    Args:
        deployments: by name, each with what its provider is made from.
        transport: how providers reach their upstreams; closed by whoever made it.

    """

    def __init__(self, deployments: Mapping[str, tuple[Deployment, ModelSettings]], transport: Transport) -> None:
        self._deployments = deployments
        self._transport = transport
        self._places: dict[str, _Place] = {}
        self._made: list[tuple[ModelSettings, Provider]] = []

    def ask(self, request: Request, deployment: str) -> Events:
        """Yield the events of one attempt at a deployment; what goes wrong is raised when they are asked for."""
        place = self._places.get(deployment)
        if place is None:
            try:
                place = self._place(deployment)
            except Problem as problem:
                problem.who = problem.who or deployment
                return _failing(problem)
        return place.provider.ask(request, place.deployment)

    async def close(self) -> None:
        """Close every provider that was made."""
        made, self._made = self._made, []
        self._places.clear()
        for _, provider in made:
            await provider.close()

    def _place(self, name: str) -> _Place:
        found = self._deployments.get(name)
        if found is None:
            raise Mistaken("model_unknown", f"There is no deployment {name!r}.")
        deployment, settings = found
        provider = next((provider for known, provider in self._made if known == settings), None)
        if provider is None:
            provider = maker(settings.provider)(settings, self._transport)
            self._made.append((settings, provider))
        place = self._places[name] = _Place(deployment, provider)
        return place


async def _failing(problem: Problem) -> Events:
    if problem:
        raise problem
    yield (Started(),)  # makes this a stream, and is never reached
