"""An app that is being served: its Definition, its settings, and the chain assembled from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from rowen.flow.chain import Chain
from rowen.flow.walk import Walk
from rowen.values import Call, Clock, Definition, Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One app as it runs now. A reload makes a new one; calls under way keep theirs."""

    name: str
    definition: Definition
    chain: Chain
    models: Mapping[str, tuple[Deployment, ...]]
    """Model names that callers may use, each with its deployments."""
    default_model: str
    """The model that the app's own name stands for."""
    clock: Clock

    def walk(self, call: Call) -> Walk:
        """Start a walk through the chain."""
        return Walk(self.chain, call, self.clock)


class Apps(Protocol):
    """The apps served here."""

    def named(self, name: str) -> App:
        """Return an app; the first one when `name` is empty.

        Raises:
            Mistaken: `app_unknown`.

        """
        ...

    def all(self) -> tuple[App, ...]: ...
