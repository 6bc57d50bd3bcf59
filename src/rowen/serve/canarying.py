"""Lets canaries ask the deployments of the apps that are served: past routing, caches and prompts, so that only the model speaks."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Protocol

from rowen.config import Loaded
from rowen.evaluate.canary import Asked, Canary, CanaryTable
from rowen.flow.deployments import placed, prices
from rowen.provider.fleet import Fleet
from rowen.provider.prices import Prices, Snapshot
from rowen.values import Clock, Deployment, Fold, Mistaken, Request, dollars_of


class Standing(Protocol):
    """The apps, as they are live."""

    def loaded(self) -> Sequence[Loaded]: ...

    def fleet(self, name: str) -> Fleet: ...


class Places:
    """Gives the canaries of all apps, and asks for them."""

    def __init__(self, served: Standing, snapshot: Snapshot, clock: Clock) -> None:
        self._served = served
        self._snapshot = snapshot
        self._clock = clock

    def canaries(self) -> list[Canary]:
        """Return every canary that an app writes."""
        return [each for loaded in self._served.loaded() for each in canaries_of(loaded)]

    async def ask(self, app: str, place: Deployment, request: Request) -> Asked:
        """Return the whole answer of one deployment.

        Raises:
            Problem: it gave none.

        """
        began, fold = self._clock.monotonic(), Fold()
        async with aclosing(self._served.fleet(app).ask(request, place.name)) as events:
            async for batch in events:
                fold.take(batch)
        answer, took = fold.answer(), self._clock.monotonic() - began
        cost = self._prices(app)(place.provider, place.upstream, answer.usage, self._clock.now_ns())
        return Asked(answer, took * 1e3, dollars_of(cost))

    def _prices(self, app: str) -> Prices:
        models = next(each.tables["models"] for each in self._served.loaded() if each.definition.app == app)
        return Prices(self._snapshot, prices(models, placed(models)))


def canaries_of(loaded: Loaded) -> list[Canary]:
    """Return the canaries that an app's file writes.

    Raises:
        Mistaken: `config_invalid` for one that asks a model that is none of the app's.

    """
    places = [place for place, _ in placed(loaded.tables["models"]).values()]
    chats = [place for place in places if place.profile.chat]
    tables: dict[str, CanaryTable] = loaded.tables["canary"]
    found = []
    for name, table in tables.items():
        if strange := [model for model in table.models if model not in {place.model for place in chats}]:
            message = f'there is no model "{strange[0]}" in this app that answers questions'
            raise Mistaken("config_invalid", message, place=loaded.place("canary", name, "models"))
        asked = tuple(place for place in chats if not table.models or place.model in table.models)
        found.append(Canary(loaded.definition.app, name, table, asked))
    return found
