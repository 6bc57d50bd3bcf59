"""What a stage may need of another, as callables that are handed in. A test hands in three lines."""

from collections.abc import Callable
from typing import Protocol

from rowen.values.event import Events
from rowen.values.money import Money
from rowen.values.request import Request
from rowen.values.usage import Usage


class Ask(Protocol):
    """Ask one deployment by name. Yields the events of one attempt; raises `Problem`; closing it stops the upstream."""

    def __call__(self, request: Request, deployment: str) -> Events: ...


class Pricing(Protocol):
    """What a usage costs at a provider and model at a moment; None when the price is not known."""

    def __call__(self, provider: str, model: str, usage: Usage, at_ns: int) -> Money | None: ...


CountTokens = Callable[[Request], int]
"""Tokens of a request's prompt, near enough to reserve by; offline."""

CountText = Callable[[str], int]
"""Tokens of a text, for estimates; offline."""
