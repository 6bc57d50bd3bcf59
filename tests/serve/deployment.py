"""A server over a fake clock with a client, and a webhook on loopback."""

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from rowen.access import SYSTEM, Wanted
from rowen.serve.server import Server
from rowen.serve.settings import ServerSettings
from rowen.testing.clock import FakeClock

START = 1_790_000_000_000_000_000 // 60_000_000_000 * 60_000_000_000


@asynccontextmanager
async def webhook():
    got: list[dict] = []

    async def serve(reader, writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        got.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 204 X\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", got


class Deployment:
    """A server over a fake clock, with a client that comes in by its doors."""

    def __init__(self, server: Server, clock: FakeClock, client: httpx2.AsyncClient) -> None:
        self.server, self.clock, self.client = server, clock, client

    async def call(self, number: int = 1, model: str = "main") -> list[int]:
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
        return [(await self.client.post("/v1/chat/completions", json=body)).status_code for _ in range(number)]

    async def minute(self) -> None:
        await self.server.opened.traces_written()
        self.clock.move(60)
        await self.server.opened.watching.engine.tick()

    async def minutes(self, number: int) -> None:
        for _ in range(number):
            await self.minute()

    async def get(self, path: str):
        return (await self.client.get(path)).json()

    async def post(self, path: str, body: dict):
        answer = await self.client.post(path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]


@asynccontextmanager
async def deployed(folder: Path, clock: FakeClock):
    server = Server(ServerSettings(store=f"sqlite:{folder}/data"), [folder / "app.toml"], clock=clock)
    await server.open()
    try:
        register = server.opened.register
        await register.people.ensure_tenant(SYSTEM, "default")
        made = await register.create(SYSTEM, Wanted(name="t", scopes=("call", "admin")))
        headers = {"authorization": f"Bearer {made.secret.reveal()}"}
        transport = httpx2.ASGITransport(app=server, client=("127.0.0.1", 5))
        async with httpx2.AsyncClient(transport=transport, base_url="http://rowen", headers=headers) as client:
            yield Deployment(server, clock, client)
    finally:
        await server.close()
