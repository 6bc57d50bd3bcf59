"""A gateway without a server: the doors, apps whose chain only plays a script, and a client that speaks ASGI."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from rowen.api.base import DoorSettings, Services
from rowen.api.doors import Doors
from rowen.api.metrics import Metrics
from rowen.flow import App, Chain
from rowen.store.base import Turn
from rowen.values import (
    Attempt,
    Call,
    Caller,
    Definition,
    Deployment,
    Event,
    Events,
    Finished,
    Mistaken,
    Profile,
    Refused,
    Request,
    Said,
    Started,
    Usage,
    Used,
    usd,
)

SECRET = "rk-test"
DIGEST = hashlib.sha256(SECRET.encode()).hexdigest()

Script = Callable[[Call], AsyncGenerator[Event, None]]


class StillClock:
    """A clock that moves one millisecond at each look."""

    def __init__(self) -> None:
        self.ns = 1_763_900_000_000_000_000

    def now_ns(self) -> int:
        self.ns += 1_000_000
        return self.ns

    def monotonic(self) -> float:
        return self.ns / 1e9


class MemoryTurns:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Turn] = {}

    async def put(self, turn: Turn) -> None:
        self.kept[turn.tenant, turn.id] = turn

    async def get(self, id: str, tenant: str) -> Turn | None:
        return self.kept.get((tenant, id))

    async def delete(self, id: str, tenant: str) -> bool:
        return self.kept.pop((tenant, id), None) is not None


@dataclass
class OurApps:
    served: list[App]

    def named(self, name: str) -> App:
        for app in self.served:
            if name in {"", app.name}:
                return app
        raise Mistaken("app_unknown", f"no app {name!r}")

    def all(self) -> tuple[App, ...]:
        return tuple(self.served)


@dataclass
class Seen:
    """An answer as a client sees it."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    ended: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[tuple[str, Any]]:
        """The server-sent events: name and data."""
        found = []
        for block in self.body.decode().split("\n\n"):
            name, data = "", ""
            for line in block.splitlines():
                key, _, value = line.partition(": ")
                name = value if key == "event" else name
                data = value if key == "data" else data
            if data:
                found.append((name, data if data == "[DONE]" else json.loads(data)))
        return found


class Gateway:
    """The doors with everything that they are handed, all of it to be looked at."""

    def __init__(self, script: Script, *, settings: DoorSettings | None = None) -> None:
        self.clock = StillClock()
        self.turns = MemoryTurns()
        self.metrics = Metrics()
        self.script = script
        self.calls: list[Call] = []
        self.checks = {"store": "ok"}
        self.allowed: Callable[[str, str | None], bool] = lambda app, model: True
        deployments = (
            Deployment(name="fast", model="fast", provider="echo", upstream="echo-1", profile=Profile(context=8192)),
        )
        models = {"fast": deployments, "org/slashed": deployments}
        self.apps = OurApps([self._app("handbook", models), self._app("other", {"fast": deployments})])
        self.doors = Doors(
            Services(
                apps=self.apps,
                check=self._check,
                turns=self.turns,
                count=lambda request: sum(len(message.text.split()) for message in request.messages),
                clock=self.clock,
                metrics=self.metrics,
                ready=self._ready,
                settings=settings or DoorSettings(),
            )
        )

    def _app(self, name: str, models: dict[str, tuple[Deployment, ...]]) -> App:
        async def identify(call: Call) -> Call:
            return call.but(
                caller=await self._check(
                    call.door.key_digest, call.door.address, call.door.shape, name, call.request.model
                )
            )

        async def answer(call: Call, tell: Callable[[Attempt], None]) -> Events:
            usage = Usage()
            status = "cancelled"
            try:
                async for event in self.script(call):
                    if isinstance(event, Used):
                        usage = event.usage
                    yield (event,)
                status = "ok"
            finally:
                tell(
                    Attempt(
                        deployment="fast", provider="echo", model="echo-1", started_ns=1, ended_ns=2,
                        status=status, usage=usage, cost=usd("0.00012"),
                    )
                )  # fmt: skip

        async def settle(call: Call) -> Call:
            return call.but(cost=usd("0.00012") if call.attempts else None)

        async def keep(call: Call) -> Call:
            self.calls.append(call)
            return call

        return App(
            name=name,
            definition=Definition(app=name, hash=f"hash-{name}", source={}),
            chain=Chain(
                before=(("access.identify", identify),),
                answer=answer,
                after=(("limits.settle", settle), ("keep", keep)),
            ),
            models=models,
            default_model="fast",
            clock=self.clock,
        )

    async def _check(self, digest: str, address: str, shape: str, app: str, model: str | None) -> Caller:
        if not digest:
            raise Refused("key_missing")
        if digest != DIGEST:
            raise Refused("key_unknown")
        if not self.allowed(app, model):
            raise Refused("key_scope", "the key may not use that", place="models")
        return Caller(key="k1", shown="rk-test", tenant="acme")

    async def _ready(self) -> dict[str, str]:
        return self.checks

    async def ask(
        self,
        path: str,
        body: object = None,
        *,
        method: str = "POST",
        headers: dict[str, str] | Sequence[tuple[str, str]] = (),
        key: str | None = SECRET,
        receive: Callable[[], Awaitable[dict[str, Any]]] | None = None,
        client: str = "127.0.0.1",
        on_chunk: Callable[[bytes], None] | None = None,
    ) -> Seen:
        """Send one request and return what came back. `body` may be bytes, or anything that JSON can say."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = list(headers.items()) if isinstance(headers, dict) else list(headers)
        names = {name for name, _ in given}
        if body is not None and "content-type" not in names:
            given.append(("content-type", "application/json"))
        if body is not None and "content-length" not in names and receive is None:
            given.append(("content-length", str(len(raw))))
        if key is not None and not names & {"authorization", "x-api-key"}:
            given.append(("authorization", f"Bearer {key}"))
        sent = False
        seen = Seen()

        async def whole() -> dict[str, Any]:
            nonlocal sent
            if sent:
                await asyncio.Event().wait()  # the client stays
            sent = True
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                seen.headers = {name.decode(): value.decode() for name, value in message["headers"]}
                return
            seen.chunks.append(message["body"])
            seen.ended = not message.get("more_body", False)
            if on_chunk is not None:
                on_chunk(message["body"])

        scope = {
            "type": "http",
            "method": method,
            "path": path.partition("?")[0],
            "query_string": path.partition("?")[2].encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given],
            "client": (client, 5000),
        }
        await self.doors(scope, receive or whole, send)
        return seen


@dataclass
class Doorway:
    """What the tests reach for: a gateway for a list of events, or for a script."""

    gateway: type[Gateway] = Gateway

    def says(self, *events: Event | Exception, settings: DoorSettings | None = None) -> Gateway:
        """A gateway whose model answers with these events, or raises."""

        async def script(call: Call) -> AsyncGenerator[Event, None]:
            for event in events:
                if isinstance(event, Exception):
                    raise event
                yield event

        return Gateway(script, settings=settings)

    def plain(self, settings: DoorSettings | None = None) -> Gateway:
        """A gateway whose model says `Hello there.` in two pieces."""
        return self.says(
            Started(id="up-1", model="echo-1", extra={"system_fingerprint": "fp"}),
            Said(text="Hello "),
            Said(text="there."),
            Finished(reason="stop"),
            Used(usage=Usage(input_tokens=9, output_tokens=3, cache_read_tokens=4)),
            settings=settings,
        )

    def request(self, gateway: Gateway) -> Request:
        """The request of the only call."""
        (call,) = gateway.calls
        return call.request


@pytest.fixture
def doorway() -> Doorway:
    return Doorway()
