"""Answers that a later request may go on from."""

from typing import Protocol

from rowen.values import Answer, Message, Value


class Turn(Value, frozen=True, kw_only=True):
    """A stored answer that a later request may go on from (`previous_response_id`)."""

    id: str
    tenant: str
    app: str
    created_ns: int
    messages: tuple[Message, ...]
    """All that was said before the answer."""
    answer: Answer
    body: str
    """The answer's JSON as it was sent, to be read again by id."""


class Turns(Protocol):
    """Answers kept for `previous_response_id`."""

    async def put(self, turn: Turn) -> None: ...
    async def get(self, id: str, tenant: str) -> Turn | None: ...
    async def delete(self, id: str, tenant: str) -> bool: ...
    async def prune(self, before_ns: int) -> int:
        """Remove the answers kept before a moment; return how many."""
        ...
