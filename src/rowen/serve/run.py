"""Runs a server: the first admin key, the banner, one process or several."""

import asyncio
import logging
import os
import socket
import ssl
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from rowen import access
from rowen.config import read
from rowen.flow.vet import vet
from rowen.provider.transport import HttpTransport
from rowen.provider.transport.look import Looks
from rowen.serve.leaving import Alone, Several, announced
from rowen.serve.protocol import Protocol
from rowen.serve.server import Server
from rowen.serve.settings import ServerSettings, folder_of, is_loopback, settings_of
from rowen.serve.tables import TABLES
from rowen.store.catalog import open_store
from rowen.values import Mistaken, Secret, SystemClock

log = logging.getLogger("rowen")

BOOT = "ROWEN_BOOT"
"""Where a worker process finds what to serve, as JSON of a `Boot`."""


class Boot(msgspec.Struct, frozen=True):
    """How a worker comes to the same settings: by reading them again. No secret travels between processes."""

    file: str
    flags: dict[str, Any]
    apps: list[str]


class First(msgspec.Struct, frozen=True):
    """What a first start gave away once."""

    admin: Secret | None
    link: str
    """A one-time link that signs the machine's owner in, when the server listens on loopback."""


def config_of(settings: ServerSettings, app: Callable[..., object] | str, *, factory: bool = False) -> uvicorn.Config:
    """Return uvicorn's configuration for a deployment."""
    Protocol.head_timeout = settings.body_timeout
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        factory=factory,
        interface="asgi3",
        http=partial(Protocol, looks=Looks()),  # type: ignore[arg-type]  # uvicorn calls it, as it would a class
        ws="none",
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        lifespan="on",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        log_config=None,
        backlog=4096,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(settings.grace),
        timeout_worker_healthcheck=60,
        ssl_certfile=settings.tls_cert or None,
        ssl_keyfile=settings.tls_key or None,
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
        workers=settings.workers,
    )


def run(
    file: Path, flags: Mapping[str, Any], apps: Sequence[Path], *, say: Callable[[str], None], sign_in: bool = False
) -> None:
    """Serve until told to stop.

    Args:
        file: the `server.toml`, which need not exist.
        flags: settings from the command line.
        apps: paths of `app.toml` files.
        say: prints one line for the person at the terminal.
        sign_in: print a one-time sign-in link (on loopback).

    Raises:
        Problem: what keeps it from starting.

    """
    settings, _ = settings_of(file, flags)
    quiet_logs(settings)
    for path in apps:
        vet(read(path, TABLES), HttpTransport())  # a mistake is told here, once, and not by every worker
    listening = _listen(settings)
    port = listening.getsockname()[1]
    settings = settings.but(port=port)
    scheme = "https" if settings.tls_cert else "http"
    base = f"{scheme}://{settings.host if ':' not in settings.host else f'[{settings.host}]'}:{port}"
    if settings.workers > 1 and folder_of(settings) is None:
        raise Mistaken(
            "config_invalid",
            'several workers need a store that outlives them: `store = "sqlite:FOLDER"` or `postgres://…`',
            place="workers",
        )
    if folder_of(settings) is not None:
        first = asyncio.run(_first(settings, base, link=sign_in and is_loopback(settings.host)))
        _banner(first, settings, base, say)
    if settings.workers > 1:
        boot = Boot(str(file.resolve()), {**flags, "port": port}, [str(path.resolve()) for path in apps])
        _several(settings, boot, listening)
        return
    server = Server(settings, apps)
    uvicorn_server = Alone(config_of(settings, server), drain=settings.drain, leave=server.leave)
    uvicorn_server.run(sockets=[listening])
    if not uvicorn_server.started:
        raise SystemExit(1)


def quiet_logs(settings: ServerSettings) -> None:
    """Log to standard error, one line an event. uvicorn's own lines only from warnings up."""
    logging.basicConfig(level=settings.log.upper(), format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


async def _first(settings: ServerSettings, base: str, *, link: bool) -> First:
    """Make the admin key of a first start, and a sign-in link."""
    clock = SystemClock()
    store = await open_store(settings.store, clock=clock, traces=settings.traces)
    try:
        directory = access.Directory(keys=store.keys, tenants=store.tenants, revisions=store.revisions, clock=clock)
        await directory.load()
        register = access.Register(
            keys=store.keys, tenants=store.tenants, audit=store.audit, directory=directory, clock=clock
        )
        made = await register.first_admin()
        address = ""
        admin = await register.admin()
        folder = folder_of(settings)
        if link and admin is not None and folder is not None:
            sessions = access.Sessions(
                directory=directory,
                recorder=register.recorder,
                counters=store.counters,
                throttle=access.Throttle(store.counters, clock),
                signing=access.signing_key(folder),
                clock=clock,
            )
            address = f"{base}/sign-in?link={sessions.link(admin.id).reveal()}"
        return First(admin=made.secret if made else None, link=address)
    finally:
        await store.close()


def _banner(first: First, settings: ServerSettings, base: str, say: Callable[[str], None]) -> None:
    say(f"Rowen listens on {base}  (OPENAI_BASE_URL={base}/v1, ANTHROPIC_BASE_URL={base})")
    if first.admin is not None:
        say(f"Admin key, shown this once: {first.admin.reveal()}")
    if first.link:
        say(f"Pages, signed in once within ten minutes: {first.link}")
    if not is_loopback(settings.host) and not settings.tls_cert and not settings.trusted_proxies:
        say(
            f"Warning: {settings.host} is reachable from outside and speaks plain HTTP, so keys travel in the clear. "
            "Set tls_cert and tls_key, or trusted_proxies when a proxy before it speaks TLS."
        )


def _listen(settings: ServerSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        raise Mistaken(
            "config_invalid",
            f"cannot listen on {settings.host}:{settings.port}: {reason}",
            place="port",
            fix="Stop what listens there, or take another port with `--port`; 0 takes a free one.",
        ) from error
    listening.listen(4096)
    listening.set_inheritable(True)
    return listening


def _several(settings: ServerSettings, boot: Boot, listening: socket.socket) -> None:
    """Run workers that share the listening socket; uvicorn's supervisor restarts one that dies.

    On SIGHUP it starts a worker of the code that is installed then, and ends an old one when the new one is ready.
    """
    os.environ[BOOT] = msgspec.json.encode(boot).decode()
    config = config_of(settings, "rowen.serve.run:worker", factory=True)
    several = Several(config, [listening])
    several.drain = settings.drain
    several.run()


def worker() -> Server:
    """Return the application of a worker process, as the parent left word."""
    boot = msgspec.json.decode(os.environ[BOOT], type=Boot)
    settings, _ = settings_of(Path(boot.file), boot.flags)
    quiet_logs(settings)
    server = Server(settings, [Path(path) for path in boot.apps])
    announced(server.leave)
    return server
