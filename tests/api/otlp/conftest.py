"""The OTLP doors with an intake whose store is a list, and a client that speaks ASGI."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from rowen.access.directory import Entry, entry_of
from rowen.api.base import DoorSettings
from rowen.api.metrics import Metrics
from rowen.api.otlp.base import Receiving, Room
from rowen.api.otlp.doors import doors
from rowen.testing.clock import FakeClock
from rowen.testing.otlp import NOW
from rowen.trace import TraceSettings
from rowen.trace.intake.observe import IntakeLimits
from rowen.trace.intake.policy import Policy
from rowen.trace.intake.sample import SampleSettings
from rowen.trace.intake.take import Intake
from rowen.values import Key, Mistaken, Observed, Problem, Refused, Scope, Score


@dataclass
class Answered:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Receiver:
    """A server's part that takes spans: keys by their secret, and what it stored."""

    def __init__(self, *, room: Room | None = None, settings: DoorSettings | None = None, **trace: Any) -> None:
        self.stored: list[Observed] = []
        self.scores: list[Score] = []
        self.failing: Problem | None = None
        self.gate: asyncio.Event | None = None
        self.keys: dict[str, Entry] = {}
        self.key("rk-acme", tenant="acme")
        self.room = room or Room()
        self.metrics = Metrics()
        self.intake = Intake(
            observe=self._observe,
            judge=self._judge,
            policy=Policy(lambda app: None, TraceSettings(**trace), lambda user: user),
            pricing=lambda provider, model, usage, at_ns: None,
            clock=FakeClock(NOW),
            limits=IntakeLimits(),
            sampling=SampleSettings(),
        )
        self.doors = doors(
            Receiving(
                admit=self._admit,
                intake=self.intake,
                room=self.room,
                clock=FakeClock(NOW),
                metrics=self.metrics,
                settings=settings or DoorSettings(),
            )
        )

    def key(self, secret: str, **fields: Any) -> None:
        digest = hashlib.sha256(secret.encode()).hexdigest()
        self.keys[digest] = entry_of(Key(id=secret, digest=digest, shown="rk", name="k", **fields), None, None)

    async def _admit(self, digest: str, address: str, *scopes: Scope, endpoint: str = "") -> Entry:
        if digest not in self.keys:
            raise Refused("key_unknown" if digest else "key_missing")
        entry = self.keys[digest]
        if entry.scopes.isdisjoint(scopes) or (entry.endpoints and endpoint not in entry.endpoints):
            raise Refused("key_scope")
        return entry

    async def _observe(self, spans: Sequence[Observed]) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.failing is not None:
            raise self.failing
        self.stored.extend(spans)

    async def _judge(self, scores: Sequence[Score], *, apps: frozenset[str] = frozenset()) -> Sequence[Score]:
        if any(score.name == "misfit" for score in scores):
            raise Mistaken("field_invalid", "the config says otherwise")
        self.scores.extend(scores)
        return scores

    async def ask(
        self,
        body: bytes | Sequence[bytes] = b"",
        *,
        path: str = "/v1/traces",
        kind: str = "application/x-protobuf",
        key: str | None = "rk-acme",
        method: str = "POST",
        length: bool = True,
        **headers: str,
    ) -> Answered:
        pieces = [body] if isinstance(body, bytes) else list(body)
        given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        if kind:
            given.append((b"content-type", kind.encode()))
        if key is not None and "authorization" not in headers:
            given.append((b"authorization", f"Bearer {key}".encode()))
        if length:
            given.append((b"content-length", str(sum(map(len, pieces))).encode()))
        answered = Answered()

        async def receive() -> dict[str, Any]:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answered.status = message["status"]
                answered.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                answered.body += message["body"]

        scope = {"type": "http", "method": method, "path": path, "headers": given, "client": ("127.0.0.1", 1)}
        await self.doors[path](scope, receive, send)
        return answered


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def receiving() -> type[Receiver]:
    """Makes receivers with other settings."""
    return Receiver
