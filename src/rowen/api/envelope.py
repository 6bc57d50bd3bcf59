"""The envelope of a request: who sends it, from where, and what its headers ask for."""

import hashlib
from base64 import b64decode
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import cast

import msgspec

from rowen.api.base import DoorSettings, Receive, Scope
from rowen.values import Mistaken, Priority

Networks = tuple[IPv4Network | IPv6Network, ...]

_ONCE = frozenset({b"authorization", b"x-api-key", b"content-length", b"content-type"})
_SELDOM = frozenset(
    {
        b"x-rowen-app",
        b"x-rowen-feature",
        b"x-rowen-session",
        b"x-rowen-user",
        b"x-rowen-cache",
        b"x-rowen-priority",
        b"x-rowen-tags",
        b"traceparent",
        b"x-forwarded-for",
        b"content-encoding",
        b"anthropic-version",
        b"anthropic-beta",
        b"if-none-match",
    }
)
_HEX = frozenset("0123456789abcdef")


class Envelope(msgspec.Struct, kw_only=True):
    """Everything of a request but its body. Holds the digest of the key, never the key."""

    method: str
    path: str
    address: str = ""
    relayed: bool = False
    """Whether it says to come from behind a proxy that is not trusted."""
    digest: str = ""
    length: int | None = None
    content_type: str = ""
    encoding: str = ""
    app: str = ""
    feature: str = ""
    session: str = ""
    user: str = ""
    use_cache: bool = True
    priority: Priority = "normal"
    tags: tuple[str, ...] = ()
    traceparent: str = ""
    agent: str = ""
    version: str = ""
    beta: tuple[str, ...] = ()
    match: str = ""
    """The tags of what the caller has already."""


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """A request that came in: its envelope opened, its body still to be read."""

    envelope: Envelope
    trace: str
    """The id under which everything about it is kept and told."""
    started_ns: int
    receive: Receive
    query: bytes = b""


class Opener:
    """Reads envelopes. The proxies to trust are worked out once."""

    def __init__(self, settings: DoorSettings) -> None:
        self._trusted = networks(settings.trusted_proxies)

    def __call__(self, scope: Scope) -> Envelope:
        """Return the envelope of a request.

        Raises:
            Mistaken: `header_repeated`, or `field_invalid` for a header with a value that cannot be.

        """
        headers = scope["headers"]
        found: dict[bytes, bytes] = dict(headers)
        if len(found) < len(headers):
            found = _joined(headers)
        client = scope.get("client")
        envelope = Envelope(method=scope["method"], path=scope["path"], address=client[0] if client else "")
        _usual(envelope, found)
        for name in _SELDOM.intersection(found):
            self._seldom(envelope, name, found[name].decode("latin-1").strip())
        return envelope

    def _seldom(self, envelope: Envelope, name: bytes, value: str) -> None:
        match name:
            case b"traceparent":
                envelope.traceparent = value if _traced(value) else ""
            case b"x-forwarded-for":
                self._relay(envelope, value)
            case b"content-encoding":
                envelope.encoding = value.lower()
            case b"anthropic-version":
                envelope.version = value
            case b"anthropic-beta":
                envelope.beta = _listed(value)
            case b"if-none-match":
                envelope.match = value
            case b"x-rowen-app":
                envelope.app = value
            case b"x-rowen-feature":
                envelope.feature = value
            case b"x-rowen-session":
                envelope.session = value
            case b"x-rowen-user":
                envelope.user = value
            case b"x-rowen-tags":
                envelope.tags = _listed(value)
            case b"x-rowen-cache":
                if value != "bypass":
                    raise Mistaken("field_invalid", "x-rowen-cache can only be `bypass`", place="x-rowen-cache")
                envelope.use_cache = False
            case b"x-rowen-priority":
                if value not in {"low", "normal"}:
                    raise Mistaken(
                        "field_invalid", "x-rowen-priority can only be `low` or `normal`", place="x-rowen-priority"
                    )
                envelope.priority = cast("Priority", value)
            case _:
                return

    def _relay(self, envelope: Envelope, value: str) -> None:
        """Take the last address that no trusted proxy vouches for."""
        if not within(envelope.address, self._trusted):
            envelope.relayed = True
            return
        for hop in reversed(_listed(value)):
            envelope.address = hop
            if not within(hop, self._trusted):
                return


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return headers of which some came more than once; some may not."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in found:
            found[name] = value
        elif name in _ONCE:
            raise Mistaken("header_repeated", f"the header {name.decode()} came twice", place=name.decode())
        else:
            found[name] = found[name] + b"," + value
    return found


def _usual(envelope: Envelope, found: dict[bytes, bytes]) -> None:
    """Take in the headers that nearly every request has."""
    envelope.content_type = found.get(b"content-type", b"").decode("latin-1").strip()
    envelope.agent = found.get(b"user-agent", b"")[:200].decode("latin-1")
    length = found.get(b"content-length")
    if length is not None:
        if not length.isdigit():
            raise Mistaken("field_invalid", "content-length must be a number", place="content-length")
        envelope.length = int(length[:20])
    # A bearer token wins: who sends both has set it by hand, and the other by a client's default.
    scheme, _, secret = found.get(b"authorization", b"").partition(b" ")
    secret = secret.strip() if scheme.lower() == b"bearer" else _basic(secret) if scheme.lower() == b"basic" else b""
    secret = secret or found.get(b"x-api-key", b"").strip()
    if secret:
        envelope.digest = hashlib.sha256(secret).hexdigest()


def _basic(pair: bytes) -> bytes:
    """Return the password of a name and a password, as Langfuse's clients send a public and a secret key."""
    try:
        return b64decode(pair.strip(), validate=True).partition(b":")[2].strip()
    except ValueError:
        return b""


def networks(ranges: tuple[str, ...]) -> Networks:
    """Return CIDR ranges ready to be asked.

    Raises:
        Mistaken: `config_invalid`: one is not a range.

    """
    try:
        return tuple(ip_network(text, strict=False) for text in ranges)
    except ValueError as error:
        raise Mistaken("config_invalid", f"not a network range: {error}", place="trusted_proxies") from None


def within(address: str, ranges: Networks) -> bool:
    """Return whether an address lies in one of the ranges."""
    if not ranges:
        return False
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return any(found in network for network in ranges)


def _listed(value: str) -> tuple[str, ...]:
    return tuple(text for part in value.split(",") if (text := part.strip()))


def _traced(value: str) -> bool:
    """Whether it is a W3C traceparent: version, trace id, span id, flags, no id all zero."""
    parts = value.split("-")
    if len(parts) < 4 or [len(part) for part in parts[:4]] != [2, 32, 16, 2] or parts[0] == "ff":
        return False
    if parts[0] == "00" and len(parts) != 4:
        return False
    return _HEX.issuperset("".join(parts[:4])) and bool(parts[1].strip("0")) and bool(parts[2].strip("0"))
