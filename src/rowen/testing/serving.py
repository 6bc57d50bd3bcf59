"""A whole Rowen on loopback, in a thread: for tests that come in through the doors."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import uvicorn

from rowen.access import SYSTEM, Wanted
from rowen.serve.run import config_of
from rowen.serve.server import Opened, Server
from rowen.serve.settings import ServerSettings

T = TypeVar("T")


class Running:
    """A served Rowen. `key` may call, `admin` may do everything; both are secrets in the clear."""

    def __init__(self, url: str, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self.server = server
        self.loop = loop
        self.admin = self.new_key("admin", scopes=("call", "admin"))
        self.key = self.new_key("test")

    @property
    def opened(self) -> Opened:
        """What stands inside."""
        return self.server.opened

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the server's own loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def new_key(self, name: str, **wanted: Any) -> str:
        """Make a key and return its secret."""

        async def make() -> str:
            register = self.opened.register
            await register.people.ensure_tenant(SYSTEM, wanted.get("tenant", "default"))
            made = await register.create(SYSTEM, Wanted(name=name, **wanted))
            return made.secret.reveal()

        return self.do(make())


class Prompt(uvicorn.Server):
    """A server that ends when it is told to: uvicorn looks up ten times a second, and hundreds of tests would wait for it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    async def main_loop(self) -> None:
        await self._told.wait()

    def end(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell it, from any thread."""
        self.should_exit = True  # it may be starting still
        with suppress(RuntimeError):  # it ended by itself
            loop.call_soon_threadsafe(self._told.set)


@contextmanager
def serving(*apps: Path, store: str = "memory:", **settings: Any) -> Iterator[Running]:
    """Serve apps until the block ends, on a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server_settings = ServerSettings(store=store, port=port, **settings)
    server = Server(server_settings, apps)
    uvicorn_server = Prompt(config_of(server_settings, server))
    loop = asyncio.new_event_loop()
    failure: list[BaseException] = []

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(uvicorn_server.serve(sockets=[listening]))
        except BaseException as error:  # noqa: BLE001 - handed to whoever started the thread
            failure.append(error)
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=run, name="rowen")
    thread.start()
    try:
        while not uvicorn_server.started:
            thread.join(0.01)
            if not thread.is_alive():
                raise RuntimeError("the server did not start") from (failure[0] if failure else None)
        yield Running(f"http://127.0.0.1:{port}", server, loop)
    finally:
        uvicorn_server.end(loop)
        thread.join(60)
        listening.close()
    if failure:
        raise failure[0]
