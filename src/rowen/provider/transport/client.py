"""The transport that providers are handed: a pool of connections for each upstream, HTTP/1.1, TLS verified.

Why it is our own: docs/explanation/decisions/0002-upstream-client.md.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from string import ascii_letters, digits
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohappyeyeballs

from rowen.provider.transport.base import Reply
from rowen.provider.transport.connection import Connection
from rowen.provider.transport.look import Looks
from rowen.values.errors import Mistaken, Refused, Unavailable

MAX_IDLE = 256  # connections kept for each upstream
MAX_IDLE_AGE = 50.0  # seconds; load balancers close idle connections after 60
_EYEBALLS_DELAY = 0.25  # seconds before the next address is tried beside the first, RFC 8305
_PORTS = {"http": 80, "https": 443}
_TOKEN = frozenset(ascii_letters + digits + "!#$%&'*+-.^_`|~")  # what a header name is made of, RFC 9110


class Origin(NamedTuple):
    """Where connections go; connections of one origin are interchangeable."""

    host: str
    port: int
    secure: bool


class Address(NamedTuple):
    """An URL, taken apart once."""

    origin: Origin
    target: str
    host_header: str


class HttpTransport:
    """The real transport. One for a process; closed by whoever made it.

    Args:
        tls: what to trust; the system's authorities, or those of `certifi` where the system has none, when left out.
        max_idle_age: seconds that an unused connection is kept.
        allowed: says of an IP address whether it may be connected to; left out, all may be. It is asked for the very
            address that is connected to, so that a name which means another one the second time gains nothing.

    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        max_idle_age: float = MAX_IDLE_AGE,
        allowed: Callable[[str], bool] | None = None,
    ) -> None:
        self._tls = tls
        self._allowed = allowed
        self._max_idle_age = max_idle_age
        self._idle: dict[Origin, list[Connection]] = {}
        self._origins: dict[Connection, Origin] = {}
        self._looks = Looks()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self._emptied = asyncio.Event()

    @property
    def connections(self) -> int:
        """How many connections are open, idle ones included."""
        return len(self._origins)

    async def open(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        connect_timeout: float,
        silence_timeout: float | None = None,
    ) -> Reply:
        address, head = _addressed(method, url, tuple(headers.items()))
        request = b"%bcontent-length: %d\r\n\r\n" % (head, len(body))
        who = address.origin.host
        connection, connecting = self._take(address.origin), 0.0
        if connection is None:
            connection, connecting = await self._timed(address.origin, connect_timeout)
        reply = connection.send(request, body, who, silence_timeout)
        reply.connecting = connecting
        try:
            await reply.head()
        except Unavailable as error:
            # The upstream closed an idle connection while our request was on its way: it has not looked at it.
            stale = error.code == "upstream_cut" and connection.unheard and not self._closed
            if not stale:
                raise
            connection, connecting = await self._timed(address.origin, connect_timeout)
            reply = connection.send(request, body, who, silence_timeout)
            reply.connecting = connecting
            await reply.head()
        coding = reply.headers.get("content-encoding", "identity")
        if coding != "identity":
            reply.abort()
            message = f"The answer came encoded as {coding[:40]!r} though no encoding was offered."
            raise Unavailable("upstream_garbage", message, who=who)
        return reply

    async def close(self) -> None:
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._looks.stop()
        for connection in list(self._origins):
            connection.abort()
        self._idle.clear()
        if self._origins:
            self._emptied.clear()
            await self._emptied.wait()

    def _take(self, origin: Origin) -> Connection | None:
        """The idle connection used last, so that surplus ones grow old and are swept."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.open:
                return connection
        return None

    async def _timed(self, origin: Origin, within: float) -> tuple[Connection, float]:
        """Return a new connection, and the seconds that it took."""
        time = asyncio.get_running_loop().time
        begun = time()
        connection = await self._connect(origin, within)
        return connection, time() - begun

    async def _connect(self, origin: Origin, within: float) -> Connection:
        if self._closed:
            raise Unavailable("shutting_down", "The transport is closed.")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(within):
                found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
                if self._allowed is not None:
                    found = [each for each in found if self._allowed(str(each[4][0]))]
                    if not found:
                        message = f"{origin.host} has no address that may be connected to."
                        raise Refused("address_refused", message, place=origin.host)
                sock = await aiohappyeyeballs.start_connection(
                    found, happy_eyeballs_delay=_EYEBALLS_DELAY, interleave=1, loop=loop
                )
                try:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                    _, connection = await loop.create_connection(
                        lambda: Connection(loop, self._release, self._gone, self._looks),
                        sock=sock,
                        ssl=self._trust() if origin.secure else None,
                        server_hostname=origin.host if origin.secure else None,
                    )
                except BaseException:
                    sock.close()
                    raise
        except TimeoutError as error:
            message = f"No connection to {origin.host} within {within:g} seconds."
            raise Unavailable("upstream_connect", message, who=origin.host) from error
        except OSError as error:
            raise Unavailable("upstream_connect", _why(origin, error), who=origin.host) from error
        self._origins[connection] = origin
        return connection

    def _release(self, connection: Connection) -> None:
        idle = self._idle.setdefault(self._origins[connection], [])
        if self._closed or len(idle) >= MAX_IDLE:
            connection.abort()
            return
        idle.append(connection)
        if self._sweeper is None:
            self._sweeper = connection.loop.call_later(self._max_idle_age, self._sweep)

    def _gone(self, connection: Connection) -> None:
        origin = self._origins.pop(connection, None)
        if origin is not None and connection in (idle := self._idle.get(origin, [])):
            idle.remove(connection)
        if not self._origins:
            self._emptied.set()

    def _sweep(self) -> None:
        self._sweeper = None
        loop = asyncio.get_running_loop()
        too_old = loop.time() - self._max_idle_age
        for origin, idle in list(self._idle.items()):
            for connection in idle:
                if connection.idle_since <= too_old:
                    connection.abort()
            young = [connection for connection in idle if connection.open]
            if young:
                self._idle[origin] = young
            else:
                del self._idle[origin]
        if self._idle:
            self._sweeper = loop.call_later(self._max_idle_age, self._sweep)

    def _trust(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = _default_trust()
        return self._tls


def _default_trust() -> ssl.SSLContext:
    places = ssl.get_default_verify_paths()
    if any((places.cafile, places.capath)) or find_spec("certifi") is None:
        return ssl.create_default_context()
    return ssl.create_default_context(cafile=import_module("certifi").where())


def _why(origin: Origin, error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of {origin.host} is not trusted: {error.verify_message}."
    if isinstance(error, ssl.SSLError):
        return f"TLS with {origin.host}:{origin.port} failed: {error.reason or 'the handshake broke off'}."
    if isinstance(error, socket.gaierror):
        return f"The name {origin.host} cannot be resolved."
    return f"No connection to {origin.host}:{origin.port}: {error.strerror or type(error).__name__}."


@lru_cache(maxsize=1024)
def _address(url: str) -> Address:
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in _PORTS or not host:
        raise Mistaken("config_invalid", "A provider's address must begin with http:// or https:// and name a host.")
    if "@" in parts.netloc:
        raise Mistaken("config_invalid", f"The address of {host} holds a user or password; use the `key` setting.")
    try:
        port = parts.port or _PORTS[parts.scheme]
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError as error:
        raise Mistaken("config_invalid", "A provider's address has a host or port that cannot be.") from error
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not all("!" <= letter <= "~" for letter in target):
        raise Mistaken("config_invalid", f"The address at {host} has a character that must be percent-encoded.")
    name = f"[{host}]" if ":" in host else host
    return Address(
        origin=Origin(host, port, parts.scheme == "https"),
        target=target,
        host_header=name if port == _PORTS[parts.scheme] else f"{name}:{port}",
    )


@lru_cache(maxsize=1024)
def _checked(name: str) -> str:
    """The header name in lower case; an error where it cannot be one."""
    if not name or not _TOKEN.issuperset(name):
        raise Mistaken("config_invalid", f"{name!r} is not a header name.")
    return name.lower()


_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})


@lru_cache(maxsize=256)
def _addressed(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> tuple[Address, bytes]:
    """Return where a request goes, and its head up to the length: a provider sends the same one with every call."""
    address = _address(url)
    lines = [f"{method} {address.target} HTTP/1.1", f"host: {address.host_header}"]
    plain = True
    for given, value in headers:
        name = _checked(given)
        if name in _OURS:
            continue
        plain = plain and name != "accept-encoding"
        lines.append(f"{name}: {value}")
    if plain:
        lines.append("accept-encoding: identity")
    text = "\r\n".join(lines)
    # A line break in a value would start a header of its own. Counting over the whole head is quicker than each value.
    breaks = len(lines) - 1
    if text.count("\r") != breaks or text.count("\n") != breaks or "\0" in text or not text.isascii():
        _blame(headers)
    return address, f"{text}\r\n".encode("latin-1")


def _blame(headers: tuple[tuple[str, str], ...]) -> None:
    """Raise for the header whose value cannot be sent, without repeating it: it may be a key."""
    for name, value in headers:
        if any(sign in value for sign in "\r\n\0"):
            raise Mistaken("config_invalid", f"The value of the header `{name}` has a line break in it.")
        if not value.isascii():
            raise Mistaken("config_invalid", f"The value of the header `{name}` has a letter outside ASCII.")
